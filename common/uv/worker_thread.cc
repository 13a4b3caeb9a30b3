// A queue that the thread takes whole, and the loop's post() back.
#include "common/uv/worker_thread.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace tako::uv {

WorkerThread::WorkerThread(Loop& loop) : loop_(loop) {
  // Signals are the loop thread's: the new thread inherits this mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { serve(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WorkerThread::~WorkerThread() {
  *is_alive_ = false;
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    jobs_.clear();
  }
  has_work_.notify_one();
  thread_.join();
}

void WorkerThread::run(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(work), std::move(done)});
  }
  has_work_.notify_one();
}

void WorkerThread::serve() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
      if (is_ending_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.work();
    job.work = nullptr;  // What it owns goes here, not on the loop.
    loop_.post([is_alive = is_alive_, done = std::move(job.done)] {
      if (*is_alive) done();
    });
  }
}

}  // namespace tako::uv
