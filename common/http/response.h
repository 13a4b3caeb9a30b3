// Response: what we answer, and the bytes of message heads, safe against injected line ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/http/headers.h"
#include "common/http/message.h"

namespace tako::http {

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

// {"error":{"code","message","hint"}} with the code's status, and Retry-After when the error says
// when to come back (rounded up to whole seconds).
[[nodiscard]] Response error_response(const Error& error);
// The same for a status that the catalogue maps otherwise (an upstream's, a parser's).
[[nodiscard]] Response error_response(int status, const Error& error);
[[nodiscard]] Response json_response(int status, std::string json);
[[nodiscard]] Response text_response(int status, std::string text);

// "Not Found"; "Unknown" for a number without a standard phrase.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// "HTTP/1.1 200 OK\r\nname: value\r\n…\r\n\r\n". A field whose name is no token or whose value
// could end the line is left out, never sent: values from outside are refused where they come in,
// so such a one is a slip of ours that must not become an injected header.
[[nodiscard]] std::string response_head(int status, const Headers& headers);
// `method` and `target` must have been checked: a token, and no white space (TAKO_CHECK).
[[nodiscard]] std::string request_head(std::string_view method, std::string_view target,
                                       const Headers& headers);

// "1a\r\n": the line before a chunk of this many bytes; the chunk is followed by "\r\n".
[[nodiscard]] std::string chunk_header(std::size_t size);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace tako::http
