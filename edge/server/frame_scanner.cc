// The rules of RFC 6455 5.2, 5.4 and 5.5 that a frame header alone can break.
#include "edge/server/frame_scanner.h"

namespace tako::edge {
namespace {

constexpr FrameViolation violates(std::string_view rule) {
  return {.code = ErrorCode::ProtocolError, .rule = rule};
}

constexpr bool is_known_opcode(unsigned opcode) {
  return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA);
}

}  // namespace

FrameScanner::Step FrameScanner::next(std::span<const std::byte> input) {
  if (is_whole_) {
    size_ = 0;
    length_ = 0;
    is_whole_ = false;
  }
  Step step;
  for (const std::byte value : input) {
    header_[size_++] = value;
    ++step.consumed;
    step.violation = judge();
    if (step.violation) return step;
    if (size_ >= 2 && size_ == header_size()) {
      is_whole_ = step.is_whole = true;
      note_message();
      return step;
    }
  }
  return step;
}

std::size_t FrameScanner::length_bytes() const noexcept {
  const unsigned announced = byte(1) & 0x7FU;
  if (announced < 126) return 0;
  return announced == 126 ? 2 : 8;
}

FrameViolation FrameScanner::judge() {
  if (size_ == 1) return judge_first_byte();
  if (size_ == 2) {
    if (const FrameViolation violation = judge_second_byte()) return violation;
  }
  return size_ == 2 + length_bytes() ? judge_length() : FrameViolation{};
}

FrameViolation FrameScanner::judge_first_byte() const {
  const unsigned opcode = byte(0) & 0x0FU;
  if ((byte(0) & 0x70U) != 0) return violates("reserved bit set");
  if (!is_known_opcode(opcode)) return violates("reserved opcode");
  if (is_control()) return is_final() ? FrameViolation{} : violates("fragmented control frame");
  if (opcode == 0 && !is_message_open_) return violates("continuation without a message");
  if (opcode != 0 && is_message_open_) return violates("message inside a fragmented message");
  return {};
}

FrameViolation FrameScanner::judge_second_byte() const {
  const unsigned announced = byte(1) & 0x7FU;
  if ((byte(1) & 0x80U) == 0) return violates("unmasked frame");
  if (!is_control()) return {};
  if (announced > 125) return violates("control frame over 125 bytes");
  if (opcode() == Opcode::Close && announced == 1) return violates("close body of one byte");
  return {};
}

FrameViolation FrameScanner::judge_length() {
  const std::size_t bytes = length_bytes();
  length_ = bytes == 0 ? byte(1) & 0x7FU : 0;
  for (std::size_t i = 0; i < bytes; ++i) length_ = length_ << 8U | byte(2 + i);
  if (bytes == 2 && length_ < 126) return violates("length not in its shortest form");
  if (bytes == 8 && length_ < 0x1'0000) return violates("length not in its shortest form");
  if (bytes == 8 && (length_ >> 63U) != 0) return violates("length with its highest bit set");
  if (is_control()) return {};
  const std::uint64_t before = is_message_open_ ? message_bytes_ : 0;
  if (length_ > limits_.message_bytes_max || before > limits_.message_bytes_max - length_) {
    return {.code = ErrorCode::MessageTooBig, .rule = "message over its limit"};
  }
  if (is_message_open_ && fragments_ >= limits_.fragments_max) {
    return {
        .code = ErrorCode::MessageTooBig, .rule = "too many fragments", .is_fragment_count = true};
  }
  return {};
}

void FrameScanner::note_message() {
  if (is_control()) return;
  if (!is_message_open_) {
    message_bytes_ = 0;
    fragments_ = 0;
  }
  message_bytes_ += length_;
  ++fragments_;
  is_message_open_ = !is_final();
}

std::array<std::byte, 4> FrameScanner::mask() const noexcept {
  std::array<std::byte, 4> mask{};
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = header_[size_ - 4 + i];
  return mask;
}

}  // namespace tako::edge
