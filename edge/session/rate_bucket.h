// RateBucket: a rate with a burst of two seconds' worth, as one number.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tako::edge {

// A bucket of tokens, kept as the time at which it is full again: each token taken moves that on by
// one share of a second, and it may lie two seconds ahead at most. So even the slowest rate has a
// token, a new bucket is a full one, and the rate may change between two uses.
class RateBucket {
 public:
  // Milliseconds until there is a token; 0: there is one. `per_second`: at least 1.
  [[nodiscard]] constexpr std::int64_t wait_ms(std::int64_t per_second, std::int64_t now_ms) const {
    const std::int64_t ahead_us = taken(per_second, now_ms) - now_ms * kMillisecond;
    return std::max<std::int64_t>((ahead_us - kBurst + kMillisecond - 1) / kMillisecond, 0);
  }
  // Only when wait_ms() is 0.
  constexpr void take(std::int64_t per_second, std::int64_t now_ms) {
    full_us_ = taken(per_second, now_ms);
  }
  [[nodiscard]] constexpr bool is_full(std::int64_t now_ms) const {
    return full_us_ <= now_ms * kMillisecond;
  }

 private:
  static constexpr std::int64_t kMillisecond = 1'000;
  static constexpr std::int64_t kSecond = 1'000'000;
  static constexpr std::int64_t kBurst = 2 * kSecond;

  // When it is full again, once one more is taken.
  [[nodiscard]] constexpr std::int64_t taken(std::int64_t per_second, std::int64_t now_ms) const {
    return std::max(full_us_, now_ms * kMillisecond) + kSecond / per_second;
  }

  std::int64_t full_us_ = 0;  // monotonic
};

}  // namespace tako::edge
