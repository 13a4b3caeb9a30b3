// Timer: one libuv timer with an owner; for the few that are not on the wheel (timer_wheel.h).
#pragma once

#include <chrono>
#include <functional>

#include "common/uv/handle.h"

namespace tako::uv {

class Loop;

// Calls back on the loop's thread; stopped by its destructor, also from within the callback.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_fire);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once, not before `delay` has passed. Replaces an earlier start.
  void start_once(std::chrono::milliseconds delay);
  // Fires each `period`; late firings are not made up for.
  void start_repeating(std::chrono::milliseconds period);
  void stop();
  [[nodiscard]] bool is_active() const;

 private:
  static void on_timeout(uv_timer_s* handle) noexcept;

  std::function<void()> on_fire_;
  OwnedHandle<uv_timer_s> handle_;
};

}  // namespace tako::uv
