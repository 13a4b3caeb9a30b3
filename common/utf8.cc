// Checks and writes UTF-8.
#include "common/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace tako {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

// The allowed second byte depends on the first: that is where overlong forms, surrogates and what
// lies above U+10FFFF are kept out (RFC 3629 §4).
struct Form {
  std::size_t length;
  unsigned char second_min;
  unsigned char second_max;
};

Form form_of(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// Most text is ASCII: eight bytes at a time.
std::size_t skip_ascii(std::string_view text, std::size_t at) {
  while (at + sizeof(std::uint64_t) <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & kHighBits) != 0) break;
    at += sizeof word;
  }
  return at;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text, std::size_t at) {
  const Form form = form_of(static_cast<unsigned char>(text[at]));
  if (form.length <= 1) return form.length;
  if (text.size() - at < form.length) return 0;
  const auto second = static_cast<unsigned char>(text[at + 1]);
  if (second < form.second_min || second > form.second_max) return 0;
  for (std::size_t i = 2; i < form.length; ++i) {
    if (!is_continuation(text[at + i])) return 0;
  }
  return form.length;
}

bool is_valid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    at = skip_ascii(text, at);
    if (at == text.size()) break;
    const std::size_t length = utf8_sequence(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::size_t count_code_points(std::string_view valid) {
  return static_cast<std::size_t>(
      std::ranges::count_if(valid, [](char byte) { return !is_continuation(byte); }));
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto tail = [&out, code_point](unsigned shift) {
    out += static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
  };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0U | (code_point >> 6U));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0U | (code_point >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (code_point >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace tako
