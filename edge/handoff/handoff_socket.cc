// A unix socket for one's own user.
#include "edge/handoff/handoff_socket.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

namespace tako::edge {
namespace {

constexpr mode_t kOwnerOnly = 0600;

}  // namespace

std::string handoff_path(const config::EdgeConfig& config) {
  return std::filesystem::path(config.link).replace_filename(config.name + ".handoff").string();
}

Result<void> HandoffSocket::listen(const std::string& path) {
  Result<uv::Fd> socket =
      uv::open_listening_socket(uv::UnixAddress{path}, {.unix_mode = kOwnerOnly});
  if (!socket) return std::unexpected(socket.error());
  adopt(std::move(*socket), true);
  return {};
}

void HandoffSocket::adopt(uv::Fd listening_socket, bool owns_file) {
  listener_ = std::make_unique<uv::Listener>(
      loop_, std::move(listening_socket), counters_,
      [this](std::unique_ptr<uv::Stream> stream) { on_connection(std::move(stream)); });
  if (owns_file) listener_->own_file();
}

void HandoffSocket::leave() {
  if (listener_ != nullptr) listener_->keep_file();
  listener_.reset();
}

void HandoffSocket::on_connection(std::unique_ptr<uv::Stream> stream) {
  const auto peer = stream->credentials();
  if (!peer || (peer->uid != geteuid() && peer->uid != 0)) {
    on_stranger_(peer ? peer->uid : UINT32_MAX);
    return;
  }
  on_peer_(stream->release());
}

}  // namespace tako::edge
