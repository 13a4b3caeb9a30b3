// TailCache: a channel's newest messages at this edge, dense and bounded; older ones are fetched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "edge/fanout/message.h"

namespace tako::edge {

class TailCache {
 public:
  struct Bounds {
    std::size_t messages_max = 0;
    std::size_t bytes_max = 0;
    std::int64_t oldest_ms = 0;  // wall time: what is older goes
  };

  // `message` follows the last one kept, if there is one.
  void append(MessagePtr message);
  // Drops the oldest until the bounds hold; an atomic batch goes as a whole. Returns which bound
  // made it drop, for the counters.
  struct Trimmed {
    bool by_count = false;
    bool by_bytes = false;
  };
  Trimmed trim(const Bounds& bounds);
  void clear();
  // A frame was made for one of the messages kept.
  void add_frame_bytes(std::size_t bytes) { bytes_ += bytes; }

  [[nodiscard]] bool empty() const { return begin_ == messages_.size(); }
  [[nodiscard]] std::size_t size() const { return messages_.size() - begin_; }
  // Messages, their frames and what it takes to hold them.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // Of the oldest message kept; not when empty.
  [[nodiscard]] std::uint64_t first_offset() const { return messages_[begin_]->position.offset; }
  // Those behind `offset`, which is at least first_offset() - 1.
  [[nodiscard]] std::span<const MessagePtr> after(std::uint64_t offset) const;
  // Is it this very message that is kept, not another copy of it?
  [[nodiscard]] bool holds(const Message& message) const;

 private:
  void drop_first();

  std::vector<MessagePtr> messages_;  // from begin_ on; the part before it is cut now and then
  std::size_t begin_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tako::edge
