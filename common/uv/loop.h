// Loop: one thread's event loop; work from other threads enters through post().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/clock.h"
#include "common/uv/handle.h"
#include "common/uv/socket.h"

struct uv_loop_s;

namespace tako::uv {

class TurnEndTask;

// Everything but post() belongs to the thread that calls run(). The loop outlives every object
// that was made with it. As a Clock it gives the time at which the current turn began: no system
// call, and one turn sees one time.
class Loop final : public Clock {
 public:
  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Serves until stop().
  void run();
  // Serves until `condition` holds, which is looked at before each wait, or `bound` has passed.
  // Returns whether it holds. For tests and orderly ends.
  [[nodiscard]] bool run_until(const std::function<bool()>& condition,
                               std::chrono::milliseconds bound);
  // Ends run() after the current turn.
  void stop();

  // Runs `work` on the loop's thread, in posting order. Any thread. Callers bound what they post;
  // the queue itself doesn't (a refused completion would leak what it completes).
  void post(std::function<void()> work);

  // Monotonic milliseconds, cached at the start of the turn (see update_time()).
  [[nodiscard]] std::int64_t monotonic_ms() const override;
  [[nodiscard]] std::int64_t wall_ms() const override;
  // Reads the clock anew; for those who have just computed for long.
  void update_time();

  // For the files of this folder only: libuv's loop, and the one buffer into which every stream of
  // this loop reads (64 KiB: valid during StreamObserver::on_bytes, then used again).
  [[nodiscard]] uv_loop_s* raw() const noexcept { return loop_.get(); }
  [[nodiscard]] std::span<std::byte> receive_buffer() noexcept;
  static Loop& of(uv_loop_s* raw) noexcept;

 private:
  friend class TurnEndTask;
  struct FreeLoop {
    void operator()(uv_loop_s* loop) const noexcept;
  };

  static void on_wake(uv_poll_s* handle, int status, int events) noexcept;
  static void on_turn_end(uv_check_s* handle) noexcept;
  static void on_before_wait(uv_prepare_s* handle) noexcept;
  void run_posted();
  void run_turn_end_tasks();
  void link(TurnEndTask& task) noexcept;
  void unlink(TurnEndTask& task) noexcept;

  std::unique_ptr<uv_loop_s, FreeLoop> loop_;
  std::vector<std::byte> receive_buffer_;
  Fd wake_fd_;  // An eventfd, readable while posted work waits.
  OwnedHandle<uv_poll_s> wake_;
  OwnedHandle<uv_check_s> check_;
  OwnedHandle<uv_prepare_s> prepare_;
  OwnedHandle<uv_idle_s> idle_;  // Active while a task waits: the loop must not sleep then.
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // Guarded by posted_mutex_.
  TurnEndTask* scheduled_first_ = nullptr;
  TurnEndTask* scheduled_last_ = nullptr;
  std::uint64_t turn_end_round_ = 0;
  const std::function<bool()>* awaited_ = nullptr;  // of the run_until() that runs
};

// Work that is done once at the end of the loop turn in which it was scheduled, however often:
// where a fan-out flushes its dirty connections, and where objects die that are still in use below
// on the stack. Runs after I/O, and before the loop waits (so what a timer caused is flushed too).
class TurnEndTask {
 public:
  TurnEndTask(Loop& loop, std::function<void()> work) : loop_(loop), work_(std::move(work)) {}
  ~TurnEndTask() { cancel(); }
  TurnEndTask(const TurnEndTask&) = delete;
  TurnEndTask& operator=(const TurnEndTask&) = delete;

  // No effect when already scheduled. Scheduled from within the work itself it runs once more, a
  // turn later, and the loop does not sleep before that.
  void schedule() noexcept;
  void cancel() noexcept;
  [[nodiscard]] bool is_scheduled() const noexcept { return is_scheduled_; }

 private:
  friend class Loop;

  Loop& loop_;
  std::function<void()> work_;
  TurnEndTask* previous_ = nullptr;
  TurnEndTask* next_ = nullptr;
  std::uint64_t round_ = 0;  // Tasks of a later round than the current one wait for the next.
  bool is_scheduled_ = false;
};

// Calls back on the loop's thread when the process gets the signal, until destroyed. Does not
// keep run() from ending.
class SignalWatcher {
 public:
  SignalWatcher(Loop& loop, int signal_number, std::function<void()> on_signal);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  static void on_raised(uv_signal_s* handle, int signal_number) noexcept;

  std::function<void()> on_signal_;
  OwnedHandle<uv_signal_s> handle_;
};

}  // namespace tako::uv
