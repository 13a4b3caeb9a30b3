// Listening sockets that the process was started with: socket activation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/uv/socket.h"

namespace tako::service {

struct InheritedSocket {
  std::string name;  // FileDescriptorName= of the unit; "unknown" when nobody said it
  uv::Fd fd;         // listens; non-blocking and close-on-exec by now
};

// What $LISTEN_FDS names, when $LISTEN_PID says that it is for this process (sd_listen_fds(3)).
// Call it once, early in main(), before other threads: it takes the variables away, so that a
// process which this one starts does not take them for its own. Error (ConfigInvalid): a descriptor
// that is not a listening stream socket.
[[nodiscard]] Result<std::vector<InheritedSocket>> take_inherited_sockets();

}  // namespace tako::service
