// Sockets as file descriptors: ownership, addresses, options. No event loop.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/result.h"

namespace tako::uv {

// Owns a file descriptor.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct TcpAddress {
  std::string host;  // IPv4, or IPv6 without brackets; for connecting also a name
  std::uint16_t port = 0;
  bool operator==(const TcpAddress&) const = default;
};
struct UnixAddress {
  std::string path;  // at most 107 bytes: sun_path
  bool operator==(const UnixAddress&) const = default;
};
using Address = std::variant<TcpAddress, UnixAddress>;

// "127.0.0.1:8080", "[::1]:8080", "host:80", "unix:/run/x.sock". Error: ConfigInvalid, with the
// fix.
[[nodiscard]] Result<Address> parse_address(std::string_view text);
// The inverse.
[[nodiscard]] std::string to_string(const Address& address);

// The two ends of a connected or bound socket, as the kernel knows them. For an IPv4 client on a
// dual-stack socket the host is the IPv4 form.
[[nodiscard]] Result<Address> local_address(int fd);
[[nodiscard]] Result<Address> remote_address(int fd);

// Who is at the other end of a unix socket (SO_PEERCRED, fixed when it connected).
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
[[nodiscard]] std::optional<PeerCredentials> peer_credentials(int fd);

// Text of an errno, as an Error of the given code: "listen on 127.0.0.1:80: Permission denied".
[[nodiscard]] Error errno_error(ErrorCode code, std::string_view doing, int error_number);

// Options of every connected socket: TCP_NODELAY, and TCP_NOTSENT_LOWAT, because the kernel would
// else take 4 MB for a slow reader before we see it. No effect on unix sockets.
void tune_connected(int fd) noexcept;

}  // namespace tako::uv
