// Work in order in another thread, and its end on the loop's.
#include "common/uv/worker_thread.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace tako::uv {
namespace {

using namespace std::chrono_literals;

TEST_CASE("work is done elsewhere, in order, and its end comes to the loop") {
  Loop loop;
  WorkerThread worker(loop);
  const auto here = std::this_thread::get_id();
  std::vector<int> done;
  for (int i = 0; i < 1'000; ++i) {
    auto where = std::make_shared<std::thread::id>();
    worker.run([where] { *where = std::this_thread::get_id(); },
               [&done, i, where, here] {
                 CHECK(*where != here);
                 CHECK(std::this_thread::get_id() == here);
                 done.push_back(i);
               });
  }
  REQUIRE(loop.run_until([&] { return done.size() == 1'000; }, 10s));
  for (int i = 0; i < 1'000; ++i) REQUIRE(done[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("an end that comes after the worker is gone is dropped") {
  Loop loop;
  std::atomic<bool> is_begun = false;
  bool is_told = false;
  {
    WorkerThread worker(loop);
    worker.run([&is_begun] { is_begun = true; }, [&is_told] { is_told = true; });
    while (!is_begun) std::this_thread::yield();
  }
  CHECK_FALSE(loop.run_until([&is_told] { return is_told; }, 20ms));
}

}  // namespace
}  // namespace tako::uv
