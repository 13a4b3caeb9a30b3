// Frames over a stream of the loop.
#include "common/ipc/stream_link.h"

#include <utility>

namespace tako::ipc {

StreamLink::StreamLink(std::unique_ptr<uv::Stream> stream)
    : stream_(std::move(stream)), alive_(std::make_shared<bool>(true)) {
  stream_->set_observer(this);
}

StreamLink::~StreamLink() { *alive_ = false; }

void StreamLink::start(LinkObserver& observer) {
  const bool is_first = observer_ == nullptr;
  observer_ = &observer;
  if (is_first) stream_->start_reading();
}

void StreamLink::send(std::string_view payload) { append_frame(filling_, payload); }

void StreamLink::flush() {
  if (filling_.empty()) return;
  if (is_broken_ || !waiting_.send(*stream_, filling_)) return stop_writing();
  filling_.clear();
  if (filling_.capacity() > kFrameBufferKeptBytes) filling_.shrink_to_fit();
}

// What the peer said before it went is still delivered: only the read side ends the link.
void StreamLink::stop_writing() {
  is_broken_ = true;
  filling_ = std::string();
  waiting_ = uv::SendQueue();
}

void StreamLink::on_writable() {
  if (is_broken_) return;
  if (!waiting_.flush(*stream_)) return stop_writing();
  if (waiting_.empty() && observer_ != nullptr) observer_->on_drained();
}

void StreamLink::on_bytes(std::span<const std::byte> bytes) {
  const std::shared_ptr<bool> alive = alive_;
  const auto fed = decoder_.feed(bytes, [this, &alive](std::span<const std::byte> frame) {
    observer_->on_frame(frame);
    return *alive;
  });
  if (!*alive || fed) return;
  stream_->stop_reading();
  observer_->on_closed(fed.error());
}

void StreamLink::on_end() {
  observer_->on_closed({.code = ErrorCode::Unavailable, .detail = "the peer closed the link"});
}

void StreamLink::on_closed(uv::CloseReason /*reason*/) {
  observer_->on_closed({.code = ErrorCode::Unavailable, .detail = "the peer reset the link"});
}

std::optional<std::uint32_t> StreamLink::peer_uid() const {
  const std::optional<uv::PeerCredentials> peer = stream_->credentials();
  if (!peer) return std::nullopt;
  return peer->uid;
}

}  // namespace tako::ipc
