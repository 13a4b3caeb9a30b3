// ParseStep: what one call of a parser found; the same for requests and responses.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"

namespace tako::http {

// Why a message is refused. `status` is what a server answers with (a proxy answers 502 for a bad
// response); after it the connection is closed, for nobody knows where the next message begins.
struct ParseError {
  int status = 400;  // 400, 405, 414, 431, 501, 505
  ErrorCode code = ErrorCode::BadRequest;
  std::string_view reason;  // static text: the rule that was broken
};

// The reason of a 431 for the number of lines; the other is for their size.
inline constexpr std::string_view kTooManyHeaders = "more than 100 header lines";
// The reason of the one 400 that is a bound: limits::kHttpChunkOverheadBytesMax.
inline constexpr std::string_view kWordyChunks =
    "chunk extensions or trailers are larger than 4 KiB";

enum class ParseEvent {
  NeedMore,  // all input used; feed what comes next
  Head,      // take_head()
  Body,      // `body` is a piece of it
  End,       // the message is whole; the next one may be fed
  Failed,    // `error`; the parser stays in this state
};

struct ParseStep {
  ParseEvent event = ParseEvent::NeedMore;
  std::size_t consumed = 0;           // bytes of the input that are done with
  std::span<const std::byte> body{};  // points into the input
  ParseError error{};
};

}  // namespace tako::http
