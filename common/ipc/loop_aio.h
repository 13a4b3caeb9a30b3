// LoopAio: one nng asynchronous operation whose completion is told on the loop's thread.
#pragma once

#include <nng/nng.h>

#include <functional>
#include <memory>

#include "common/uv/loop.h"

namespace tako::ipc {

// nng completes on threads of its own; only the post to the loop happens there. At most one
// operation is under way. Destroyed on the loop's thread: waits until nng has let go of it, and a
// completion still queued on the loop finds nobody.
class LoopAio {
 public:
  LoopAio(uv::Loop& loop, std::function<void()> on_done);
  ~LoopAio();
  LoopAio(const LoopAio&) = delete;
  LoopAio& operator=(const LoopAio&) = delete;

  [[nodiscard]] nng_aio* raw() const { return aio_; }
  [[nodiscard]] int result() const { return nng_aio_result(aio_); }
  [[nodiscard]] std::size_t count() const { return nng_aio_count(aio_); }
  // Ends the operation under way and waits for nng; on_done is not called any more.
  void stop();

 private:
  struct Owner {  // Shared with completions on their way to the loop.
    LoopAio* aio;
  };
  static void on_complete(void* argument) noexcept;

  uv::Loop& loop_;
  std::function<void()> on_done_;
  std::shared_ptr<Owner> owner_;
  nng_aio* aio_ = nullptr;
};

}  // namespace tako::ipc
