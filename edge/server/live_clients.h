// LiveClients: owns the live WebSockets and event streams, bounds them, and ends them in a drain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "common/http/server_connection.h"
#include "edge/server/client_socket.h"
#include "edge/server/packed_client.h"

namespace tako::edge {

class LiveClients final : public ClientSocketOwner {
 public:
  // `connections_max`: more are refused by whoever asks has_room() first.
  explicit LiveClients(std::size_t connections_max) noexcept : connections_max_(connections_max) {}
  ~LiveClients() { end_all(); }
  LiveClients(const LiveClients&) = delete;
  LiveClients& operator=(const LiveClients&) = delete;

  // For one more, beside `others` that are about to come.
  [[nodiscard]] bool has_room(std::size_t others = 0) const noexcept {
    return clients_.size() + others < connections_max_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }

  // Take over a connection that has left HTTP; `head` is the answer that the client still gets.
  void add_websocket(ClientContext& context, http::TakenStream taken, std::string_view head,
                     std::unique_ptr<ClientHandler> handler);
  void add_event_stream(ClientContext& context, http::TakenStream taken, std::string_view head,
                        std::unique_ptr<ClientHandler> handler, bool is_chunked);

  // The handoff. Takes clients that can move out of the table, until there are `count`, or they
  // have `bytes_max`; of the others those that only wait for an answer are not read meanwhile.
  void pack(std::vector<PackedClient>& out, std::size_t count, std::size_t bytes_max);
  // One that was packed, here or by another process, goes on. `stays`: it is not packed again.
  void unpack(ClientContext& context, PackedClient packed, bool stays);
  // Who was not read is read again.
  void release_input();

  // Tells up to `count` clients that have not been told to come back elsewhere, each with its own
  // `retry_ms()`.
  void drain_some(std::size_t count, const std::function<std::int64_t()>& retry_ms);
  // Those of this app that are closing: whatever still waits for them to take it is not sent.
  void cut_off_closing(std::string_view app);
  // Does something wait for one of them to take it?
  [[nodiscard]] bool has_unsent() const;
  // All handlers are told on_closed() and every connection is dropped.
  void end_all();

 private:
  void add(std::unique_ptr<ClientSocket> client, std::string_view head, std::string_view unread);
  void on_socket_over(ClientSocket& socket) override;
  // Out of the table; the last one takes its place.
  [[nodiscard]] std::unique_ptr<ClientSocket> take(std::size_t slot);

  std::size_t connections_max_;
  std::vector<std::unique_ptr<ClientSocket>> clients_;  // Each knows its place.
};

}  // namespace tako::edge
