// Protobuf's wire format by hand, for bytes that are spliced instead of encoded again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tako::broker::proto_bytes {

// Wire types (protobuf encoding guide, "Message Structure").
inline constexpr std::uint32_t kVarint = 0;
inline constexpr std::uint32_t kLengthDelimited = 2;

[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80U; value >>= 7U) ++size;
  return size;
}

inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) out.push_back(static_cast<char>(value | 0x80U));
  out.push_back(static_cast<char>(value));
}

inline void append_tag(std::string& out, std::uint32_t field, std::uint32_t wire_type) {
  append_varint(out, std::uint64_t{field} << 3U | wire_type);
}

// proto3 leaves out zeros.
inline void append_number(std::string& out, std::uint32_t field, std::uint64_t value) {
  if (value == 0) return;
  append_tag(out, field, kVarint);
  append_varint(out, value);
}

// What append_bytes() adds for `size` bytes. Fields up to 15 have a tag of one byte.
[[nodiscard]] constexpr std::size_t bytes_field_size(std::size_t size) {
  return 1 + varint_size(size) + size;
}

// The head of a length-delimited field; its `size` bytes follow.
inline void append_length(std::string& out, std::uint32_t field, std::size_t size) {
  append_tag(out, field, kLengthDelimited);
  append_varint(out, size);
}

inline void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_length(out, field, bytes.size());
  out.append(bytes);
}

}  // namespace tako::broker::proto_bytes
