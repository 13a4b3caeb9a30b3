// Builds WebSocket frames as a server sends them (RFC 6455 5.2): unmasked, unfragmented.
#pragma once

#include <string>
#include <string_view>

#include "common/shared_bytes.h"

namespace tako::edge {

inline constexpr std::size_t kWsHeaderBytesMax = 10;

// A text frame's header for `payload_bytes`: 2, 4 or 10 bytes. Returns how many it wrote.
std::size_t write_text_header(char (&out)[kWsHeaderBytesMax], std::size_t payload_bytes);
// A whole text frame. `payload` is valid UTF-8.
[[nodiscard]] SharedBytes make_text_frame(std::string_view payload);

}  // namespace tako::edge
