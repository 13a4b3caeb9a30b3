// A table without order: who goes is replaced by the last one.
#include "edge/server/live_clients.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "edge/server/event_stream_connection.h"
#include "edge/server/websocket_connection.h"
#include "proto/handoff.pb.h"

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
  const std::unique_ptr<ClientSocket> over = take(slot);
}

std::unique_ptr<ClientSocket> LiveClients::take(std::size_t slot) {
  std::unique_ptr<ClientSocket> taken = std::move(clients_[slot]);
  if (slot + 1 < clients_.size()) {
    clients_[slot] = std::move(clients_.back());
    clients_[slot]->set_slot(slot);
  }
  clients_.pop_back();
  return taken;
}

// From the end, for the same reason as below.
void LiveClients::pack(std::vector<PackedClient>& out, std::size_t count, std::size_t bytes_max) {
  std::size_t bytes = 0;
  for (std::size_t i = clients_.size(); i > 0 && out.size() < count && bytes < bytes_max; --i) {
    ClientSocket& client = *clients_[i - 1];
    const Movability movability = client.movability();
    if (client.is_staying() || movability == Movability::Never) continue;
    if (movability == Movability::Soon) {
      client.hold_input();
      continue;
    }
    PackedClient& packed = out.emplace_back();
    packed.record().set_app(client.app());
    packed.sockets.push_back(client.pack(packed.record()));
    bytes += packed.record().ByteSizeLong();
    const std::unique_ptr<ClientSocket> gone = take(i - 1);
  }
}

void LiveClients::unpack(ClientContext& context, PackedClient packed, bool stays) {
  const proto::ClientRecord& record = packed.record();
  auto stream = std::make_unique<uv::Stream>(context.loop, std::move(packed.sockets.front()));
  std::unique_ptr<ClientSocket> client;
  if (record.has_event_stream()) {
    client = std::make_unique<EventStreamConnection>(
        context, std::move(stream), std::move(packed.handler), record.event_stream().is_chunked());
  } else {
    client = std::make_unique<WebSocketConnection>(context, std::move(stream),
                                                   std::move(packed.handler));
  }
  ClientSocket& added = *client;
  added.set_slot(clients_.size());
  if (stays) added.stay();
  clients_.push_back(std::move(client));
  added.unpack(record);
}

void LiveClients::release_input() {
  for (const auto& client : clients_) client->release_input();
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

void LiveClients::cut_off_closing(std::string_view app) {
  for (const auto& client : clients_) {
    if (client->app() == app) client->cut_off();  // It leaves the table at the turn's end.
  }
}

bool LiveClients::has_unsent() const {
  return std::ranges::any_of(clients_, [](const auto& client) { return client->has_unsent(); });
}

void LiveClients::end_all() {
  while (!clients_.empty()) {
    const std::unique_ptr<ClientSocket> client = std::move(clients_.back());
    clients_.pop_back();
    client->end_now();
  }
}

}  // namespace tako::edge
