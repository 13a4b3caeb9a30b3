// Starts and stops a libuv timer for its owner.
#include "common/uv/timer.h"

#include <uv.h>

#include <utility>

#include "common/check.h"
#include "common/uv/loop.h"

namespace tako::uv {

Timer::Timer(Loop& loop, std::function<void()> on_fire) : on_fire_(std::move(on_fire)) {
  auto handle = std::make_unique<uv_timer_s>();
  TAKO_CHECK(uv_timer_init(loop.raw(), handle.get()) == 0);
  handle->data = this;
  handle_.reset(handle.release());
}

void Timer::start_once(std::chrono::milliseconds delay) {
  uv_timer_start(handle_.get(), on_timeout, static_cast<std::uint64_t>(delay.count()), 0);
}

void Timer::start_repeating(std::chrono::milliseconds period) {
  const auto ms = static_cast<std::uint64_t>(period.count());
  uv_timer_start(handle_.get(), on_timeout, ms, ms);
}

void Timer::stop() { uv_timer_stop(handle_.get()); }

bool Timer::is_active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

void Timer::on_timeout(uv_timer_s* handle) noexcept {
  auto* self = static_cast<Timer*>(handle->data);
  if (self != nullptr) self->on_fire_();  // May destroy *self.
}

}  // namespace tako::uv
