// Reads $LISTEN_FDS and makes the descriptors what the listeners expect.
#include "common/config/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

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

Result<InheritedSockets> InheritedSockets::take_over() {
  char** raw_names = nullptr;
  const int count = sd_listen_fds_with_names(1, &raw_names);
  const std::unique_ptr<char*, FreeNames> names(raw_names);
  if (count < 0)
    return fail(ErrorCode::ConfigInvalid, "LISTEN_FDS or LISTEN_FDNAMES make no sense");
  InheritedSockets all;
  all.sockets_.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    all.sockets_.push_back({.name = raw_names[i], .fd = uv::Fd(SD_LISTEN_FDS_START + i)});
  }
  for (const Socket& socket : all.sockets_) {
    if (sd_is_socket(socket.fd.get(), AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
        !makes_nonblocking(socket.fd.get())) {
      return fail(ErrorCode::ConfigInvalid,
                  "the inherited descriptor '" + socket.name +
                      "' is not a listening stream socket: ListenStream= and Accept=no make one");
    }
  }
  return all;
}

std::optional<uv::Fd> InheritedSockets::take(std::string_view name, const uv::Address& address) {
  auto found = std::ranges::find(sockets_, name, &Socket::name);
  if (found == sockets_.end()) {
    found = std::ranges::find_if(sockets_, [&](const Socket& socket) {
      const Result<uv::Address> bound = uv::local_address(socket.fd.get());
      return bound && *bound == address;
    });
  }
  if (found == sockets_.end()) return std::nullopt;
  uv::Fd fd = std::move(found->fd);
  sockets_.erase(found);
  return fd;
}

std::vector<uv::Fd> InheritedSockets::take_rest() {
  std::vector<uv::Fd> rest;
  rest.reserve(sockets_.size());
  for (Socket& socket : sockets_) rest.push_back(std::move(socket.fd));
  sockets_.clear();
  return rest;
}

std::string InheritedSockets::describe() const {
  std::string text;
  for (const Socket& socket : sockets_) {
    const Result<uv::Address> bound = uv::local_address(socket.fd.get());
    text += (text.empty() ? "'" : ", '") + socket.name + "'";
    if (bound) text += " (" + uv::to_string(*bound) + ")";
  }
  return text;
}

}  // namespace tako::service
