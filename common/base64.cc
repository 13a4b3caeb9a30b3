// Encodes and decodes base64.
#include "common/base64.h"

#include <array>
#include <cstdint>

namespace tako {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}

// Appends the bytes of one group of four characters, of which `used` (2 to 4) are not padding.
bool decode_group(std::string& out, std::string_view group, std::size_t used) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t value = i < used ? kValues[static_cast<unsigned char>(group[i])] : 0;
    if (value == kNone) return false;
    bits = bits << 6U | value;
  }
  const std::size_t count = used - 1;
  const std::uint32_t unused_mask = (1U << (8U * (3U - static_cast<unsigned>(count)))) - 1U;
  if ((bits & unused_mask) != 0) return false;
  for (std::size_t i = 0; i < count; ++i) {
    out += static_cast<char>(bits >> (16U - 8U * static_cast<unsigned>(i)) & 0xFFU);
  }
  return true;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::uint32_t bits =
        byte_at(bytes, at) << 16U | byte_at(bytes, at + 1) << 8U | byte_at(bytes, at + 2);
    const std::size_t used = bytes.size() - at < 3 ? bytes.size() - at + 1 : 4;
    for (std::size_t i = 0; i < 4; ++i) {
      out += i < used ? kAlphabet[bits >> (18U - 6U * static_cast<unsigned>(i)) & 63U] : '=';
    }
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::string_view group = text.substr(at, 4);
    std::size_t used = 4;
    if (at + 4 == text.size()) {
      if (group.ends_with("==")) {
        used = 2;
      } else if (group.ends_with('=')) {
        used = 3;
      }
    }
    if (!decode_group(out, group, used)) return std::nullopt;
  }
  return out;
}

}  // namespace tako
