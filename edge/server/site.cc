// Builds the sites from the configuration.
#include "edge/server/site.h"

#include <algorithm>
#include <utility>

#include "common/http/origin.h"

namespace tako::edge {

http::ClientPoolOptions upstream_options(const RuntimeLimits& limits, std::size_t connections_max) {
  http::ClientPoolOptions options;
  options.connections_max = connections_max;
  options.idle_max = std::min(limits.upstream_idle_max, connections_max);
  options.waiting_max = limits.upstream_waiting_max;
  options.connect_timeout = std::chrono::milliseconds(limits.upstream_connect_ms);
  options.wait_timeout = std::chrono::milliseconds(limits.upstream_wait_ms);
  options.idle_timeout = std::chrono::milliseconds(limits.upstream_idle_ms);
  return options;
}

Site::Site(const SiteParts& parts, const config::AppConfig& app)
    : app_(app),
      origins_(parts.origins.of(app.id)),
      parsers_({.message_bytes_max = app.limits.client_message_bytes_max,
                .fragments_max = app.limits.fragments_max}),
      clients_{app.id,   parts.loop, parts.wheel,          parts.flusher,  parts.outboxes,
               parsers_, app.limits, parts.limit_counters, parts.counters, parts.clients} {
  if (app.upstream.empty()) return;
  // The configuration has checked the text.
  if (auto origin = http::Origin::parse(app.upstream)) {
    upstream_ = std::make_unique<http::ClientPool>(
        parts.loop, parts.wheel, std::move(*origin),
        upstream_options(app.limits, app.limits.upstream_connections_max));
  }
}

Sites::Sites(const SiteParts& parts, const std::vector<config::AppConfig>& apps) {
  for (const config::AppConfig& app : apps) sites_.push_back(std::make_unique<Site>(parts, app));
}

Site* Sites::of_app(std::string_view id) {
  const auto found = std::ranges::find_if(
      sites_, [id](const std::unique_ptr<Site>& site) { return site->app().id == id; });
  return found == sites_.end() ? nullptr : found->get();
}

Site* Sites::find(std::string_view host) {
  if (sites_.size() == 1) return sites_.front().get();
  const auto found = std::ranges::find_if(sites_, [host](const std::unique_ptr<Site>& site) {
    return std::ranges::find(site->app().hosts, host) != site->app().hosts.end();
  });
  return found == sites_.end() ? nullptr : found->get();
}

}  // namespace tako::edge
