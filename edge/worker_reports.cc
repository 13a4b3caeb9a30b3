// A datagram socket whose senders the kernel names (SO_PASSCRED).
#include "edge/worker_reports.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

namespace tako::edge {
namespace {

constexpr std::size_t kReportsPerTurn = 256;

std::unexpected<Error> failed(std::string_view doing) {
  return std::unexpected(uv::errno_error(ErrorCode::Unavailable, doing, errno));
}

// "@00042": the kernel has chosen it, as a bind to nothing but a family asks.
std::optional<std::string> bind_to_any(int fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof address.sun_family;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, raw, size) != 0) return std::nullopt;
  size = sizeof address;
  if (::getsockname(fd, raw, &size) != 0) return std::nullopt;
  const std::size_t name_size = size - offsetof(sockaddr_un, sun_path);
  return "@" + std::string(address.sun_path + 1, name_size - 1);
}

pid_t sender_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
    return sender.pid;
  }
  return 0;
}

bool has_line(std::string_view text, std::string_view wanted) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (text.substr(0, end) == wanted) return true;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return false;
}

std::optional<WorkerReports::Report> receive(int fd) {
  std::array<char, 4'096> text{};
  // Room for descriptors is not given: the kernel closes what a stranger sends along.
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(ucred))> control{};
  iovec data{.iov_base = text.data(), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return std::nullopt;
  const std::string_view words(text.data(), static_cast<std::size_t>(size));
  return WorkerReports::Report{.pid = sender_of(message), .is_ready = has_line(words, "READY=1")};
}

}  // namespace

Result<WorkerReports> WorkerReports::open() {
  uv::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!socket.is_open() ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return failed("listen to workers");
  }
  auto address = bind_to_any(socket.get());
  if (!address) return failed("listen to workers");
  return WorkerReports(std::move(socket), *std::move(address));
}

std::vector<WorkerReports::Report> WorkerReports::take() {
  std::vector<Report> reports;
  while (reports.size() < kReportsPerTurn) {
    const auto report = receive(socket_.get());
    if (!report) break;
    reports.push_back(*report);
  }
  return reports;
}

}  // namespace tako::edge
