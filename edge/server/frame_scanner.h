// FrameScanner: reads WebSocket frame headers byte by byte and refuses what RFC 6455 forbids.
//
// wslay, which unmasks and assembles, is lenient or vague in places (non-minimal lengths, long or
// fragmented control frames, one-byte close bodies). Judging the header here closes them all, at
// the first byte that can be judged, and before wslay allocates for a length that was announced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/error.h"

namespace tako::edge {

enum class Opcode : std::uint8_t {
  Continuation = 0x0,
  Text = 0x1,
  Binary = 0x2,
  Close = 0x8,
  Ping = 0x9,
  Pong = 0xA,
};

// Which rule a client broke, and the error that closes the connection. Code Internal: none.
struct FrameViolation {
  ErrorCode code = ErrorCode::Internal;
  std::string_view rule;           // static text
  bool is_fragment_count = false;  // MessageTooBig by fragments_max, not by message_bytes_max
  explicit operator bool() const noexcept { return !rule.empty(); }
};

struct FrameLimits {
  std::size_t message_bytes_max = 0;  // of a message, over all its fragments
  std::size_t fragments_max = 0;      // of one message
};

class FrameScanner {
 public:
  explicit FrameScanner(const FrameLimits& limits) noexcept : limits_(limits) {}

  struct Step {
    std::size_t consumed = 0;
    bool is_whole = false;  // the header is complete: raw(), opcode(), … tell it
    FrameViolation violation;
  };
  // Reads header bytes, at most up to the header's end. After a whole header the payload is the
  // caller's; the byte fed next is the first of the next header.
  [[nodiscard]] Step next(std::span<const std::byte> input);

  // Of the last whole header.
  [[nodiscard]] std::span<const std::byte> raw() const noexcept { return {header_.data(), size_}; }
  [[nodiscard]] Opcode opcode() const noexcept { return Opcode(byte(0) & 0x0FU); }
  [[nodiscard]] bool is_control() const noexcept { return (byte(0) & 0x08U) != 0; }
  [[nodiscard]] std::uint64_t payload_length() const noexcept { return length_; }
  [[nodiscard]] std::array<std::byte, 4> mask() const noexcept;

  // The last header is complete.
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }
  // Between two frames, and no fragmented message is open.
  [[nodiscard]] bool is_at_boundary() const noexcept {
    return (size_ == 0 || is_whole_) && !is_message_open_;
  }

 private:
  [[nodiscard]] unsigned byte(std::size_t index) const noexcept {
    return std::to_integer<unsigned>(header_[index]);
  }
  [[nodiscard]] bool is_final() const noexcept { return (byte(0) & 0x80U) != 0; }
  [[nodiscard]] std::size_t length_bytes() const noexcept;
  [[nodiscard]] std::size_t header_size() const noexcept { return 2 + length_bytes() + 4; }
  [[nodiscard]] FrameViolation judge();
  [[nodiscard]] FrameViolation judge_first_byte() const;
  [[nodiscard]] FrameViolation judge_second_byte() const;
  [[nodiscard]] FrameViolation judge_length();
  void note_message();

  FrameLimits limits_;
  std::array<std::byte, 14> header_{};
  std::size_t size_ = 0;
  bool is_whole_ = false;
  bool is_message_open_ = false;
  std::uint64_t length_ = 0;
  std::uint64_t message_bytes_ = 0;
  std::size_t fragments_ = 0;
};

}  // namespace tako::edge
