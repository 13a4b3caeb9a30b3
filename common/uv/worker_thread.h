// WorkerThread: a Worker with one thread of its own beside a loop.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "common/uv/loop.h"
#include "common/worker.h"

namespace tako::uv {

// libuv's own pool is shared with name lookups and has no order. Made, used and destroyed on the
// loop's thread.
class WorkerThread final : public Worker {
 public:
  explicit WorkerThread(Loop& loop);
  // Waits for the work that is under way; what was not begun is dropped, and no `done` comes any
  // more.
  ~WorkerThread() override;
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  void run(std::function<void()> work, std::function<void()> done) override;

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> done;
  };
  void serve();

  Loop& loop_;
  // Whether this still lives; looked at on the loop's thread only.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<Job> jobs_;    // Guarded by mutex_.
  bool is_ending_ = false;  // Guarded by mutex_.
  std::thread thread_;      // Last: it uses the members above.
};

}  // namespace tako::uv
