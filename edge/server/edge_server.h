// EdgeServer: listeners, routing, live clients, the proxy, and leaving without loss of messages.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/http/client_pool.h"
#include "common/http/server_connection.h"
#include "common/limit_counters.h"
#include "common/random.h"
#include "common/result.h"
#include "common/runtime_limits.h"
#include "common/uv/listener.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"
#include "edge/fanout/broker_port.h"
#include "edge/server/counters.h"
#include "edge/server/packed_client.h"
#include "edge/session/client.h"
#include "edge/session/origin_policies.h"

namespace tako::http {
class Server;
}

namespace tako::edge {

// What the server works with; main.cc builds them, all outlive the server.
struct EdgeServerParts {
  uv::Loop& loop;
  uv::TimerWheel& wheel;
  Random& random;
  BrokerPort& broker;
  const OriginPolicies& origins;
  const config::Config& config;  // limits, apps, trusted_proxies, edge.drain_ms
  LimitCounters& limit_counters;
  ServerSideCounters& counters;
  // Says something an operator should see; the text is safe to log.
  std::function<void(std::string_view)> warn;
};

class EdgeServer {
 public:
  // `protocols` are asked for a path in this order. They are destroyed after the server.
  EdgeServer(EdgeServerParts parts, std::vector<ClientProtocol*> protocols);
  // Ends every connection at once; handlers are told on_closed().
  ~EdgeServer();
  EdgeServer(const EdgeServer&) = delete;
  EdgeServer& operator=(const EdgeServer&) = delete;

  // Returns the address as bound. Call for each address.
  [[nodiscard]] Result<uv::Address> listen(const uv::Address& address,
                                           const uv::ListenOptions& options);
  // A socket that listens already.
  uv::Address adopt(uv::Fd listening_socket);

  // ---- The handoff of clients to another process (edge/handoff).
  // For its listeners.
  [[nodiscard]] http::Server& http_server();
  // Clients that can move, at most `count` and a little more than `bytes_max` of records. They are
  // nobody's until they are unpacked, here or elsewhere. Those that only wait for an answer of the
  // app or the broker are not read meanwhile, until let_go().
  [[nodiscard]] std::vector<PackedClient> pack(std::size_t count, std::size_t bytes_max);
  void let_go();
  // Can this client go on here? `others`: that were accepted with it. Errors: NotImplemented (of a
  // newer version), NotFound (its app), LimitReached.
  [[nodiscard]] Result<void> accept(PackedClient& packed, std::size_t others);
  // It goes on here. Call accept() first, for one that another process has packed.
  void unpack(PackedClient packed);
  // It goes on here, and is not packed again.
  void unpack_to_stay(PackedClient packed);
  // How many sockets of clients there are.
  [[nodiscard]] std::size_t client_sockets() const;
  // No more requests than those in flight; is_empty() when they and all clients are gone.
  void finish_requests();
  [[nodiscard]] bool is_empty() const;

  // A permission is taken back: clients of this app that are closing, of whom nobody knows any more
  // what they were allowed, get nothing of what waits for them. They come back, and are judged.
  void cut_off_closing(std::string_view app);

  // Leaves: stops listening, lets requests in flight finish, tells live clients when to come back,
  // spread over edge.drain_ms; calls back once, when nobody is left or shortly after that time.
  void drain(std::function<void()> on_drained);
  [[nodiscard]] bool is_draining() const;

  [[nodiscard]] const http::ServerCounters& http_counters() const;
  // Of the pools towards the apps' upstreams, one for each app that has one; for metrics. They live
  // as long as the server.
  [[nodiscard]] std::vector<const http::ClientPoolCounters*> upstream_counters() const;
  [[nodiscard]] std::size_t http_connections() const;
  [[nodiscard]] std::size_t live_clients() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tako::edge
