// Origin: where an upstream is, `http://HOST:PORT` or `unix:PATH`.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "common/uv/socket.h"

namespace tako::http {

struct Origin {
  uv::Address address;

  // Errors: ConfigInvalid, saying what would be right. A path behind the port is refused (it would
  // be ignored), https too (the connection to the app is local; put TLS in front of the edge).
  [[nodiscard]] static Result<Origin> parse(std::string_view text);
  // As parse() takes it.
  [[nodiscard]] std::string to_string() const;
  // What a Host header to it says: "app:3000", "[::1]:3000"; "localhost" for a unix socket.
  [[nodiscard]] std::string host() const;
  bool operator==(const Origin&) const = default;
};

}  // namespace tako::http
