// RequestParser: bytes of an HTTP/1.x client become request heads and body pieces; no sockets.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "common/http/message.h"
#include "common/http/parse_step.h"

namespace tako::http {

// A pure function of the bytes: however they are cut, the steps add up to the same. llhttp in
// strict mode, plus what it leaves open (each refused, RFC 9112):
//   folded lines; bare CR or LF; control characters in values; Host missing, twice or malformed;
//   versions but 1.0 and 1.1; Transfer-Encoding but exactly `chunked`, or with HTTP/1.0, or beside
//   Content-Length; Content-Length twice or not digits; a body on an upgrade; heads over
//   limits::kHttpHeadBytesMax, kHttpHeadersMax, kHttpUrlBytesMax; chunk extensions and trailers
//   over kHttpChunkOverheadBytesMax (trailers are dropped); methods CONNECT, TRACE, PRI and RTSP's.
// The end of the head is found by an own scan, and llhttp must find the same one.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Reads up to the next event, and no further: call again with the rest of the input. After the
  // End of an upgrade request the rest is another protocol's.
  [[nodiscard]] ParseStep next(std::span<const std::byte> input);

  // The head of the last Head event; once.
  [[nodiscard]] RequestHead take_head();

  // True while nothing of a next request has come (blank lines before one aside).
  [[nodiscard]] bool is_between_messages() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tako::http
