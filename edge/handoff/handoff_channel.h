// HandoffChannel: the frames of proto/handoff.proto between two edges, and what both sides share.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/log.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "common/uv/fd_channel.h"
#include "common/uv/loop.h"
#include "edge/handoff/edge_listeners.h"
#include "edge/server/edge_server.h"

namespace tako::proto {
class HandoffFrame;
}

namespace tako::edge {

inline constexpr std::uint32_t kHandoffVersionMin = 1;
inline constexpr std::uint32_t kHandoffVersionMax = 1;

// How far this edge has applied the broker's control stream.
struct ControlPosition {
  std::uint64_t stream = 0;
  std::uint64_t applied = 0;
};

struct HandoffCounters {
  std::uint64_t given = 0;          // clients that a successor has taken
  std::uint64_t taken = 0;          // clients that came from a predecessor
  std::uint64_t taken_back = 0;     // packed, and served on here
  std::uint64_t refused = 0;        // the successor could not go on with them
  std::uint64_t failed = 0;         // handoffs that ended before their end
  std::uint64_t peers_refused = 0;  // on the handoff socket: another user, garbage, a wrong version
};

// All outlive the handoff.
struct HandoffParts {
  uv::Loop& loop;
  EdgeServer& server;
  EdgeListeners& listeners;
  const RuntimeLimits& limits;
  LimitCounters& limit_counters;
  HandoffCounters& counters;
  Log& log;
  std::function<ControlPosition()> control;
};

// After each of these calls the channel may be gone.
class HandoffChannelObserver {
 public:
  virtual void on_handoff_frame(proto::HandoffFrame& frame, std::vector<uv::Fd> fds) = 0;
  virtual void on_handoff_closed(const Error& error) = 0;

 protected:
  ~HandoffChannelObserver() = default;
};

// For a channel that says one thing and ends.
class DeafHandoffObserver final : public HandoffChannelObserver {
 public:
  void on_handoff_frame(proto::HandoffFrame& /*frame*/, std::vector<uv::Fd> /*fds*/) override {}
  void on_handoff_closed(const Error& /*error*/) override {}
};

class HandoffChannel final : private uv::FdChannelObserver {
 public:
  // Takes over a connected socket.
  HandoffChannel(uv::Loop& loop, uv::Fd socket, std::size_t frame_bytes_max,
                 HandoffChannelObserver& observer)
      : observer_(observer), channel_(loop, std::move(socket), frame_bytes_max, *this) {}

  void send(const proto::HandoffFrame& frame, std::span<const int> fds = {});
  // The last word; destroy the channel behind it.
  void refuse(std::string_view reason);

 private:
  void on_frame(std::string_view payload, std::vector<uv::Fd> fds) override;
  void on_closed(const Error& error) override { observer_.on_handoff_closed(error); }

  HandoffChannelObserver& observer_;
  uv::FdChannel channel_;
};

}  // namespace tako::edge
