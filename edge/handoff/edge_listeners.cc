// Clients' listeners, the admin address, the handoff socket.
#include "edge/handoff/edge_listeners.h"

#include "common/http/server.h"

namespace tako::edge {

std::vector<EdgeListeners::Entry> EdgeListeners::all() const {
  std::vector<Entry> entries;
  for (const auto& listener : server_.http_server().listeners()) {
    entries.push_back({ListenerKind::Clients, listener.get()});
  }
  for (const auto& listener : admin_.server().listeners()) {
    entries.push_back({ListenerKind::Admin, listener.get()});
  }
  if (handoff_.listener() != nullptr)
    entries.push_back({ListenerKind::Handoff, handoff_.listener()});
  return entries;
}

void EdgeListeners::pause() {
  server_.http_server().pause_listening();
  admin_.server().pause_listening();
  if (handoff_.listener() != nullptr) handoff_.listener()->pause();
}

void EdgeListeners::resume() {
  server_.http_server().resume_listening();
  admin_.server().resume_listening();
  if (handoff_.listener() != nullptr) handoff_.listener()->resume();
}

void EdgeListeners::leave() {
  server_.http_server().leave_listening();
  admin_.server().leave_listening();
  handoff_.leave();
}

}  // namespace tako::edge
