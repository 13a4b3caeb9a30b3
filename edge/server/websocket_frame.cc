// Two header bytes and up to 125 of payload, unmasked, as a server sends them.
#include "edge/server/websocket_frame.h"

#include <array>
#include <string>

#include "common/check.h"

namespace tako::edge {
namespace {

constexpr std::size_t kControlPayloadMax = 125;

SharedBytes make_control_frame(unsigned opcode, std::string_view payload) {
  TAKO_CHECK(payload.size() <= kControlPayloadMax);
  const std::array<char, 2> header = {static_cast<char>(0x80U | opcode),
                                      static_cast<char>(payload.size())};
  return SharedBytes({{header.data(), header.size()}, payload});
}

// Cuts before a continuation byte's character begins, so that the rest is still UTF-8.
std::string_view cut_utf8(std::string_view text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  std::size_t end = size_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

SharedBytes make_close_frame(std::uint16_t code, std::string_view reason) {
  if (code == 0) return make_control_frame(0x8, {});
  const std::array<char, 2> number = {static_cast<char>(code >> 8U), static_cast<char>(code)};
  std::string body(number.data(), number.size());
  body += cut_utf8(reason, kControlPayloadMax - 2);
  return make_control_frame(0x8, body);
}

SharedBytes make_pong_frame(std::string_view payload) { return make_control_frame(0xA, payload); }

SharedBytes make_ping_frame() { return make_control_frame(0x9, {}); }

bool is_valid_close_code(std::uint16_t code) noexcept {
  if (code >= 3000 && code <= 4999) return true;
  if (code < 1000 || code > 1014) return false;
  return code < 1004 || code > 1006;
}

}  // namespace tako::edge
