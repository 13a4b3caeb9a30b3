// Frames and descriptors, blocking, with bounds.
#include "tests/support/handoff_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tako::test {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kFdsMax = 253;

std::string u32(std::size_t value) {
  std::string out;
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    out += static_cast<char>(value >> (shift - 8) & 0xFFU);
  }
  return out;
}

std::size_t read_u32(std::string_view text) {
  std::size_t value = 0;
  for (const char byte : text.substr(0, 4)) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw TestFailure("path too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool wait_readable(int fd, Deadline deadline) {
  pollfd look{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&look, 1, poll_timeout(deadline)) > 0;
}

}  // namespace

ProtoFields::ProtoFields(std::string_view text) {
  for (ProtoField& field : read_proto(text)) {
    const int number = static_cast<int>(field.field);
    numbers_[number] = field.number;
    texts_.emplace(number, std::move(field.bytes));
  }
}

std::uint64_t ProtoFields::number(int field) const {
  const auto found = numbers_.find(field);
  return found == numbers_.end() ? 0 : found->second;
}

std::string ProtoFields::text(int field) const {
  const auto found = texts_.find(field);
  return found == texts_.end() ? std::string() : found->second;
}

HandoffPeer HandoffPeer::connect(const std::string& path) {
  const sockaddr_un address = address_of(path);
  HandoffPeer peer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(peer.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw TestFailure("nobody listens at " + path);
  }
  return peer;
}

HandoffPeer::HandoffPeer(HandoffPeer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      received_(std::move(other.received_)),
      received_fds_(std::exchange(other.received_fds_, {})) {}

void HandoffPeer::send(HandoffKind kind, const ProtoMessage& body, const std::vector<int>& fds) {
  const std::string payload = ProtoMessage().message(static_cast<std::uint32_t>(kind), body).wire();
  std::string bytes = u32(payload.size()) + u32(fds.size()) + payload;
  iovec piece{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFdsMax * sizeof(int))> control{};
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size())) throw TestFailure("the edge takes no frame");
}

void HandoffPeer::send_raw(std::string_view bytes) {
  if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
    throw TestFailure("the edge takes no bytes");
  }
}

bool HandoffPeer::read_some(Deadline deadline) {
  if (!wait_readable(fd_, deadline)) throw TestFailure("no handoff frame in time");
  std::array<char, 65'536> buffer{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFdsMax * sizeof(int))> control{};
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
  if (count <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t fds = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < fds; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      received_fds_.push_back(fd);
    }
  }
  return true;
}

std::optional<HandoffMessage> HandoffPeer::receive(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  const auto is_whole = [this] {
    return received_.size() >= kHeaderBytes &&
           received_.size() >= kHeaderBytes + read_u32(received_);
  };
  while (!is_whole()) {
    if (!read_some(deadline)) return std::nullopt;
  }
  const std::size_t length = read_u32(received_);
  const std::size_t fds = read_u32(std::string_view(received_).substr(4));
  const auto fields = read_proto(std::string_view(received_).substr(kHeaderBytes, length));
  if (fields.size() != 1) throw TestFailure("a handoff frame that is none");
  HandoffMessage message;
  message.kind = static_cast<HandoffKind>(fields.front().field);
  message.body = fields.front().bytes;
  received_.erase(0, kHeaderBytes + length);
  const auto end = received_fds_.begin() + static_cast<std::ptrdiff_t>(fds);
  message.fds.assign(received_fds_.begin(), end);
  received_fds_.erase(received_fds_.begin(), end);
  return message;
}

HandoffMessage HandoffPeer::expect(HandoffKind kind, Duration bound) {
  std::optional<HandoffMessage> message = receive(bound);
  if (!message) throw TestFailure("the other side of the handoff hung up");
  if (message->kind != kind) {
    throw TestFailure("handoff frame " + std::to_string(static_cast<int>(message->kind)) +
                      " in place of " + std::to_string(static_cast<int>(kind)) + ": " +
                      message->fields().text(1));
  }
  return std::move(*message);
}

bool HandoffPeer::ends(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  try {
    while (read_some(deadline)) received_.clear();
    return true;
  } catch (const TestFailure&) {
    return false;
  }
}

void HandoffPeer::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  close_all(std::exchange(received_fds_, {}));
}

HandoffHost::HandoffHost(const std::string& path) : path_(path) {
  const sockaddr_un address = address_of(path);
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd_, 8) != 0) {
    throw TestFailure("can't listen at " + path);
  }
}

HandoffHost::~HandoffHost() {
  ::close(fd_);
  unlink(path_.c_str());
}

HandoffPeer HandoffHost::accept(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  while (wait_readable(fd_, deadline)) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    char byte = 0;
    if (fd >= 0 && wait_readable(fd, deadline) && recv(fd, &byte, 1, MSG_PEEK) > 0) {
      return HandoffPeer(fd);
    }
    ::close(fd);
  }
  throw TestFailure("no successor has come");
}

ProtoMessage hello_of(std::uint64_t version_min, std::uint64_t version_max,
                      std::uint64_t descriptors) {
  return ProtoMessage()
      .number(1, version_min)
      .number(2, version_max)
      .bytes(3, "test")
      .number(4, static_cast<std::uint64_t>(getpid()))
      .number(5, descriptors);
}

ProtoMessage number_of(std::uint64_t number) { return ProtoMessage().number(1, number); }

void close_all(const std::vector<int>& fds) {
  for (const int fd : fds) ::close(fd);
}

}  // namespace tako::test
