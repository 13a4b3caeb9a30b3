// Listening sockets that the process was started with: socket activation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/uv/socket.h"

namespace tako::service {

// What $LISTEN_FDS names, when $LISTEN_PID says that it is for this process (sd_listen_fds(3)).
// Such a socket belongs to the service manager: its file is not ours to remove, and what connects
// while nobody accepts waits in its queue for the next process.
class InheritedSockets {
 public:
  // Call it once, early in main(), before other threads: it takes the variables away, so that a
  // process which this one starts does not take them for its own. Error (ConfigInvalid): a
  // descriptor that is not a listening stream socket.
  [[nodiscard]] static Result<InheritedSockets> take_over();

  // The socket called `name` (FileDescriptorName= of the unit), else the one bound to `address`.
  [[nodiscard]] std::optional<uv::Fd> take(std::string_view name, const uv::Address& address);
  // Those that nobody took.
  [[nodiscard]] std::vector<uv::Fd> take_rest();

  [[nodiscard]] bool empty() const noexcept { return sockets_.empty(); }
  // What is still here, for people: "'x' (unix:/run/x.sock)".
  [[nodiscard]] std::string describe() const;

 private:
  struct Socket {
    std::string name;  // "unknown" when nobody said it
    uv::Fd fd;         // non-blocking and close-on-exec
  };

  std::vector<Socket> sockets_;
};

}  // namespace tako::service
