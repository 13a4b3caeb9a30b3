// Runs libuv's loop, work from other threads, and the tasks at the end of each turn.
#include "common/uv/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <utility>

#include "common/check.h"
#include "common/limits.h"
#include "common/uv/timer.h"

namespace tako::uv {

namespace {

// An init function of libuv fails only where memory or descriptors for the loop itself are missing:
// there is no process to go on with.
template <typename Handle, typename Init>
OwnedHandle<Handle> make_handle(void* owner, Init&& init) {
  auto handle = std::make_unique<Handle>();
  TAKO_CHECK(init(handle.get()) == 0);
  handle->data = owner;
  return OwnedHandle<Handle>(handle.release());
}

}  // namespace

void Loop::FreeLoop::operator()(uv_loop_s* loop) const noexcept {
  // Whoever still has a handle open outlived the loop: their destructor would use freed memory.
  uv_walk(
      loop, [](uv_handle_t* handle, void*) { TAKO_CHECK(uv_is_closing(handle) != 0); }, nullptr);
  uv_run(loop, UV_RUN_DEFAULT);  // Close callbacks, and name look-ups that can't be cancelled.
  TAKO_CHECK(uv_loop_close(loop) == 0);
  std::unique_ptr<uv_loop_s>{loop}.reset();
}

Loop::Loop()
    : receive_buffer_(limits::kReceiveBufferBytes),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  TAKO_CHECK(wake_fd_.is_open());
  auto loop = std::make_unique<uv_loop_s>();
  TAKO_CHECK(uv_loop_init(loop.get()) == 0);
  loop_.reset(loop.release());
  loop_->data = this;
  wake_ = make_handle<uv_poll_s>(
      this, [&](uv_poll_s* handle) { return uv_poll_init(loop_.get(), handle, wake_fd_.get()); });
  check_ = make_handle<uv_check_s>(
      this, [&](uv_check_s* handle) { return uv_check_init(loop_.get(), handle); });
  prepare_ = make_handle<uv_prepare_s>(
      this, [&](uv_prepare_s* handle) { return uv_prepare_init(loop_.get(), handle); });
  idle_ = make_handle<uv_idle_s>(
      this, [&](uv_idle_s* handle) { return uv_idle_init(loop_.get(), handle); });
  uv_poll_start(wake_.get(), UV_READABLE, on_wake);
  uv_check_start(check_.get(), on_turn_end);
  uv_prepare_start(prepare_.get(), on_before_wait);
}

Loop::~Loop() { TAKO_CHECK(scheduled_first_ == nullptr); }

Loop& Loop::of(uv_loop_s* raw) noexcept { return *static_cast<Loop*>(raw->data); }

void Loop::run() { uv_run(loop_.get(), UV_RUN_DEFAULT); }

bool Loop::run_until(const std::function<bool()>& condition, std::chrono::milliseconds bound) {
  bool is_over = false;
  Timer timer(*this, [&is_over] { is_over = true; });
  update_time();
  timer.start_once(bound);
  awaited_ = &condition;
  while (!is_over && !condition()) uv_run(loop_.get(), UV_RUN_ONCE);
  awaited_ = nullptr;
  return condition();
}

void Loop::stop() { uv_stop(loop_.get()); }

// Not uv_async_send: libuv 1.44 wakes the loop before it is done with the handle, and the loop then
// spins until it is. Where both threads share a core, the one spins while the other waits for it.
void Loop::post(std::function<void()> work) {
  bool is_first = false;
  {
    const std::lock_guard lock(posted_mutex_);
    is_first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (is_first) TAKO_CHECK(eventfd_write(wake_fd_.get(), 1) == 0);
}

void Loop::run_posted() {
  eventfd_t posts = 0;
  eventfd_read(wake_fd_.get(), &posts);  // Before the swap: what is posted after it wakes anew.
  std::vector<std::function<void()>> batch;
  {
    const std::lock_guard lock(posted_mutex_);
    batch.swap(posted_);
  }
  for (auto& work : batch) {
    work();
    work = nullptr;  // What it captured dies before the next one runs, as it would on its own.
  }
}

std::int64_t Loop::monotonic_ms() const { return static_cast<std::int64_t>(uv_now(loop_.get())); }

std::int64_t Loop::wall_ms() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void Loop::update_time() { uv_update_time(loop_.get()); }

std::span<std::byte> Loop::receive_buffer() noexcept { return receive_buffer_; }

void Loop::on_wake(uv_poll_s* handle, int /*status*/, int /*events*/) noexcept {
  if (handle->data != nullptr) static_cast<Loop*>(handle->data)->run_posted();
}

void Loop::on_turn_end(uv_check_s* handle) noexcept {
  if (handle->data != nullptr) static_cast<Loop*>(handle->data)->run_turn_end_tasks();
}

void Loop::on_before_wait(uv_prepare_s* handle) noexcept {
  auto* self = static_cast<Loop*>(handle->data);
  if (self == nullptr) return;
  self->run_turn_end_tasks();
  // What run_until() waits for may have come by a timer or one of these tasks: then nothing need
  // end the wait that follows.
  if (self->awaited_ != nullptr && (*self->awaited_)()) self->stop();
}

void Loop::run_turn_end_tasks() {
  if (scheduled_first_ == nullptr) return;
  ++turn_end_round_;
  while (scheduled_first_ != nullptr && scheduled_first_->round_ < turn_end_round_) {
    TurnEndTask& task = *scheduled_first_;
    unlink(task);
    task.work_();  // May destroy the task.
  }
  // libuv decides how long to wait after the prepare handles: with an active idle handle, not at
  // all.
  if (scheduled_first_ != nullptr) {
    uv_idle_start(idle_.get(), [](uv_idle_s*) {});
  } else {
    uv_idle_stop(idle_.get());
  }
}

void Loop::link(TurnEndTask& task) noexcept {
  task.round_ = turn_end_round_;
  task.is_scheduled_ = true;
  task.previous_ = scheduled_last_;
  task.next_ = nullptr;
  (scheduled_last_ == nullptr ? scheduled_first_ : scheduled_last_->next_) = &task;
  scheduled_last_ = &task;
}

void Loop::unlink(TurnEndTask& task) noexcept {
  task.is_scheduled_ = false;
  (task.previous_ == nullptr ? scheduled_first_ : task.previous_->next_) = task.next_;
  (task.next_ == nullptr ? scheduled_last_ : task.next_->previous_) = task.previous_;
}

void TurnEndTask::schedule() noexcept {
  if (!is_scheduled_) loop_.link(*this);
}

void TurnEndTask::cancel() noexcept {
  if (is_scheduled_) loop_.unlink(*this);
}

SignalWatcher::SignalWatcher(Loop& loop, int signal_number, std::function<void()> on_signal)
    : on_signal_(std::move(on_signal)),
      handle_(make_handle<uv_signal_s>(
          this, [&](uv_signal_s* handle) { return uv_signal_init(loop.raw(), handle); })) {
  TAKO_CHECK(uv_signal_start(handle_.get(), on_raised, signal_number) == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(handle_.get()));
}

void SignalWatcher::on_raised(uv_signal_s* handle, int /*signal_number*/) noexcept {
  if (handle->data != nullptr) static_cast<SignalWatcher*>(handle->data)->on_signal_();
}

}  // namespace tako::uv
