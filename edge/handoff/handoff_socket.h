// HandoffSocket: where an edge waits for its successor, NAME.handoff beside the link socket.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/config/config.h"
#include "common/result.h"
#include "common/uv/listener.h"
#include "common/uv/loop.h"

namespace tako::edge {

[[nodiscard]] std::string handoff_path(const config::EdgeConfig& config);

class HandoffSocket {
 public:
  // A process of the same user, or of root, has connected.
  using OnPeer = std::function<void(uv::Fd)>;
  // Another user has: it was hung up on.
  using OnStranger = std::function<void(std::uint32_t uid)>;
  HandoffSocket(uv::Loop& loop, OnPeer on_peer, OnStranger on_stranger)
      : loop_(loop), on_peer_(std::move(on_peer)), on_stranger_(std::move(on_stranger)) {}

  // A stale file is replaced. Errors: AddressInUse (an edge of this name runs), ConfigInvalid.
  [[nodiscard]] Result<void> listen(const std::string& path);
  // A socket that a predecessor has bound and listened on.
  void adopt(uv::Fd listening_socket, bool owns_file);
  // Closed here; the file stays.
  void leave();
  // Null when it does not listen.
  [[nodiscard]] uv::Listener* listener() const noexcept { return listener_.get(); }

 private:
  void on_connection(std::unique_ptr<uv::Stream> stream);

  uv::Loop& loop_;
  OnPeer on_peer_;
  OnStranger on_stranger_;
  uv::ListenerCounters counters_;
  std::unique_ptr<uv::Listener> listener_;
};

}  // namespace tako::edge
