// Keeps deadlines in slots of 100 ms, and fires what is due.
#include "common/uv/timer_wheel.h"

#include <algorithm>

#include "common/check.h"
#include "common/uv/loop.h"

namespace tako::uv {

TimerWheel::Anchor::Anchor() {
  previous_ = this;
  next_ = this;
}

void WheelEntry::cancel() noexcept {
  if (wheel_ != nullptr) wheel_->forget(*this);
}

TimerWheel::TimerWheel(const Clock& clock, WheelTicker& ticker) : clock_(clock), ticker_(ticker) {}

TimerWheel::~TimerWheel() { TAKO_CHECK(armed_ == 0); }

void TimerWheel::arm(WheelEntry& entry, std::chrono::milliseconds delay) {
  TAKO_CHECK(delay.count() >= 0);
  if (!is_ticking_) {
    done_tick_ = now_tick();
    is_ticking_ = true;
    ticker_.start_ticking(kTick);
  }
  entry.cancel();
  const auto due_ms = static_cast<std::uint64_t>(clock_.monotonic_ms() + delay.count());
  const auto tick_ms = static_cast<std::uint64_t>(kTick.count());
  // Rounded up, so that it is never early; and a tick that was served is not served again.
  entry.due_tick_ = std::max((due_ms + tick_ms - 1) / tick_ms, done_tick_ + 1);
  entry.wheel_ = this;
  link(slots_[entry.due_tick_ % kSlots], entry);
  ++armed_;
}

void TimerWheel::advance() {
  const std::uint64_t now = now_tick();
  // After a long sleep each slot is served once, not once per missed turn of the wheel.
  if (now > done_tick_ + kSlots) done_tick_ = now - kSlots;
  while (done_tick_ < now) {
    ++done_tick_;
    fire_slot(done_tick_ % kSlots, now);
  }
  if (armed_ == 0 && is_ticking_) {
    is_ticking_ = false;
    ticker_.stop_ticking();
  }
}

std::uint64_t TimerWheel::now_tick() const {
  return static_cast<std::uint64_t>(clock_.monotonic_ms() / kTick.count());
}

// Works on a list of its own, since a deadline may arm or cancel any entry, those of this slot too.
void TimerWheel::fire_slot(std::size_t slot, std::uint64_t now) {
  Anchor& anchor = slots_[slot];
  if (anchor.next_ == &anchor) return;
  Anchor firing;
  firing.next_ = anchor.next_;
  firing.previous_ = anchor.previous_;
  firing.next_->previous_ = &firing;
  firing.previous_->next_ = &firing;
  anchor.next_ = &anchor;
  anchor.previous_ = &anchor;
  while (firing.next_ != &firing) {
    WheelEntry& entry = *firing.next_;
    if (entry.due_tick_ <= now) {
      forget(entry);
      entry.on_deadline();  // May destroy the entry.
    } else {
      unlink(entry);
      link(anchor, entry);
    }
  }
}

void TimerWheel::link(WheelEntry& anchor, WheelEntry& entry) noexcept {
  entry.previous_ = anchor.previous_;
  entry.next_ = &anchor;
  anchor.previous_->next_ = &entry;
  anchor.previous_ = &entry;
}

void TimerWheel::unlink(WheelEntry& entry) noexcept {
  entry.previous_->next_ = entry.next_;
  entry.next_->previous_ = entry.previous_;
}

void TimerWheel::forget(WheelEntry& entry) noexcept {
  unlink(entry);
  entry.wheel_ = nullptr;
  --armed_;
}

LoopTimerWheel::LoopTimerWheel(Loop& loop)
    : timer_(loop, [this] { wheel_.advance(); }), wheel_(loop, *this) {}

void LoopTimerWheel::start_ticking(std::chrono::milliseconds period) {
  timer_.start_repeating(period);
}

void LoopTimerWheel::stop_ticking() { timer_.stop(); }

}  // namespace tako::uv
