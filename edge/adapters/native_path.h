// The native protocol's routes: which one a raw path means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tako::edge {

struct NativeRoute {
  enum class Kind : std::uint8_t {
    Connect,   // /_tako/channels: a rich WebSocket without a first channel
    Channel,   // …/<name>: subscribe by event stream, connect by WebSocket
    Messages,  // …/<name>/messages: history, publish
    Presence   // …/<name>/presence
  };
  Kind kind = Kind::Connect;
  std::string name;  // decoded once

  // As an Allow header lists them.
  [[nodiscard]] std::string_view methods() const {
    return kind == Kind::Messages ? "GET, POST" : "GET";
  }
  [[nodiscard]] bool allows(std::string_view method) const {
    return method == "GET" || (kind == Kind::Messages && method == "POST");
  }
};

[[nodiscard]] bool is_native_path(std::string_view path);
// nullopt: ours, but nothing there (404).
[[nodiscard]] std::optional<NativeRoute> parse_native_path(std::string_view path);

}  // namespace tako::edge
