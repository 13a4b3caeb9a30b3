// FullestFirst: which stream gives way when the log as a whole is full.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "broker/log/log_engine.h"

namespace tako::broker {

//   bucket 3: 8-15 bytes    s7
//   bucket 5: 32-63 bytes   s2 - s9 - s4      first() is s2: the fullest up to a factor of two,
//                                             and of those the one that was placed longest ago
//
// Buckets by powers of two instead of an exact order: O(1), 12 bytes per stream.
class FullestFirst {
 public:
  // Puts the stream behind all others of its size; moves it when it was placed before.
  void place(StreamId stream, std::size_t bytes);
  void remove(StreamId stream);
  [[nodiscard]] std::optional<StreamId> first() const;

 private:
  static constexpr StreamId kNone = std::numeric_limits<StreamId>::max();
  static constexpr std::uint32_t kNoBucket = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kBuckets = 65;  // std::bit_width of a 64-bit number
  struct Links {
    StreamId previous = kNone;
    StreamId next = kNone;
    std::uint32_t bucket = kNoBucket;
  };
  struct Bucket {
    StreamId first = kNone;
    StreamId last = kNone;
  };

  std::array<Bucket, kBuckets> buckets_;
  std::vector<Links> links_;  // by stream
};

}  // namespace tako::broker
