// POSIX sockets behind poll(2).
#include "tests/support/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

bool wait_for(int fd, short events, Deadline deadline) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    const int ready = poll(&entry, 1, poll_timeout(deadline));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw TestFailure(std::string("poll: ") + std::strerror(errno));
  }
}

template <typename Address>
Socket open_and_connect(const Address& address, int receive_buffer) {
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  Socket socket(::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) throw TestFailure(std::string("socket: ") + std::strerror(errno));
  if (receive_buffer > 0) {
    setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (::connect(socket.fd(), generic, sizeof address) != 0) return Socket();
  return socket;
}

Socket try_unix(std::string_view path, int receive_buffer) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw TestFailure("unix socket path too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return open_and_connect(address, receive_buffer);
}

Socket try_tcp(std::string_view endpoint, int receive_buffer) {
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) {
    throw TestFailure("not an endpoint: " + std::string(endpoint));
  }
  std::string host(endpoint.substr(0, colon));
  const auto port = static_cast<in_port_t>(std::stoi(std::string(endpoint.substr(colon + 1))));
  Socket socket;
  if (host.starts_with('[')) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address.sin6_addr);
    socket = open_and_connect(address, receive_buffer);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    socket = open_and_connect(address, receive_buffer);
  }
  const int on = 1;
  if (socket.is_open()) setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

Socket try_connect(const Endpoint& endpoint, int receive_buffer) {
  const std::string_view text(endpoint);
  if (text.starts_with(kUnixPrefix)) {
    return try_unix(text.substr(kUnixPrefix.size()), receive_buffer);
  }
  return try_tcp(text, receive_buffer);
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

Socket Socket::connect(const Endpoint& endpoint, int receive_buffer) {
  Socket socket = try_connect(endpoint, receive_buffer);
  if (!socket.is_open()) {
    throw TestFailure("cannot connect to " + endpoint);
  }
  return socket;
}

bool Socket::reachable(const Endpoint& endpoint) { return try_connect(endpoint, 0).is_open(); }

std::size_t Socket::offer(std::string_view bytes, Duration bound) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    // The bound holds for each step, so a large body to a slow machine is no failure.
    if (!wait_for(fd_, POLLOUT, deadline_in(bound))) break;
    const std::string_view rest = bytes.substr(written);
    const ssize_t count = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  return written;
}

void Socket::write(std::string_view bytes, Duration bound) {
  const std::size_t written = offer(bytes, bound);
  if (written == bytes.size()) return;
  throw TestFailure("the peer took " + std::to_string(written) + " of " +
                    std::to_string(bytes.size()) + " bytes");
}

ReadResult Socket::read(Duration bound) {
  using Kind = ReadResult::Kind;
  const Deadline deadline = deadline_in(bound);
  std::array<char, 65536> buffer;
  for (;;) {
    if (!wait_for(fd_, POLLIN, deadline)) return {.kind = Kind::Timeout, .bytes = {}};
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) {
      return {.kind = Kind::Bytes, .bytes = {buffer.data(), static_cast<std::size_t>(count)}};
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    return {.kind = Kind::Closed, .bytes = {}};
  }
}

bool Socket::closed_by_peer(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  for (;;) {
    const ReadResult result = read(Duration(poll_timeout(deadline)));
    if (result.kind != ReadResult::Kind::Bytes) return result.is_closed();
  }
}

void Socket::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

void Socket::close() {
  if (fd_ >= 0) ::close(release());
}

void Socket::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

}  // namespace tako::test
