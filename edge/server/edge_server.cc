// Builds the server's parts in order, and takes them down in a drain.
#include "edge/server/edge_server.h"

#include <algorithm>
#include <utility>

#include "edge/server/edge_server_impl.h"
#include "edge/session/services.h"

namespace tako::edge {
namespace {

// Clients are told to come back in this many portions, so that they don't come back together.
constexpr std::int64_t kDrainSteps = 50;
constexpr std::int64_t kDrainStepMsMin = 10;
// Who has been told all, and does not answer for so long, is not waited for: its goodbye is the
// kernel's to deliver, and while this process waits nobody may listen in its place.
constexpr std::int64_t kGoodbyeMs = 1'000;

http::ServerOptions server_options(const RuntimeLimits& limits) {
  http::ServerOptions options;
  options.connections_max = limits.http_connections_max;
  options.timeouts.head = std::chrono::milliseconds(limits.http_head_ms);
  options.timeouts.idle = std::chrono::milliseconds(limits.http_idle_ms);
  options.timeouts.body = std::chrono::milliseconds(limits.http_body_progress_ms);
  options.timeouts.write = std::chrono::milliseconds(limits.http_write_progress_ms);
  return options;
}

}  // namespace

EdgeServer::Impl::Impl(EdgeServerParts parts, std::vector<ClientProtocol*> protocols)
    : parts_(std::move(parts)),
      flusher_(parts_.loop),
      clients_(parts_.config.limits.connections_max),
      sites_({parts_.loop, parts_.wheel, flusher_, outboxes_, clients_, parts_.origins,
              parts_.limit_counters, parts_.counters},
             parts_.config.apps),
      api_(parts_.loop, parts_.config.limits, parts_.limit_counters, parts_.counters,
           parts_.broker),
      proxy_(parts_.loop, parts_.wheel, parts_.random, parts_.config.limits, parts_.limit_counters,
             parts_.counters),
      protocols_(std::move(protocols)),
      router_({sites_, clients_, api_, proxy_, parts_.counters, parts_.warn},
              ForwardedPolicy(parts_.config.trusted_proxies), protocols_),
      server_(parts_.loop, parts_.wheel, router_, server_options(parts_.config.limits)),
      drain_timer_(parts_.loop, [this] { drain_step(); }) {}

void EdgeServer::Impl::drain(std::function<void()> on_drained) {
  on_drained_ = std::move(on_drained);
  drain_began_ms_ = parts_.loop.monotonic_ms();
  portion_ = clients_.size() / kDrainSteps + 1;
  server_.drain([this] { is_http_drained_ = true; });
  const std::int64_t step_ms = std::max(parts_.config.edge.drain_ms / kDrainSteps, kDrainStepMsMin);
  drain_timer_.start_repeating(std::chrono::milliseconds(step_ms));
}

// Until drain_ms clients are told and requests finish; then goodbyes get a moment, and requests and
// what is unsent the time of a close handshake; what is left is cut.
void EdgeServer::Impl::drain_step() {
  const std::int64_t drained_ms = parts_.loop.monotonic_ms() - drain_began_ms_;
  const bool is_time_over = drained_ms >= parts_.config.edge.drain_ms;
  const auto retry_ms = [this] { return retry_with_jitter_ms(parts_.random); };
  clients_.drain_some(is_time_over ? clients_.size() : portion_, retry_ms);
  if (is_time_over) proxy_.end_tunnels();
  const std::int64_t late_ms = drained_ms - parts_.config.edge.drain_ms;
  const bool is_all_said = is_http_drained_ && proxy_.tunnels() == 0 && !clients_.has_unsent();
  const std::int64_t patience_ms = parts_.config.limits.close_handshake_ms;
  const bool is_over = late_ms >= (is_all_said ? std::min(kGoodbyeMs, patience_ms) : patience_ms);
  if (!is_empty() && !is_over) return;
  drain_timer_.stop();
  clients_.end_all();
  std::exchange(on_drained_, nullptr)();  // May destroy this.
}

EdgeServer::EdgeServer(EdgeServerParts parts, std::vector<ClientProtocol*> protocols)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(protocols))) {}

EdgeServer::~EdgeServer() = default;

Result<uv::Address> EdgeServer::listen(const uv::Address& address,
                                       const uv::ListenOptions& options) {
  return impl_->server().listen(address, options);
}

uv::Address EdgeServer::adopt(uv::Fd listening_socket) {
  return impl_->server().adopt(std::move(listening_socket));
}

void EdgeServer::drain(std::function<void()> on_drained) { impl_->drain(std::move(on_drained)); }

bool EdgeServer::is_draining() const { return impl_->server().is_draining(); }

const http::ServerCounters& EdgeServer::http_counters() const { return impl_->server().counters(); }

std::vector<const http::ClientPoolCounters*> EdgeServer::upstream_counters() const {
  std::vector<const http::ClientPoolCounters*> all;
  for (const auto& site : impl_->sites().all()) {
    if (const http::ClientPool* pool = site->upstream()) all.push_back(&pool->counters());
  }
  return all;
}

void EdgeServer::cut_off_closing(std::string_view app) { impl_->cut_off_closing(app); }

std::size_t EdgeServer::http_connections() const { return impl_->server().connection_count(); }

std::size_t EdgeServer::live_clients() const { return impl_->clients().size(); }

}  // namespace tako::edge
