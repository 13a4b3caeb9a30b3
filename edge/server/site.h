// Site: what the server needs of one app; Sites finds the one that a Host belongs to.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/http/client_pool.h"
#include "edge/server/client_socket.h"
#include "edge/server/live_clients.h"
#include "edge/session/origin_policies.h"

namespace tako::edge {

// What all sites share; everything outlives them.
struct SiteParts {
  uv::Loop& loop;
  uv::TimerWheel& wheel;
  Flusher& flusher;
  OutboxPool& outboxes;
  LiveClients& clients;
  const OriginPolicies& origins;
  LimitCounters& limit_counters;
  ServerSideCounters& counters;
};

class Site {
 public:
  Site(const SiteParts& parts, const config::AppConfig& app);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  [[nodiscard]] const config::AppConfig& app() const noexcept { return app_; }
  [[nodiscard]] const OriginPolicy& origins() const noexcept { return origins_; }
  [[nodiscard]] ClientContext& client_context() noexcept { return clients_; }
  // Connections for the reverse proxy; null: no upstream is configured.
  [[nodiscard]] http::ClientPool* upstream() noexcept { return upstream_.get(); }

 private:
  const config::AppConfig& app_;
  const OriginPolicy& origins_;
  WebSocketParserPool parsers_;
  ClientContext clients_;
  std::unique_ptr<http::ClientPool> upstream_;
};

class Sites {
 public:
  Sites(const SiteParts& parts, const std::vector<config::AppConfig>& apps);

  // `host`: normalized_host(). The only app takes all; null: several, and none of them has it.
  [[nodiscard]] Site* find(std::string_view host);
  // By the app's id; null: it is not configured here.
  [[nodiscard]] Site* of_app(std::string_view id);

  [[nodiscard]] const std::vector<std::unique_ptr<Site>>& all() const noexcept { return sites_; }

 private:
  std::vector<std::unique_ptr<Site>> sites_;
};

// How connections to an app's upstream are kept, as its limits say. `connections_max`: at once.
[[nodiscard]] http::ClientPoolOptions upstream_options(const RuntimeLimits& limits,
                                                       std::size_t connections_max);

}  // namespace tako::edge
