// Closes libuv handles and frees them when libuv is done.
#include "common/uv/handle.h"

#include <uv.h>

namespace tako::uv {

namespace {

template <typename Handle>
void close_handle(Handle* handle) noexcept {
  handle->data = nullptr;  // Callbacks still to come find no owner.
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) {
    std::unique_ptr<Handle>{reinterpret_cast<Handle*>(closed)}.reset();
  });
}

}  // namespace

void CloseHandle::operator()(uv_check_s* handle) const noexcept { close_handle(handle); }
void CloseHandle::operator()(uv_idle_s* handle) const noexcept { close_handle(handle); }
void CloseHandle::operator()(uv_poll_s* handle) const noexcept { close_handle(handle); }
void CloseHandle::operator()(uv_prepare_s* handle) const noexcept { close_handle(handle); }
void CloseHandle::operator()(uv_signal_s* handle) const noexcept { close_handle(handle); }
void CloseHandle::operator()(uv_timer_s* handle) const noexcept { close_handle(handle); }

}  // namespace tako::uv
