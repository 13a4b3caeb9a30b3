// Decides whether a request can be proxied at all, and owns the tunnels.
#include "edge/server/proxy.h"

#include <chrono>
#include <string>
#include <utility>

#include "common/http/response.h"
#include "common/limits.h"
#include "edge/server/proxy_exchange.h"
#include "edge/server/proxy_headers.h"
#include "edge/session/services.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

constexpr std::string_view kNoUpstreamPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>No app here yet</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem}</style>
<h1>No app is configured behind this edge</h1>
<p>tako-edge is running and serves channels under <code>/_tako/channels/</code>.
Everything else goes to your app, once it is named:</p>
<pre>tako-edge --upstream http://127.0.0.1:3000</pre>
</html>
)";

http::Response no_upstream(const http::RequestHead& head) {
  http::Response response = http::error_response(Error{.code = ErrorCode::NoUpstream});
  if (head.headers.find("accept").value_or("").contains("text/html")) {
    response.headers.set("Content-Type", "text/html; charset=utf-8");
    response.body = kNoUpstreamPage;
  }
  return response;
}

}  // namespace

Proxy::Proxy(uv::Loop& loop, uv::TimerWheel& wheel, Random& random, const RuntimeLimits& limits,
             LimitCounters& limit_counters, ServerSideCounters& counters)
    : loop_(loop),
      wheel_(wheel),
      random_(random),
      limits_(limits),
      limit_counters_(limit_counters),
      counters_(counters) {}

std::unique_ptr<http::Exchange> Proxy::serve(http::ServerConnection& connection,
                                             http::RequestHead head, Site& site,
                                             const ClientOrigin& origin) {
  http::ClientPool* upstream = site.upstream();
  if (upstream == nullptr) {
    connection.respond(no_upstream(head));
    return nullptr;
  }
  if (is_tunnel_request(head) && tunnels_.size() >= limits_.connections_max) {
    ++limit_counters_.connections_max;
    connection.respond_error({.code = ErrorCode::LimitReached,
                              .detail = "too many connections",
                              .retry_after_ms = retry_with_jitter_ms(random_)});
    return nullptr;
  }
  http::ClientRequest request = make_upstream_request(std::move(head), origin);
  if (request.headers.count("host") == 0) request.headers.add("Host", upstream->origin().host());
  request.head_timeout = std::chrono::milliseconds(limits_.upstream_head_ms);
  return std::make_unique<ProxyExchange>(connection, *this, *upstream, std::move(request));
}

void Proxy::open_tunnel(Tunnel::End client, Tunnel::End upstream) {
  ++counters_.tunnels_opened;
  add_tunnel(std::move(client), std::move(upstream));
}

void Proxy::add_tunnel(Tunnel::End client, Tunnel::End upstream) {
  auto tunnel =
      std::make_unique<Tunnel>(loop_, wheel_, std::chrono::milliseconds(limits_.stream_progress_ms),
                               *this, std::move(client), std::move(upstream));
  tunnels_.emplace(tunnel.get(), std::move(tunnel));
  counters_.tunnels_open = tunnels_.size();
}

void Proxy::on_tunnel_over(Tunnel& tunnel) {
  tunnels_.erase(&tunnel);
  counters_.tunnels_open = tunnels_.size();
}

void Proxy::pack(std::vector<PackedClient>& out, std::size_t count) {
  for (auto it = tunnels_.begin(); it != tunnels_.end() && out.size() < count;) {
    Tunnel& tunnel = *it->second;
    if (!tunnel.can_move()) {
      tunnel.hold();
      ++it;
      continue;
    }
    PackedClient& packed = out.emplace_back();
    packed.record().mutable_tunnel();
    packed.sockets = tunnel.pack();
    it = tunnels_.erase(it);
  }
  counters_.tunnels_open = tunnels_.size();
}

void Proxy::unpack(PackedClient packed) {
  auto client = std::make_unique<uv::Stream>(loop_, std::move(packed.sockets[0]));
  auto upstream = std::make_unique<uv::Stream>(loop_, std::move(packed.sockets[1]));
  add_tunnel({std::move(client), {}}, {std::move(upstream), {}});
}

void Proxy::let_go() {
  for (const auto& [address, tunnel] : tunnels_) tunnel->let_go();
}

void Proxy::end_tunnels() {
  tunnels_.clear();
  counters_.tunnels_open = 0;
}

}  // namespace tako::edge
