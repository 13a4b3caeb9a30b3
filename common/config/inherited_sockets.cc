// Reads $LISTEN_FDS and makes the descriptors what the listeners expect.
#include "common/config/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <memory>

namespace tako::service {
namespace {

struct FreeNames {
  void operator()(char** names) const noexcept {
    if (names == nullptr) return;
    for (char** name = names; *name != nullptr; ++name) release(*name);
    release(static_cast<void*>(names));
  }
  // libsystemd gives memory of malloc().
  static void release(void* memory) noexcept {
    std::free(memory);  // NOLINT(cppcoreguidelines-owning-memory,cppcoreguidelines-no-malloc)
  }
};

bool makes_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace

Result<std::vector<InheritedSocket>> take_inherited_sockets() {
  char** raw_names = nullptr;
  const int count = sd_listen_fds_with_names(1, &raw_names);
  const std::unique_ptr<char*, FreeNames> names(raw_names);
  if (count < 0)
    return fail(ErrorCode::ConfigInvalid, "LISTEN_FDS or LISTEN_FDNAMES make no sense");
  std::vector<InheritedSocket> sockets;
  sockets.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    sockets.push_back({.name = raw_names[i], .fd = uv::Fd(SD_LISTEN_FDS_START + i)});
  }
  for (const InheritedSocket& socket : sockets) {
    if (sd_is_socket(socket.fd.get(), AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
        !makes_nonblocking(socket.fd.get())) {
      return fail(ErrorCode::ConfigInvalid,
                  "the inherited descriptor '" + socket.name +
                      "' is not a listening stream socket: ListenStream= and Accept=no make one");
    }
  }
  return sockets;
}

}  // namespace tako::service
