// Plain socket calls; nothing of libsystemd, so that both ends are not the same code.
#include "tests/support/service_manager.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tako::test {
namespace {

[[noreturn]] void fail_at(const std::string& what) {
  throw TestFailure(what + ": " + std::strerror(errno));
}

sockaddr_un unix_address(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw TestFailure("path too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int open_socket(int family, int type) {
  const int fd = ::socket(family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_at("socket");
  return fd;
}

template <typename Address>
void bind_to(int fd, const Address& address) {
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail_at("bind");
}

Endpoint bound_port(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail_at("getsockname");
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

}  // namespace

ListeningSocket::ListeningSocket(const Endpoint& endpoint) : endpoint_(endpoint) {
  if (endpoint.starts_with(kUnixPrefix)) {
    socket_ = Socket(open_socket(AF_UNIX, SOCK_STREAM));
    bind_to(socket_.fd(), unix_address(std::string_view(endpoint).substr(kUnixPrefix.size())));
  } else {
    socket_ = Socket(open_socket(AF_INET, SOCK_STREAM));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind_to(socket_.fd(), address);
    endpoint_ = bound_port(socket_.fd());
  }
  if (::listen(socket_.fd(), SOMAXCONN) != 0) fail_at("listen");
}

Socket ListeningSocket::accept(Duration bound) const {
  pollfd waiting{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(bound.count())) <= 0) throw TestFailure("nobody connects");
  const int fd = accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) fail_at("accept");
  return Socket(fd);
}

NotifySocket::NotifySocket(const TempDir& folder)
    : socket_(open_socket(AF_UNIX, SOCK_DGRAM)), path_(folder.file("notify")) {
  bind_to(socket_.fd(), unix_address(path_));
}

std::map<std::string, std::string> NotifySocket::environment(Duration watchdog) const {
  std::map<std::string, std::string> variables{{"NOTIFY_SOCKET", path_}};
  if (watchdog.count() > 0) variables["WATCHDOG_USEC"] = std::to_string(watchdog.count() * 1'000);
  return variables;
}

std::string NotifySocket::next(Duration bound) {
  pollfd waiting{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(bound.count())) <= 0) return {};
  std::array<char, 4'096> buffer{};
  const ssize_t size = recv(socket_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

void NotifySocket::wait_for(std::string_view line) {
  const std::string wanted = "\n" + std::string(line) + "\n";
  std::string heard;
  const Deadline deadline = deadline_in(kPatience);
  while (const int left = poll_timeout(deadline)) {
    const std::string datagram = next(Duration(left));
    if (("\n" + datagram + "\n").find(wanted) != std::string::npos) return;
    heard += datagram + "; ";
  }
  throw TestFailure("the program never told " + std::string(line) + ", but: " + heard);
}

void NotifySocket::forget() {
  while (!next(Duration(0)).empty()) {
  }
}

}  // namespace tako::test
