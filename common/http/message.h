// RequestHead and ResponseHead: a message head as parsed, with what it says about the body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/headers.h"

namespace tako::http {

enum class BodyFraming {
  None,
  Length,  // content_length bytes
  Chunked,
  UntilClose,  // responses only: the end of the connection ends it
};

struct RequestHead {
  std::string method;     // upper case
  std::string target;     // as it came: "/a%20b?x=1", "*", or "http://host/a"
  int version_minor = 1;  // HTTP/1.x: 0 or 1
  Headers headers;
  BodyFraming body = BodyFraming::None;
  std::uint64_t content_length = 0;  // with BodyFraming::Length
  bool keep_alive = true;            // the client would use the connection again
  bool upgrade = false;  // HTTP/1.1, GET, and asks to leave HTTP (Upgrade and Connection say so)
  bool expects_continue = false;  // waits for 100 before it sends the body

  // Raw, percent-encoding untouched; the path of "http://host/a?b" is "/a", of "http://host" "/".
  [[nodiscard]] std::string_view path() const noexcept;
  // Behind the first '?', empty without one.
  [[nodiscard]] std::string_view query() const noexcept;
  [[nodiscard]] std::string_view host() const noexcept;  // the Host header, "" without
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  int version_minor = 1;
  Headers headers;
  BodyFraming body = BodyFraming::None;
  std::uint64_t content_length = 0;
  bool keep_alive = true;

  [[nodiscard]] bool is_interim() const noexcept { return status < 200 && status != 101; }
};

}  // namespace tako::http
