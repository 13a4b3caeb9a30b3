// Ring: a queue by index whose storage follows its size; 24 bytes while empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "common/check.h"

namespace tako::broker {

// std::deque is 576 bytes by itself, and there may be a stream for each of 100,000 channels.
// Grows and shrinks by powers of two.
template <typename Entry>
class Ring {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const Entry& operator[](std::size_t index) const { return slots_[slot_of(index)]; }
  [[nodiscard]] Entry& operator[](std::size_t index) { return slots_[slot_of(index)]; }
  [[nodiscard]] const Entry& front() const { return (*this)[0]; }
  [[nodiscard]] const Entry& back() const { return (*this)[size_ - 1]; }

  void push_back(Entry entry) {
    if (size_ == capacity_) resize(capacity_ == 0 ? 1 : capacity_ * std::size_t{2});
    slots_[slot_of(size_)] = std::move(entry);
    ++size_;
  }
  void pop_front() {
    TAKO_CHECK(size_ > 0);
    slots_[begin_] = Entry();
    begin_ = static_cast<std::uint32_t>((begin_ + 1) & (capacity_ - 1));
    --size_;
    if (size_ == 0) {
      resize(0);
    } else if (size_ <= capacity_ / 4) {
      resize(capacity_ / 2);
    }
  }
  void pop_back() {
    TAKO_CHECK(size_ > 0);
    slots_[slot_of(size_ - 1)] = Entry();
    --size_;
    if (size_ == 0) resize(0);
  }
  void clear() {
    size_ = 0;
    resize(0);
  }

 private:
  [[nodiscard]] std::size_t slot_of(std::size_t index) const {
    return (begin_ + index) & (capacity_ - 1);
  }
  void resize(std::size_t capacity) {
    auto slots = capacity == 0 ? nullptr : std::make_unique<Entry[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) slots[i] = std::move(slots_[slot_of(i)]);
    slots_ = std::move(slots);
    capacity_ = static_cast<std::uint32_t>(capacity);
    begin_ = 0;
  }

  std::unique_ptr<Entry[]> slots_;
  std::uint32_t capacity_ = 0;  // a power of two, or 0
  std::uint32_t begin_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace tako::broker
