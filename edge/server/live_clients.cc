// A table without order: who goes is replaced by the last one.
#include "edge/server/live_clients.h"

#include <utility>

#include "common/check.h"
#include "edge/server/event_stream_connection.h"
#include "edge/server/websocket_connection.h"

namespace tako::edge {

void LiveClients::add_websocket(ClientContext& context, http::TakenStream taken,
                                std::string_view head, std::unique_ptr<ClientHandler> handler) {
  add(std::make_unique<WebSocketConnection>(context, std::move(taken.stream), std::move(handler)),
      head, taken.unread);
}

void LiveClients::add_event_stream(ClientContext& context, http::TakenStream taken,
                                   std::string_view head, std::unique_ptr<ClientHandler> handler,
                                   bool is_chunked) {
  add(std::make_unique<EventStreamConnection>(context, std::move(taken.stream), std::move(handler),
                                              is_chunked),
      head, taken.unread);
}

void LiveClients::add(std::unique_ptr<ClientSocket> client, std::string_view head,
                      std::string_view unread) {
  ClientSocket& added = *client;
  added.set_slot(clients_.size());
  clients_.push_back(std::move(client));
  added.open(head, unread);
}

void LiveClients::on_socket_over(ClientSocket& socket) {
  const std::size_t slot = socket.slot();
  TAKO_CHECK(slot < clients_.size() && clients_[slot].get() == &socket);
  const std::unique_ptr<ClientSocket> over = std::move(clients_[slot]);
  if (slot + 1 < clients_.size()) {
    clients_[slot] = std::move(clients_.back());
    clients_[slot]->set_slot(slot);
  }
  clients_.pop_back();
}

// From the end: who goes meanwhile goes at the end of the turn, not below this loop.
void LiveClients::drain_some(std::size_t count, const std::function<std::int64_t()>& retry_ms) {
  for (std::size_t i = clients_.size(); i > 0 && count > 0; --i) {
    ClientSocket& client = *clients_[i - 1];
    if (client.is_drained()) continue;
    client.drain(retry_ms());
    --count;
  }
}

void LiveClients::end_all() {
  while (!clients_.empty()) {
    const std::unique_ptr<ClientSocket> client = std::move(clients_.back());
    clients_.pop_back();
    client->end_now();
  }
}

}  // namespace tako::edge
