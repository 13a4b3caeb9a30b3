// Builds the WebSocket control frames that the server itself sends (RFC 6455 5.5).
#pragma once

#include <cstdint>
#include <string_view>

#include "common/shared_bytes.h"

namespace tako::edge {

// `code` 0: an empty body. A reason over 123 bytes is cut at a character. The code is not judged:
// 1012 is as good as 1000 on the wire.
[[nodiscard]] SharedBytes make_close_frame(std::uint16_t code, std::string_view reason);
// `payload`: at most 125 bytes.
[[nodiscard]] SharedBytes make_pong_frame(std::string_view payload);
// An empty ping; always the same bytes, so that one buffer serves all connections of a loop.
[[nodiscard]] SharedBytes make_ping_frame();

// May a peer send this close code (RFC 6455 7.4 and the IANA registry)?
[[nodiscard]] bool is_valid_close_code(std::uint16_t code) noexcept;

}  // namespace tako::edge
