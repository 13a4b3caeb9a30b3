// Posting, turn ends, timers and signals on a real loop.
#include "common/uv/loop.h"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "common/uv/timer.h"

using namespace std::chrono_literals;
using tako::uv::Loop;
using tako::uv::Timer;
using tako::uv::TurnEndTask;

TEST_CASE("posted work runs on the loop's thread, in the order of each poster") {
  Loop loop;
  std::vector<int> seen;
  const auto loop_thread = std::this_thread::get_id();
  bool was_elsewhere = false;
  std::thread poster([&] {
    for (int i = 0; i < 1'000; ++i) {
      loop.post([&, i] {
        seen.push_back(i);
        was_elsewhere |= std::this_thread::get_id() != loop_thread;
      });
    }
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  poster.join();
  REQUIRE(seen.size() == 1'000);
  for (int i = 0; i < 1'000; ++i) CHECK(seen[static_cast<std::size_t>(i)] == i);
  CHECK_FALSE(was_elsewhere);
}

TEST_CASE("a turn-end task runs once for any number of schedules, after what scheduled it") {
  Loop loop;
  std::vector<char> order;
  TurnEndTask task(loop, [&] { order.push_back('e'); });
  loop.post([&] {
    task.schedule();
    task.schedule();
    order.push_back('a');
  });
  loop.post([&] {
    task.schedule();
    order.push_back('b');
  });
  CHECK(loop.run_until([&] { return order.size() >= 3; }, 10s));
  CHECK(order == std::vector<char>{'a', 'b', 'e'});
}

TEST_CASE("what a timer scheduled is done before the loop sleeps again") {
  Loop loop;
  TurnEndTask task(loop, [&] { loop.stop(); });
  Timer timer(loop, [&] { task.schedule(); });
  timer.start_once(1ms);
  // Nothing else wakes the loop: were the task left for after the wait, only this one would.
  bool has_slept = false;
  Timer bound(loop, [&] { has_slept = true; });
  bound.start_once(10s);
  loop.run();
  CHECK_FALSE(has_slept);
}

TEST_CASE("run_until sees what a timer's turn-end task did, without a wait between") {
  for (const auto delay : {0ms, 1ms}) {  // One fires before the first wait, the other ends it.
    CAPTURE(delay.count());
    Loop loop;
    bool is_done = false;
    TurnEndTask task(loop, [&] { is_done = true; });
    Timer timer(loop, [&] { task.schedule(); });
    timer.start_once(delay);
    // Nothing else wakes the loop.
    bool has_slept = false;
    Timer bound(loop, [&] { has_slept = true; });
    bound.start_once(10s);
    CHECK(loop.run_until([&] { return is_done; }, 60s));
    CHECK_FALSE(has_slept);
  }
}

TEST_CASE("a task that schedules itself runs each turn without the loop sleeping between") {
  Loop loop;
  int rounds = 0;
  TurnEndTask task(loop, [] {});
  TurnEndTask again(loop, [&] {
    if (++rounds < 100) again.schedule();
  });
  again.schedule();
  CHECK(loop.run_until([&] { return rounds == 100; }, 60s));
}

TEST_CASE("a task may cancel and destroy others, itself included") {
  Loop loop;
  bool cancelled_ran = false;
  bool last_ran = false;
  auto first = std::unique_ptr<TurnEndTask>();
  auto self = std::unique_ptr<TurnEndTask>();
  TurnEndTask cancelled(loop, [&] { cancelled_ran = true; });
  TurnEndTask last(loop, [&] { last_ran = true; });
  first = std::make_unique<TurnEndTask>(loop, [&] { cancelled.cancel(); });
  self = std::make_unique<TurnEndTask>(loop, [&] { self.reset(); });
  for (TurnEndTask* task : {first.get(), self.get(), &cancelled, &last}) task->schedule();
  CHECK(loop.run_until([&] { return last_ran; }, 10s));
  CHECK_FALSE(cancelled_ran);
  CHECK(self == nullptr);
}

TEST_CASE("a timer repeats until stopped, and may be destroyed in its own callback") {
  Loop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++fired == 3) timer.reset();
  });
  timer->start_repeating(1ms);
  CHECK(timer->is_active());
  CHECK(loop.run_until([&] { return timer == nullptr; }, 10s));
  CHECK(fired == 3);
}

TEST_CASE("run_until gives up at its bound") {
  Loop loop;
  CHECK_FALSE(loop.run_until([] { return false; }, 5ms));
}

TEST_CASE("a signal is told on the loop's thread") {
  Loop loop;
  int raised = 0;
  tako::uv::SignalWatcher watcher(loop, SIGUSR1, [&] { ++raised; });
  std::raise(SIGUSR1);
  CHECK(loop.run_until([&] { return raised == 1; }, 10s));
}
