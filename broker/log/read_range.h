// RangeFiller: says where a bounded read ends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/log/log_engine.h"

namespace tako::broker {

// Asked for one message after the other, in the order of the read.
class RangeFiller {
 public:
  explicit RangeFiller(const ReadLimits& limits) : limits_(limits) {}

  // Does the next message still belong to the read? The first always does. `record_bytes`: of it;
  // `batch_rest`: how many of its batch follow it.
  [[nodiscard]] bool takes(std::size_t record_bytes, std::uint32_t batch_rest) {
    const bool is_inside_batch = limits_.whole_batches && last_batch_rest_ > 0;
    const bool is_full = messages_ >= limits_.messages_max ||
                         (messages_ > 0 && bytes_ + record_bytes > limits_.bytes_max);
    if (is_full && !is_inside_batch) return false;
    ++messages_;
    bytes_ += record_bytes;
    last_batch_rest_ = batch_rest;
    return true;
  }

 private:
  const ReadLimits limits_;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  std::uint32_t last_batch_rest_ = 0;
};

}  // namespace tako::broker
