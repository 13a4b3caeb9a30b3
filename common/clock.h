// Time as a parameter: the real clock, and one that a test turns.
#pragma once

#include <cstdint>

namespace tako {

// Milliseconds. Wall time stamps messages and windows; monotonic time drives timeouts.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;       // since 1970-01-01 UTC
  [[nodiscard]] virtual std::int64_t monotonic_ms() const = 0;  // from an arbitrary start
};

class SystemClock : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ms() const override;
  [[nodiscard]] std::int64_t monotonic_ms() const override;
};

class FakeClock : public Clock {
 public:
  explicit FakeClock(std::int64_t start_ms = 1'000'000) : now_ms_(start_ms) {}
  [[nodiscard]] std::int64_t wall_ms() const override { return now_ms_; }
  [[nodiscard]] std::int64_t monotonic_ms() const override { return now_ms_; }
  void advance(std::int64_t ms) { now_ms_ += ms; }

 private:
  std::int64_t now_ms_;
};

}  // namespace tako
