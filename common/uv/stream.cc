// Reads into the loop's buffer, writes what the kernel takes, and tells when there is room.
#include "common/uv/stream.h"

#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <cerrno>

#include "common/check.h"
#include "common/limits.h"
#include "common/uv/loop.h"

namespace tako::uv {

namespace {

struct Batch {
  std::array<iovec, limits::kWritePiecesMax> entries;
  std::size_t count = 0;
  std::size_t bytes = 0;
};

// Moves as many pieces as fit into `batch`; returns the rest.
std::span<const std::string_view> fill(Batch& batch, std::span<const std::string_view> pieces) {
  batch.count = 0;
  batch.bytes = 0;
  while (!pieces.empty() && batch.count < batch.entries.size()) {
    const std::string_view piece = pieces.front();
    pieces = pieces.subspan(1);
    if (piece.empty()) continue;
    // sendmsg reads only; iovec has no const.
    batch.entries[batch.count++] = {const_cast<char*>(piece.data()), piece.size()};
    batch.bytes += piece.size();
  }
  return pieces;
}

CloseReason reason_of(int error_number) {
  switch (error_number) {
    case ECONNRESET:
    case EPIPE:
      return CloseReason::Reset;
    case ETIMEDOUT:
      return CloseReason::TimedOut;
    default:
      return CloseReason::Network;
  }
}

}  // namespace

Stream::Stream(Loop& loop, Fd fd) : fd_(std::move(fd)) {
  auto handle = std::make_unique<uv_poll_s>();
  // Fails only for what is no socket, is watched twice, or beyond the kernel's count of watches.
  TAKO_CHECK(uv_poll_init(loop.raw(), handle.get(), fd_.get()) == 0);
  handle->data = this;
  handle_.reset(handle.release());
}

Stream::~Stream() = default;

Loop& Stream::loop() const noexcept { return Loop::of(handle_->loop); }

void Stream::start_reading() {
  TAKO_CHECK(observer_ != nullptr);
  is_reading_ = true;
  watch();
}

void Stream::stop_reading() {
  is_reading_ = false;
  watch();
}

void Stream::request_writable() {
  wants_room_ = true;
  watch();
}

// Each change costs two epoll_ctl calls, so it is made only when something differs.
void Stream::watch() {
  if (is_in_event_ || handle_ == nullptr) return;
  const int wanted = (is_reading_ ? UV_READABLE : 0) | (wants_room_ ? UV_WRITABLE : 0);
  if (wanted == watched_) return;
  watched_ = static_cast<unsigned char>(wanted);
  uv_poll_start(handle_.get(), wanted, on_event);  // With 0 it stops.
}

void Stream::on_event(uv_poll_s* handle, int status, int events) noexcept {
  auto* self = static_cast<Stream*>(handle->data);
  if (self == nullptr) return;
  if (status < 0) {
    // EPOLLERR: libuv has stopped watching. What came before the error can still be read, and the
    // read then says what is wrong.
    self->watched_ = 0;
    events = UV_READABLE | UV_WRITABLE;
  }
  self->is_in_event_ = true;
  if ((events & UV_WRITABLE) != 0 && self->wants_room_) {
    self->wants_room_ = false;
    if (self->observer_ != nullptr) self->observer_->on_writable();
    if (handle->data == nullptr) return;  // The observer destroyed or released the stream.
  }
  if ((events & UV_READABLE) != 0 && self->is_reading_) {
    self->read_once();
    if (handle->data == nullptr) return;
  }
  self->is_in_event_ = false;
  self->watch();
}

// The observer's calls come last: each may destroy *this.
void Stream::read_once() {
  const std::span<std::byte> buffer = loop().receive_buffer();
  const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) {
    observer_->on_bytes(buffer.first(static_cast<std::size_t>(count)));
    return;
  }
  if (count == 0) {
    is_reading_ = false;
    observer_->on_end();
    return;
  }
  if (errno == EAGAIN || errno == EINTR) return;  // Level-triggered: we are told again.
  report_lost(errno);
}

void Stream::report_lost(int error_number) {
  is_reading_ = false;
  wants_room_ = false;
  observer_->on_closed(reason_of(error_number));
}

Result<std::size_t> Stream::write(std::span<const std::string_view> pieces) {
  std::size_t taken = 0;
  Batch batch;
  while (!pieces.empty()) {
    pieces = fill(batch, pieces);
    if (batch.count == 0) break;
    msghdr message{};
    message.msg_iov = batch.entries.data();
    message.msg_iovlen = batch.count;
    ssize_t count = 0;
    do {
      count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return std::unexpected(errno_error(ErrorCode::Unavailable, "write", errno));
    taken += static_cast<std::size_t>(count);
    if (static_cast<std::size_t>(count) < batch.bytes) break;
  }
  return taken;
}

bool Stream::has_last_words() {
  const auto has_bytes = [this] {
    std::byte first{};
    return ::recv(fd_.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  };
  if (has_bytes()) return true;  // Not shut: the rest of them may still be on its way.
  if (is_tcp()) return false;
  ::shutdown(fd_.get(), SHUT_RD);
  return has_bytes();
}

void Stream::shutdown_write() { ::shutdown(fd_.get(), SHUT_WR); }

void Stream::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Result<Address> Stream::peer() const { return remote_address(fd_.get()); }

std::optional<PeerCredentials> Stream::credentials() const { return peer_credentials(fd_.get()); }

bool Stream::is_tcp() const {
  int family = 0;
  socklen_t length = sizeof family;
  getsockopt(fd_.get(), SOL_SOCKET, SO_DOMAIN, &family, &length);
  return family == AF_INET || family == AF_INET6;
}

Fd Stream::release() {
  is_reading_ = false;
  wants_room_ = false;
  handle_.reset();
  return std::move(fd_);
}

}  // namespace tako::uv
