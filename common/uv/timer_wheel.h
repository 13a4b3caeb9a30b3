// TimerWheel: coarse deadlines for tens of thousands of sessions: O(1), no allocation, one timer.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/clock.h"
#include "common/uv/timer.h"

namespace tako::uv {

class TimerWheel;

// One deadline, a member of what it belongs to (40 bytes). Destroying it cancels it.
class WheelEntry {
 public:
  WheelEntry() = default;
  WheelEntry(const WheelEntry&) = delete;
  WheelEntry& operator=(const WheelEntry&) = delete;

  void cancel() noexcept;
  [[nodiscard]] bool is_armed() const noexcept { return wheel_ != nullptr; }

 protected:
  ~WheelEntry() { cancel(); }

 private:
  friend class TimerWheel;
  // The deadline has passed; the entry is no longer armed. May arm again, and may destroy the
  // entry and its owner.
  virtual void on_deadline() = 0;

  WheelEntry* previous_ = nullptr;
  WheelEntry* next_ = nullptr;
  TimerWheel* wheel_ = nullptr;
  std::uint64_t due_tick_ = 0;
};

// A deadline that calls a member function: `MemberDeadline<Session, &Session::on_idle>
// idle_{*this};`
template <typename Owner, void (Owner::*Method)()>
class MemberDeadline final : public WheelEntry {
 public:
  explicit MemberDeadline(Owner& owner) : owner_(owner) {}

 private:
  void on_deadline() override { (owner_.*Method)(); }

  Owner& owner_;
};

// What drives a wheel; LoopTimerWheel in a process, a test's own in a test.
class WheelTicker {
 public:
  virtual ~WheelTicker() = default;
  virtual void start_ticking(std::chrono::milliseconds period) = 0;
  virtual void stop_ticking() = 0;
};

//   slot 0  1  2  …  1023      one slot per tick (100 ms); an entry whose deadline is more than
//        |  |                  one turn of the wheel (102.4 s) away is passed over once per turn
//        e  e-e-e
//
// Deadlines are never early and at most two ticks late (plus what the loop was late). The ticker
// stops at the first tick that finds no entry. Destroying a wheel with armed entries is our fault
// (TAKO_CHECK).
class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{100};
  static constexpr std::size_t kSlots = 1024;

  TimerWheel(const Clock& clock, WheelTicker& ticker);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms `entry`, or moves its deadline.
  void arm(WheelEntry& entry, std::chrono::milliseconds delay);
  // Fires what is due; the ticker calls it each tick.
  void advance();
  [[nodiscard]] std::size_t size() const noexcept { return armed_; }

 private:
  friend class WheelEntry;
  class Anchor final : public WheelEntry {  // Head of a circular list; never fires.
   public:
    Anchor();

   private:
    void on_deadline() override {}
  };

  [[nodiscard]] std::uint64_t now_tick() const;
  void fire_slot(std::size_t slot, std::uint64_t now);
  static void link(WheelEntry& anchor, WheelEntry& entry) noexcept;
  static void unlink(WheelEntry& entry) noexcept;
  void forget(WheelEntry& entry) noexcept;

  const Clock& clock_;
  WheelTicker& ticker_;
  std::array<Anchor, kSlots> slots_;
  std::uint64_t done_tick_ = 0;  // All slots up to this tick have been served.
  std::size_t armed_ = 0;
  bool is_ticking_ = false;
};

// The wheel of a loop. Make one per loop and pass `wheel()` on.
class LoopTimerWheel final : private WheelTicker {
 public:
  explicit LoopTimerWheel(Loop& loop);
  [[nodiscard]] TimerWheel& wheel() noexcept { return wheel_; }

 private:
  void start_ticking(std::chrono::milliseconds period) override;
  void stop_ticking() override;

  Timer timer_;
  TimerWheel wheel_;
};

}  // namespace tako::uv
