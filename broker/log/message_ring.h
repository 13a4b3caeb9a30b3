// MessageRing: the retained messages of one stream, by index; 24 bytes while empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/log/stored_message.h"
#include "common/check.h"

namespace tako::broker {

// std::deque is 576 bytes by itself, and there may be a stream for each of 100,000 channels.
// Grows and shrinks by powers of two.
class MessageRing {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const MessagePtr& operator[](std::size_t index) const {
    return slots_[slot_of(index)];
  }
  [[nodiscard]] const MessagePtr& front() const { return (*this)[0]; }
  [[nodiscard]] const MessagePtr& back() const { return (*this)[size_ - 1]; }

  void push_back(MessagePtr message) {
    if (size_ == capacity_) resize(capacity_ == 0 ? 1 : capacity_ * 2);
    slots_[slot_of(size_)] = std::move(message);
    ++size_;
  }
  void pop_front() {
    TAKO_CHECK(size_ > 0);
    slots_[begin_].reset();
    begin_ = static_cast<std::uint32_t>((begin_ + 1) & (capacity_ - 1));
    --size_;
    if (size_ == 0) {
      resize(0);
    } else if (size_ <= capacity_ / 4) {
      resize(capacity_ / 2);
    }
  }

 private:
  [[nodiscard]] std::size_t slot_of(std::size_t index) const {
    return (begin_ + index) & (capacity_ - 1);
  }
  void resize(std::size_t capacity) {
    auto slots = capacity == 0 ? nullptr : std::make_unique<MessagePtr[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) slots[i] = std::move(slots_[slot_of(i)]);
    slots_ = std::move(slots);
    capacity_ = static_cast<std::uint32_t>(capacity);
    begin_ = 0;
  }

  std::unique_ptr<MessagePtr[]> slots_;
  std::uint32_t capacity_ = 0;  // a power of two, or 0
  std::uint32_t begin_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace tako::broker
