// Frames to bytes and back.
#include "edge/handoff/handoff_channel.h"

#include "proto/handoff.pb.h"

namespace tako::edge {

void HandoffChannel::send(const proto::HandoffFrame& frame, std::span<const int> fds) {
  channel_.send(frame.SerializeAsString(), fds);
}

void HandoffChannel::refuse(std::string_view reason) {
  proto::HandoffFrame frame;
  frame.mutable_refused()->set_reason(std::string(reason));
  send(frame);
}

void HandoffChannel::on_frame(std::string_view payload, std::vector<uv::Fd> fds) {
  proto::HandoffFrame frame;
  if (!frame.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return observer_.on_handoff_closed({ErrorCode::ProtocolError, "a malformed frame", 0});
  }
  observer_.on_handoff_frame(frame, std::move(fds));
}

}  // namespace tako::edge
