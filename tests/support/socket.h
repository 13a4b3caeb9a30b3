// A blocking client socket with bounds: every read and write ends, with bytes or with the reason.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tests/support/wait.h"

namespace tako::test {

// Where a server listens: "127.0.0.1:8080", "[::1]:8080" or "unix:/path/to.sock".
using Endpoint = std::string;

constexpr std::string_view kUnixPrefix = "unix:";

struct ReadResult {
  enum class Kind { Bytes, Closed, Timeout };
  Kind kind = Kind::Timeout;
  std::string bytes;

  [[nodiscard]] bool is_closed() const { return kind == Kind::Closed; }
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept : fd_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Throws TestFailure when nobody listens. `receive_buffer` bytes, if not 0, bound what the kernel
  // takes for a client that never reads.
  [[nodiscard]] static Socket connect(const Endpoint& endpoint, int receive_buffer = 0);
  // True when a connection can be made.
  [[nodiscard]] static bool reachable(const Endpoint& endpoint);

  // Writes all of `bytes`; throws when the peer has closed or does not take them in time.
  void write(std::string_view bytes, Duration bound = kPatience);
  // Writes what the peer takes until it closes, refuses or stops reading for `bound`; returns how
  // much that was. For servers that are right to hang up in the middle.
  std::size_t offer(std::string_view bytes, Duration bound = kPatience);
  // Waits for bytes, the end (also a reset), or the bound.
  [[nodiscard]] ReadResult read(Duration bound = kPatience);
  // True when the peer ends the connection within the bound; what it still sends is dropped.
  [[nodiscard]] bool closed_by_peer(Duration bound = kPatience);

  void shutdown_write();
  void close();
  // Closes with a RST instead of a FIN, as a peer that crashed.
  void reset();
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

  int fd_ = -1;
};

}  // namespace tako::test
