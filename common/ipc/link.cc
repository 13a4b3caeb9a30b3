// Reads and writes one nng stream from the loop's thread.
#include "common/ipc/link.h"

#include <nng/nng.h>

#include <utility>

#include "common/check.h"
#include "common/ipc/loop_aio.h"
#include "common/limits.h"

namespace tako::ipc {
namespace {

constexpr std::size_t kReceiveBytes = 64 * limits::kKiB;  // one read; frames may be larger
constexpr std::size_t kKeepCapacity = limits::kMiB;       // a burst's buffer is given back

void submit(LoopAio& aio, void* data, std::size_t size) {
  nng_iov iov{.iov_buf = data, .iov_len = size};
  TAKO_CHECK(nng_aio_set_iov(aio.raw(), 1, &iov) == 0);
}

}  // namespace

Link::Link(uv::Loop& loop, nng_stream* stream)
    : stream_(stream),
      receive_aio_(std::make_unique<LoopAio>(loop, [this] { on_received(); })),
      send_aio_(std::make_unique<LoopAio>(loop, [this] { on_sent(); })),
      receive_buffer_(kReceiveBytes, '\0'),
      alive_(std::make_shared<bool>(true)) {}

Link::~Link() {
  *alive_ = false;
  nng_stream_close(stream_);
  receive_aio_->stop();
  send_aio_->stop();
  nng_stream_free(stream_);
}

void Link::start(LinkObserver& observer) {
  const bool is_first = observer_ == nullptr;
  observer_ = &observer;
  if (is_first) receive();
}

void Link::receive() {
  submit(*receive_aio_, receive_buffer_.data(), receive_buffer_.size());
  nng_stream_recv(stream_, receive_aio_->raw());
}

void Link::on_received() {
  if (const int result = receive_aio_->result(); result != 0) {
    fail({.code = ErrorCode::Unavailable, .detail = nng_strerror(result)});
    return;
  }
  const std::shared_ptr<bool> alive = alive_;
  const auto bytes = std::as_bytes(std::span(receive_buffer_).first(receive_aio_->count()));
  const auto fed = decoder_.feed(bytes, [this, &alive](std::span<const std::byte> frame) {
    observer_->on_frame(frame);
    return *alive;
  });
  if (!*alive) return;
  if (!fed) {
    fail(fed.error());
    return;
  }
  receive();
}

void Link::send(std::string_view payload) {
  append_frame(filling_, payload);
  if (in_flight_.empty()) start_send();
}

void Link::start_send() {
  in_flight_ = std::exchange(filling_, {});
  sent_of_in_flight_ = 0;
  submit(*send_aio_, in_flight_.data(), in_flight_.size());
  nng_stream_send(stream_, send_aio_->raw());
}

void Link::on_sent() {
  if (const int result = send_aio_->result(); result != 0) {
    // The read side reports the loss, once, with what was still readable delivered first.
    return;
  }
  sent_of_in_flight_ += send_aio_->count();
  if (sent_of_in_flight_ < in_flight_.size()) {  // Partial sends are normal.
    submit(*send_aio_, in_flight_.data() + sent_of_in_flight_,
           in_flight_.size() - sent_of_in_flight_);
    nng_stream_send(stream_, send_aio_->raw());
    return;
  }
  if (in_flight_.capacity() <= kKeepCapacity && filling_.empty()) {
    in_flight_.clear();
    filling_.swap(in_flight_);  // Reuse the capacity.
  } else {
    in_flight_ = {};
  }
  if (!filling_.empty()) {
    start_send();
  } else if (observer_ != nullptr) {
    observer_->on_drained();
  }
}

void Link::fail(const Error& error) {
  if (observer_ != nullptr) observer_->on_closed(error);
}

std::optional<std::uint32_t> Link::peer_uid() const {
  std::uint64_t uid = 0;
  if (nng_stream_get_uint64(stream_, NNG_OPT_IPC_PEER_UID, &uid) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(uid);
}

}  // namespace tako::ipc
