// EdgeServer::Impl: the server's parts, in the order in which they are built; for the files that
// build them, drain them, and hand them over.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/http/server.h"
#include "common/uv/timer.h"
#include "edge/server/api_gateway.h"
#include "edge/server/edge_server.h"
#include "edge/server/live_clients.h"
#include "edge/server/proxy.h"
#include "edge/server/router.h"
#include "edge/server/site.h"

namespace tako::edge {

// Members are taken down from the last to the first: the HTTP server with its exchanges before what
// they use, the live clients before the flusher and the pools.
class EdgeServer::Impl {
 public:
  Impl(EdgeServerParts parts, std::vector<ClientProtocol*> protocols);
  ~Impl() { clients_.end_all(); }  // While the pools that they use are there.
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void drain(std::function<void()> on_drained);
  void cut_off_closing(std::string_view app) { clients_.cut_off_closing(app); }

  // edge_server_handoff.cc
  [[nodiscard]] std::vector<PackedClient> pack(std::size_t count, std::size_t bytes_max);
  void let_go();
  [[nodiscard]] Result<void> accept(PackedClient& packed, std::size_t others);
  void unpack(PackedClient packed, bool stays);
  [[nodiscard]] std::size_t client_sockets() const;
  void finish_requests();
  [[nodiscard]] bool is_empty() const {
    return is_http_drained_ && clients_.size() == 0 && proxy_.tunnels() == 0;
  }

  [[nodiscard]] http::Server& server() noexcept { return server_; }
  [[nodiscard]] const LiveClients& clients() const noexcept { return clients_; }
  [[nodiscard]] const Sites& sites() const noexcept { return sites_; }

 private:
  void drain_step();

  EdgeServerParts parts_;
  Flusher flusher_;
  OutboxPool outboxes_;
  LiveClients clients_;
  Sites sites_;
  ApiGateway api_;
  Proxy proxy_;
  std::vector<ClientProtocol*> protocols_;
  Router router_;
  http::Server server_;
  uv::Timer drain_timer_;
  std::function<void()> on_drained_;
  std::int64_t drain_began_ms_ = 0;
  std::size_t portion_ = 0;
  bool is_http_drained_ = false;
};

}  // namespace tako::edge
