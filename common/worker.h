// Worker: does blocking work away from the loop, and comes back to it.
#pragma once

#include <functional>
#include <utility>

namespace tako {

class Worker {
 public:
  virtual ~Worker() = default;
  // Runs `work` in another thread, one after the other in the order of the calls, then `done` on
  // the caller's loop. What both need they own together: the caller may be gone by then, so `done`
  // must be able to tell. Callers bound what they give.
  virtual void run(std::function<void()> work, std::function<void()> done) = 0;
};

// Does everything at once, before run() returns; for tests.
class InlineWorker final : public Worker {
 public:
  void run(std::function<void()> work, std::function<void()> done) override {
    work();
    done();
  }
};

}  // namespace tako
