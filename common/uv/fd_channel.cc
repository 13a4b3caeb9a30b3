// recvmsg and sendmsg with SCM_RIGHTS, and the frames around them.
#include "common/uv/fd_channel.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "common/uv/loop.h"

namespace tako::uv {

namespace {

constexpr std::size_t kHeaderBytes = 8;

struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFrameFdsMax * sizeof(int))> bytes;
};

void append_u32(std::string& out, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xFFU);
  }
}

std::size_t read_u32(std::string_view bytes) {
  std::size_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

FdChannel::FdChannel(Loop& loop, Fd socket, std::size_t frame_bytes_max,
                     FdChannelObserver& observer)
    : fd_(std::move(socket)), frame_bytes_max_(frame_bytes_max), observer_(observer) {
  auto handle = std::make_unique<uv_poll_s>();
  TAKO_CHECK(uv_poll_init(loop.raw(), handle.get(), fd_.get()) == 0);
  handle->data = this;
  handle_.reset(handle.release());
  watch();
}

FdChannel::~FdChannel() = default;

void FdChannel::watch() {
  const int wanted = is_broken_ ? 0 : UV_READABLE | (outgoing_.empty() ? 0 : UV_WRITABLE);
  if (wanted == watched_) return;
  watched_ = wanted;
  uv_poll_start(handle_.get(), wanted, on_event);  // With 0 it stops.
}

// The observer's calls come last: each may destroy *self.
void FdChannel::on_event(uv_poll_s* handle, int status, int events) noexcept {
  auto* self = static_cast<FdChannel*>(handle->data);
  if (self == nullptr) return;
  if (status < 0) self->watched_ = 0;  // EPOLLERR: libuv has stopped; reading says what is wrong.
  if ((events & UV_WRITABLE) != 0) self->flush();
  self->watch();
  // Also when nothing is readable but the peer is gone: reading finds out how.
  if (!self->is_broken_) self->read_once();
}

void FdChannel::read_once() {
  const std::span<std::byte> buffer = Loop::of(handle_->loop).receive_buffer();
  ControlBuffer control;
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t count = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    return fail(count == 0 ? Error{ErrorCode::Unavailable, "the other side has hung up", 0}
                           : errno_error(ErrorCode::Unavailable, "receive", errno));
  }
  bool is_cut = (message.msg_flags & MSG_CTRUNC) != 0;
  take_descriptors(&message, is_cut);
  // What did not fit was dropped by the kernel: the peer still has it, this frame is void.
  if (is_cut) {
    return fail({ErrorCode::LimitReached, "no room for more file descriptors", 0});
  }
  received_.append(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(count));
  parse();
}

void FdChannel::take_descriptors(void* message, bool& is_cut) {
  auto* header = static_cast<msghdr*>(message);
  for (cmsghdr* part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      received_fds_.emplace_back(fd);
    }
  }
  // One frame is on its way at most, and the next one's first byte may have come along.
  if (received_fds_.size() > 2 * kFrameFdsMax) is_cut = true;
}

void FdChannel::parse() {
  uv_poll_s* const handle = handle_.get();
  while (received_.size() >= kHeaderBytes) {
    const std::size_t length = read_u32(received_);
    const std::size_t fds = read_u32(std::string_view(received_).substr(4));
    if (length > frame_bytes_max_) {
      return fail({ErrorCode::PayloadTooLarge, "a frame of the handoff is too large", 0});
    }
    if (fds > kFrameFdsMax || (fds > 0 && fds > received_fds_.size())) {
      return fail({ErrorCode::ProtocolError, "a frame's descriptors are missing", 0});
    }
    if (received_.size() < kHeaderBytes + length) return;
    const std::string payload = received_.substr(kHeaderBytes, length);
    received_.erase(0, kHeaderBytes + length);
    std::vector<Fd> taken;
    taken.reserve(fds);
    for (std::size_t i = 0; i < fds; ++i) {
      taken.push_back(std::move(received_fds_.front()));
      received_fds_.pop_front();
    }
    observer_.on_frame(payload, std::move(taken));
    if (handle->data == nullptr) return;  // The observer has destroyed this.
  }
}

void FdChannel::send(std::string_view payload, std::span<const int> fds) {
  TAKO_CHECK(fds.size() <= kFrameFdsMax && payload.size() <= UINT32_MAX);
  if (is_broken_) return;
  Outgoing& frame = outgoing_.emplace_back();
  frame.bytes.reserve(kHeaderBytes + payload.size());
  append_u32(frame.bytes, payload.size());
  append_u32(frame.bytes, fds.size());
  frame.bytes += payload;
  frame.fds.assign(fds.begin(), fds.end());
  flush();
  watch();
}

void FdChannel::flush() {
  while (!outgoing_.empty() && send_some(outgoing_.front())) outgoing_.pop_front();
}

// True when the frame is sent whole. What can't be sent at all, because the peer is gone or too
// many descriptors are under way, ends the channel: the loop is about to read the end.
bool FdChannel::send_some(Outgoing& frame) {
  while (frame.sent < frame.bytes.size()) {
    iovec piece{frame.bytes.data() + frame.sent, frame.bytes.size() - frame.sent};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    ControlBuffer control;
    if (!frame.fds.empty()) {
      message.msg_control = control.bytes.data();
      message.msg_controllen = CMSG_SPACE(frame.fds.size() * sizeof(int));
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(frame.fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), frame.fds.data(), frame.fds.size() * sizeof(int));
    }
    const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == ENOBUFS)) return false;  // No room.
    if (count < 0) {
      ::shutdown(fd_.get(), SHUT_RDWR);
      return true;
    }
    frame.fds.clear();
    frame.sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::size_t FdChannel::pending_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const Outgoing& frame : outgoing_) bytes += frame.bytes.size() - frame.sent;
  return bytes;
}

std::optional<PeerCredentials> FdChannel::credentials() const {
  return peer_credentials(fd_.get());
}

void FdChannel::fail(const Error& error) {
  is_broken_ = true;
  outgoing_.clear();
  watch();
  observer_.on_closed(error);
}

std::optional<Fd> connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return std::nullopt;
  // A unix socket connects at once, or not at all (a full backlog: EAGAIN).
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::nullopt;
  }
  return fd;
}

}  // namespace tako::uv
