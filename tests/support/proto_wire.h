// Protobuf on the wire, by hand: so that a test can send fields that this version does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tako::test {

// A message in the making; fields are written in the order of the calls.
class ProtoMessage {
 public:
  ProtoMessage& number(std::uint32_t field, std::uint64_t value);
  ProtoMessage& bytes(std::uint32_t field, std::string_view value);
  ProtoMessage& message(std::uint32_t field, const ProtoMessage& value) {
    return bytes(field, value.wire());
  }
  [[nodiscard]] const std::string& wire() const { return wire_; }

 private:
  std::string wire_;
};

struct ProtoField {
  std::uint32_t field = 0;
  std::uint64_t number = 0;  // of a varint
  std::string bytes;         // of a string or a message
};

// Numbers and bytes only, which is all that the link uses. Throws TestFailure on anything else.
[[nodiscard]] std::vector<ProtoField> read_proto(std::string_view wire);

}  // namespace tako::test
