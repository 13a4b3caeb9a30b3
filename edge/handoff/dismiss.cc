// One frame, and the end.
#include "edge/handoff/dismiss.h"

#include "common/uv/fd_channel.h"
#include "common/uv/loop.h"
#include "edge/handoff/handoff_channel.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
bool dismiss_edge(const std::string& socket_path) {
  std::optional<uv::Fd> socket = uv::connect_unix(socket_path);
  if (!socket) return false;
  uv::Loop loop;
  DeafHandoffObserver deaf;
  HandoffChannel channel(loop, std::move(*socket), 0, deaf);
  proto::HandoffFrame frame;
  frame.mutable_hello()->set_version_min(kHandoffVersionMin);
  frame.mutable_hello()->set_version_max(kHandoffVersionMax);
  frame.mutable_hello()->set_only_leave(true);
  channel.send(frame);  // An empty socket takes a frame of this size at once.
  return true;
}

}  // namespace tako::edge
