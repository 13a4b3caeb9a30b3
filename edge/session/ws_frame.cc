// Writes frame headers in front of payloads.
#include "edge/session/ws_frame.h"

#include <cstdint>

namespace tako::edge {
namespace {

constexpr char kFinalText = static_cast<char>(0x81);  // FIN, opcode 1
constexpr std::size_t kLengthIn7Bits = 125;
constexpr std::size_t kLengthIn16Bits = 0xFFFF;
constexpr char kLength16Follows = 126;
constexpr char kLength64Follows = 127;

void write_big_endian(char* out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0; value >>= 8U) out[i] = static_cast<char>(value & 0xFFU);
}

}  // namespace

std::size_t write_text_header(char (&out)[kWsHeaderBytesMax], std::size_t payload_bytes) {
  out[0] = kFinalText;
  if (payload_bytes <= kLengthIn7Bits) {
    out[1] = static_cast<char>(payload_bytes);
    return 2;
  }
  if (payload_bytes <= kLengthIn16Bits) {
    out[1] = kLength16Follows;
    write_big_endian(out + 2, payload_bytes, 2);
    return 4;
  }
  out[1] = kLength64Follows;
  write_big_endian(out + 2, payload_bytes, 8);
  return 10;
}

SharedBytes make_text_frame(std::string_view payload) {
  char header[kWsHeaderBytesMax];
  const std::size_t header_bytes = write_text_header(header, payload.size());
  return SharedBytes({std::string_view(header, header_bytes), payload});
}

}  // namespace tako::edge
