// EdgeListeners: all listening sockets of an edge as one, for its successor.
#pragma once

#include <vector>

#include "common/config/admin.h"
#include "common/uv/listener.h"
#include "edge/handoff/handoff_socket.h"
#include "edge/server/edge_server.h"

namespace tako::edge {

// As ListenerRole of proto/handoff.proto.
enum class ListenerKind : std::uint8_t { Unknown, Clients, Admin, Handoff };

class EdgeListeners {
 public:
  // All outlive it.
  EdgeListeners(EdgeServer& server, AdminServer& admin, HandoffSocket& handoff)
      : server_(server), admin_(admin), handoff_(handoff) {}

  struct Entry {
    ListenerKind kind;
    const uv::Listener* listener;
  };
  [[nodiscard]] std::vector<Entry> all() const;
  // Nothing is accepted until resume(): connections wait in the kernel.
  void pause();
  void resume();
  // Another process goes on with them: closed here, their files stay.
  void leave();

 private:
  EdgeServer& server_;
  AdminServer& admin_;
  HandoffSocket& handoff_;
};

}  // namespace tako::edge
