// The wheel under a clock that the test turns.
#include "common/uv/timer_wheel.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <vector>

#include "common/uv/loop.h"

using namespace std::chrono_literals;
using tako::FakeClock;
using tako::uv::TimerWheel;
using tako::uv::WheelEntry;

namespace {

class FakeTicker : public tako::uv::WheelTicker {
 public:
  void start_ticking(std::chrono::milliseconds) override { is_ticking = true; }
  void stop_ticking() override { is_ticking = false; }
  bool is_ticking = false;
};

class Entry final : public WheelEntry {
 public:
  std::function<void()> then = [] {};
  int fired = 0;

 private:
  void on_deadline() override {
    ++fired;
    then();
  }
};

struct Bench {
  FakeClock clock;
  FakeTicker ticker;
  TimerWheel wheel{clock, ticker};
  // Turns the clock in steps, as a loop would.
  void pass(std::int64_t ms, std::int64_t step = 100) {
    for (std::int64_t done = 0; done < ms; done += step) {
      clock.advance(step);
      wheel.advance();
    }
  }
};

}  // namespace

TEST_CASE("an entry fires once, not before its deadline, and within two ticks after it") {
  for (const std::int64_t start : {0, 1, 50, 99}) {
    for (const std::int64_t delay : {0, 1, 99, 100, 101, 1'000, 102'399, 102'400, 250'000}) {
      Bench bench;
      bench.clock.advance(start);
      Entry entry;
      bench.wheel.arm(entry, std::chrono::milliseconds{delay});
      const std::int64_t armed_at = bench.clock.monotonic_ms();
      while (entry.fired == 0 && bench.clock.monotonic_ms() < armed_at + delay + 1'000) {
        bench.pass(100);
      }
      CAPTURE(start);
      CAPTURE(delay);
      CHECK(entry.fired == 1);
      CHECK(bench.clock.monotonic_ms() >= armed_at + delay);
      CHECK(bench.clock.monotonic_ms() <= armed_at + delay + 200);
      bench.pass(110'000);
      CHECK(entry.fired == 1);
      CHECK_FALSE(entry.is_armed());
    }
  }
}

TEST_CASE("arming again moves the deadline, cancelling and destroying take it away") {
  Bench bench;
  Entry moved;
  Entry cancelled;
  auto destroyed = std::make_unique<Entry>();
  for (Entry* entry : {&moved, &cancelled, destroyed.get()}) bench.wheel.arm(*entry, 500ms);
  CHECK(bench.wheel.size() == 3);
  bench.pass(300);
  bench.wheel.arm(moved, 1'000ms);
  cancelled.cancel();
  destroyed.reset();
  CHECK(bench.wheel.size() == 1);
  bench.pass(900);
  CHECK(moved.fired == 0);
  bench.pass(300);
  CHECK(moved.fired == 1);
  CHECK(cancelled.fired == 0);
}

TEST_CASE("a deadline may arm itself, and cancel or destroy others of its slot") {
  Bench bench;
  Entry again;
  Entry killer;
  auto victim = std::make_unique<Entry>();
  Entry* const victim_address = victim.get();
  again.then = [&] { bench.wheel.arm(again, 1'000ms); };
  killer.then = [&] { victim.reset(); };
  bench.wheel.arm(again, 1'000ms);
  bench.wheel.arm(killer, 1'000ms);
  bench.wheel.arm(*victim_address, 1'000ms);
  bench.pass(1'200);
  CHECK(again.fired == 1);
  CHECK(killer.fired == 1);
  CHECK(victim == nullptr);
  bench.pass(5'500);
  CHECK(again.fired >= 5);
  again.cancel();
}

TEST_CASE("the ticker runs only while an entry is armed") {
  Bench bench;
  CHECK_FALSE(bench.ticker.is_ticking);
  Entry entry;
  bench.wheel.arm(entry, 100ms);
  CHECK(bench.ticker.is_ticking);
  bench.pass(300);
  CHECK(entry.fired == 1);
  CHECK_FALSE(bench.ticker.is_ticking);
  // A long quiet time without ticks does not make a later deadline early or late.
  bench.clock.advance(1'000'000);
  bench.wheel.arm(entry, 200ms);
  bench.pass(100);
  CHECK(entry.fired == 1);
  bench.pass(300);
  CHECK(entry.fired == 2);
}

TEST_CASE("after a long stall everything that is due fires in one go") {
  Bench bench;
  std::vector<Entry> entries(2'000);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    bench.wheel.arm(entries[i], std::chrono::milliseconds{100 * i});
  }
  bench.clock.advance(10'000'000);
  bench.wheel.advance();
  for (const Entry& entry : entries) CHECK(entry.fired == 1);
  CHECK(bench.wheel.size() == 0);
}

TEST_CASE("the loop drives a wheel") {
  tako::uv::Loop loop;
  tako::uv::LoopTimerWheel driver(loop);
  Entry entry;
  driver.wheel().arm(entry, 150ms);
  const std::int64_t begin = loop.monotonic_ms();
  CHECK(loop.run_until([&] { return entry.fired == 1; }, 10s));
  CHECK(loop.monotonic_ms() - begin >= 150);
}
