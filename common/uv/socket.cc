// Parses and prints addresses, and sets what every socket of ours needs.
#include "common/uv/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <system_error>

#include "common/limits.h"

namespace tako::uv {

namespace {

constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

Result<std::uint16_t> parse_port(std::string_view text, std::string_view whole) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return fail(
        ErrorCode::ConfigInvalid,
        "\"" + std::string(whole) + "\" has no port between 0 and 65535 behind the last ':'");
  }
  return port;
}

std::string ip_text(const sockaddr_in6& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

Result<Address> from_kernel(const sockaddr_storage& storage, socklen_t length) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return TcpAddress{text.data(), ntohs(address.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    return TcpAddress{ip_text(address), ntohs(address.sin6_port)};
  }
  if (storage.ss_family == AF_UNIX) {
    sockaddr_un address{};
    std::memcpy(&address, &storage, sizeof address);
    // An unnamed socket (a client's) has no path: only the family was written.
    const std::size_t path_room = length - offsetof(sockaddr_un, sun_path);
    return UnixAddress{std::string(address.sun_path, strnlen(address.sun_path, path_room))};
  }
  return fail(ErrorCode::Internal, "a socket that is neither TCP nor unix");
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Address> parse_address(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.substr(kUnix.size());
    if (path.empty() || path.size() > kUnixPathMax || path.find('\0') != path.npos) {
      return fail(ErrorCode::ConfigInvalid,
                  "\"" + std::string(text) + "\": a unix socket's path has 1 to 107 bytes");
    }
    return UnixAddress{std::string(path)};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) {
    return fail(ErrorCode::ConfigInvalid, "\"" + std::string(text) +
                                              "\" is no address: write HOST:PORT, [IPV6]:PORT or "
                                              "unix:PATH");
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]/ ") != host.npos) {
    return fail(ErrorCode::ConfigInvalid,
                "\"" + std::string(text) + "\": an IPv6 address stands in brackets, [::1]:8080");
  }
  const Result<std::uint16_t> port = parse_port(text.substr(colon + 1), text);
  if (!port) return std::unexpected(port.error());
  return TcpAddress{std::string(host), *port};
}

std::string to_string(const Address& address) {
  if (const auto* local = std::get_if<UnixAddress>(&address)) return "unix:" + local->path;
  const auto& tcp = std::get<TcpAddress>(address);
  const bool is_ipv6 = tcp.host.find(':') != tcp.host.npos;
  return (is_ipv6 ? "[" + tcp.host + "]" : tcp.host) + ":" + std::to_string(tcp.port);
}

Result<Address> local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return std::unexpected(errno_error(ErrorCode::Internal, "local address of a socket", errno));
  }
  return from_kernel(storage, length);
}

Result<Address> remote_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return std::unexpected(errno_error(ErrorCode::Unavailable, "address of a peer", errno));
  }
  return from_kernel(storage, length);
}

std::optional<PeerCredentials> peer_credentials(int fd) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return std::nullopt;
  if (credentials.pid == 0) return std::nullopt;  // Not a unix socket.
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Error errno_error(ErrorCode code, std::string_view doing, int error_number) {
  Error error;
  error.code = code;
  error.detail = std::string(doing) + ": " + std::generic_category().message(error_number);
  return error;
}

void tune_connected(int fd) noexcept {
  const int on = 1;
  const int unsent = limits::kSocketUnsentBytesMax;
  // Both fail on a unix socket, which has neither delay nor autotuned buffers.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

}  // namespace tako::uv
