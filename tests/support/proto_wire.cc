// https://protobuf.dev/programming-guides/encoding/: varints, and what has a length.
#include "tests/support/proto_wire.h"

#include "tests/support/wait.h"

namespace tako::test {
namespace {

constexpr std::uint64_t kVarint = 0;
constexpr std::uint64_t kLength = 2;

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<char>(value | 0x80U));
  out.push_back(static_cast<char>(value));
}

std::uint64_t take_varint(std::string_view& wire) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (wire.empty()) throw TestFailure("protobuf: a varint is cut off");
    const auto byte = static_cast<unsigned char>(wire.front());
    wire.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  throw TestFailure("protobuf: a varint is too long");
}

}  // namespace

ProtoMessage& ProtoMessage::number(std::uint32_t field, std::uint64_t value) {
  append_varint(wire_, (std::uint64_t{field} << 3U) | kVarint);
  append_varint(wire_, value);
  return *this;
}

ProtoMessage& ProtoMessage::bytes(std::uint32_t field, std::string_view value) {
  append_varint(wire_, (std::uint64_t{field} << 3U) | kLength);
  append_varint(wire_, value.size());
  wire_ += value;
  return *this;
}

std::vector<ProtoField> read_proto(std::string_view wire) {
  std::vector<ProtoField> fields;
  while (!wire.empty()) {
    const std::uint64_t tag = take_varint(wire);
    ProtoField field{.field = static_cast<std::uint32_t>(tag >> 3U), .number = 0, .bytes = {}};
    const std::uint64_t value = take_varint(wire);
    if ((tag & 7U) == kVarint) {
      field.number = value;
    } else if ((tag & 7U) == kLength && value <= wire.size()) {
      field.bytes = wire.substr(0, value);
      wire.remove_prefix(value);
    } else {
      throw TestFailure("protobuf: neither a number nor bytes");
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace tako::test
