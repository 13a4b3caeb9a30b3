// Protobuf's wire format by hand, for bytes that are spliced instead of encoded again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tako::broker::proto_bytes {

// Wire types (protobuf encoding guide, "Message Structure").
inline constexpr std::uint32_t kVarint = 0;
inline constexpr std::uint32_t kFixed64 = 1;
inline constexpr std::uint32_t kLengthDelimited = 2;
inline constexpr std::uint32_t kFixed32 = 5;

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

// Goes through the fields of a serialized message, in the order in which they stand.
class Reader {
 public:
  struct Field {
    std::uint32_t number = 0;
    std::uint32_t wire_type = 0;
    std::uint64_t value = 0;  // kVarint: the number; kLengthDelimited: the size
    std::size_t begin = 0;    // kLengthDelimited: where the bytes are
  };

  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  // nullopt at the end, and where the bytes are no message: is_at_end() tells which.
  [[nodiscard]] std::optional<Field> next() {
    if (is_at_end()) return std::nullopt;
    std::size_t at = at_;
    const auto tag = varint(at);
    if (!tag) return std::nullopt;
    Field field{.number = static_cast<std::uint32_t>(*tag >> 3U),
                .wire_type = static_cast<std::uint32_t>(*tag & 7U)};
    if (field.wire_type == kFixed64 || field.wire_type == kFixed32) {
      at += field.wire_type == kFixed64 ? sizeof(std::uint64_t) : sizeof(std::uint32_t);
    } else {
      const auto value = varint(at);
      if (!value) return std::nullopt;
      field.value = *value;
      field.begin = at;
      if (field.wire_type == kLengthDelimited) {
        if (field.value > bytes_.size() - at) return std::nullopt;
        at += static_cast<std::size_t>(field.value);
      } else if (field.wire_type != kVarint) {
        return std::nullopt;
      }
    }
    if (at > bytes_.size()) return std::nullopt;
    at_ = at;
    return field;
  }
  [[nodiscard]] bool is_at_end() const { return at_ == bytes_.size(); }

 private:
  [[nodiscard]] std::optional<std::uint64_t> varint(std::size_t& at) const {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at < bytes_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[at++]);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    return std::nullopt;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace tako::broker::proto_bytes
