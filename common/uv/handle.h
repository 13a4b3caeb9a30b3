// CloseHandle: uv_close is asynchronous, so a handle outlives its owner until libuv is done with
// it.
#pragma once

#include <memory>

struct uv_check_s;
struct uv_idle_s;
struct uv_poll_s;
struct uv_prepare_s;
struct uv_signal_s;
struct uv_timer_s;

namespace tako::uv {

// The deleter of every libuv handle: callbacks still to come find no owner (`data` is null), and
// the memory goes when libuv reports the handle closed. Loop thread only.
struct CloseHandle {
  void operator()(uv_check_s* handle) const noexcept;
  void operator()(uv_idle_s* handle) const noexcept;
  void operator()(uv_poll_s* handle) const noexcept;
  void operator()(uv_prepare_s* handle) const noexcept;
  void operator()(uv_signal_s* handle) const noexcept;
  void operator()(uv_timer_s* handle) const noexcept;
};

template <typename Handle>
using OwnedHandle = std::unique_ptr<Handle, CloseHandle>;

}  // namespace tako::uv
