// Reads and writes one nng stream from the loop's thread.
#include "common/ipc/nng_link.h"

#include <nng/nng.h>

#include <utility>

#include "common/check.h"
#include "common/ipc/loop_aio.h"
#include "common/limits.h"

namespace tako::ipc {
namespace {

constexpr std::size_t kReceiveBytes = 64 * limits::kKiB;  // one read; frames may be larger

void submit(nng_aio* aio, void* data, std::size_t size) {
  nng_iov iov{.iov_buf = data, .iov_len = size};
  TAKO_CHECK(nng_aio_set_iov(aio, 1, &iov) == 0);
}

nng_aio* make_aio_without_callback() {
  nng_aio* aio = nullptr;
  TAKO_CHECK(nng_aio_alloc(&aio, nullptr, nullptr) == 0);
  return aio;
}

}  // namespace

void NngLink::FreeAio::operator()(nng_aio* aio) const noexcept { nng_aio_free(aio); }

NngLink::NngLink(uv::Loop& loop, nng_stream* stream)
    : stream_(stream),
      receive_aio_(std::make_unique<LoopAio>(loop, [this] { on_received(); })),
      write_aio_(make_aio_without_callback()),
      send_aio_(std::make_unique<LoopAio>(loop, [this] { on_sent(); })),
      receive_buffer_(kReceiveBytes, '\0'),
      alive_(std::make_shared<bool>(true)) {}

NngLink::~NngLink() {
  *alive_ = false;
  nng_stream_close(stream_);
  receive_aio_->stop();
  send_aio_->stop();
  nng_stream_free(stream_);
}

void NngLink::start(LinkObserver& observer) {
  const bool is_first = observer_ == nullptr;
  observer_ = &observer;
  if (is_first) receive();
}

void NngLink::receive() {
  submit(receive_aio_->raw(), receive_buffer_.data(), receive_buffer_.size());
  nng_stream_recv(stream_, receive_aio_->raw());
}

void NngLink::on_received() {
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

void NngLink::send(std::string_view payload) { append_frame(filling_, payload); }

void NngLink::flush() {
  if (!in_flight_.empty() || filling_.empty()) return;
  in_flight_.swap(filling_);
  sent_of_in_flight_ = 0;
  write_now();
  if (sent_of_in_flight_ < in_flight_.size()) {
    write_rest();
  } else {
    give_back_buffer();
  }
}

// nng tries a write in the caller's thread first, and an operation without a callback ends there
// too. Waiting for a callback instead would wake a thread of nng's and then this loop, for each
// frame: with ten subscribers to a message that was a sixth of the broker's work.
void NngLink::write_now() {
  while (sent_of_in_flight_ < in_flight_.size()) {
    submit(write_aio_.get(), in_flight_.data() + sent_of_in_flight_,
           in_flight_.size() - sent_of_in_flight_);
    nng_stream_send(stream_, write_aio_.get());
    nng_aio_abort(write_aio_.get(), NNG_ECANCELED);  // Without effect on what is done already.
    nng_aio_wait(write_aio_.get());
    if (nng_aio_result(write_aio_.get()) != 0) return;  // Nothing of this write has left.
    sent_of_in_flight_ += nng_aio_count(write_aio_.get());
  }
}

void NngLink::write_rest() {
  submit(send_aio_->raw(), in_flight_.data() + sent_of_in_flight_,
         in_flight_.size() - sent_of_in_flight_);
  nng_stream_send(stream_, send_aio_->raw());
}

void NngLink::on_sent() {
  if (const int result = send_aio_->result(); result != 0) {
    // The read side reports the loss, once, with what was still readable delivered first.
    return;
  }
  sent_of_in_flight_ += send_aio_->count();
  if (sent_of_in_flight_ < in_flight_.size()) return write_rest();  // Partial sends are normal.
  give_back_buffer();
  flush();
  if (in_flight_.empty() && observer_ != nullptr) observer_->on_drained();
}

void NngLink::give_back_buffer() {
  in_flight_.clear();
  if (in_flight_.capacity() > kFrameBufferKeptBytes) in_flight_.shrink_to_fit();
  if (filling_.empty()) filling_.swap(in_flight_);
}

void NngLink::fail(const Error& error) {
  if (observer_ != nullptr) observer_->on_closed(error);
}

std::optional<std::uint32_t> NngLink::peer_uid() const {
  std::uint64_t uid = 0;
  if (nng_stream_get_uint64(stream_, NNG_OPT_IPC_PEER_UID, &uid) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(uid);
}

}  // namespace tako::ipc
