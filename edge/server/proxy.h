// Proxy: everything that is not the edge's own goes to the app behind, streamed both ways.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "common/http/server_connection.h"
#include "common/random.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"
#include "edge/server/counters.h"
#include "edge/server/forwarded.h"
#include "edge/server/packed_client.h"
#include "edge/server/site.h"
#include "edge/server/tunnel.h"

namespace tako::edge {

class Proxy final : public TunnelOwner {
 public:
  // `tunnels_max`: an upgrade above it is answered 503. All references outlive the proxy.
  Proxy(uv::Loop& loop, uv::TimerWheel& wheel, Random& random, const RuntimeLimits& limits,
        LimitCounters& limit_counters, ServerSideCounters& counters);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // Answers (no upstream: 404 and a page that says so; no room), or returns the exchange that will.
  [[nodiscard]] std::unique_ptr<http::Exchange> serve(http::ServerConnection& connection,
                                                      http::RequestHead head, Site& site,
                                                      const ClientOrigin& origin);

  [[nodiscard]] std::size_t tunnels() const noexcept { return tunnels_.size(); }
  // The handoff, as in LiveClients: takes tunnels that can move, and holds up the others.
  void pack(std::vector<PackedClient>& out, std::size_t count);
  void unpack(PackedClient packed);
  void let_go();
  // A tunnel's protocol is the app's: nothing can be said in it, it can only be cut.
  void end_tunnels();

 private:
  friend class ProxyExchange;

  void open_tunnel(Tunnel::End client, Tunnel::End upstream);
  void add_tunnel(Tunnel::End client, Tunnel::End upstream);
  void on_tunnel_over(Tunnel& tunnel) override;

  uv::Loop& loop_;
  uv::TimerWheel& wheel_;
  Random& random_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  ServerSideCounters& counters_;
  std::unordered_map<Tunnel*, std::unique_ptr<Tunnel>> tunnels_;
};

}  // namespace tako::edge
