// Carries nng's completions over to the loop's thread.
#include "common/ipc/loop_aio.h"

#include <utility>

#include "common/check.h"

namespace tako::ipc {

LoopAio::LoopAio(uv::Loop& loop, std::function<void()> on_done)
    : loop_(loop), on_done_(std::move(on_done)), owner_(std::make_shared<Owner>(Owner{this})) {
  TAKO_CHECK(nng_aio_alloc(&aio_, &LoopAio::on_complete, this) == 0);
}

LoopAio::~LoopAio() {
  stop();
  nng_aio_free(aio_);
}

void LoopAio::stop() {
  nng_aio_stop(aio_);  // When it returns, on_complete is not running and will not run.
  owner_->aio = nullptr;
}

void LoopAio::on_complete(void* argument) noexcept {
  auto* self = static_cast<LoopAio*>(argument);
  self->loop_.post([owner = self->owner_] {
    if (owner->aio != nullptr) owner->aio->on_done_();
  });
}

}  // namespace tako::ipc
