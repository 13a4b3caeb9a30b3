// Decides by Host and by a normalised copy of the path; what is passed on keeps its bytes.
#include "edge/server/router.h"

#include <string>
#include <utility>

#include "edge/server/client_exchange.h"
#include "edge/server/request_path.h"

namespace tako::edge {

Router::Router(RouterParts parts, ForwardedPolicy forwarded, std::vector<ClientProtocol*> protocols)
    : parts_(std::move(parts)),
      forwarded_(std::move(forwarded)),
      protocols_(std::move(protocols)) {}

std::unique_ptr<http::Exchange> Router::on_request(http::ServerConnection& connection,
                                                   http::RequestHead head) {
  const std::string host = normalized_host(head.host());
  const std::string path = normalized_path(head.path());
  if (is_callback_host(host) || is_callback_path(path)) {
    ++parts_.counters.hidden_paths_refused;
    connection.respond_error(Error{.code = ErrorCode::NotFound});
    return nullptr;
  }
  Site* site = parts_.sites.find(host);
  if (site == nullptr) {
    connection.respond_error(
        Error{.code = ErrorCode::NotFound, .detail = "no app is configured for this host"});
    return nullptr;
  }
  const ClientOrigin origin = forwarded_.judge(connection.peer_ip(), head.headers);
  warn_of_ignored_headers(origin);
  if (ClientProtocol* protocol = protocol_of(head.path())) {
    return std::make_unique<ClientExchange>(
        ClientExchangeParts{connection, *site, *protocol, parts_.clients},
        make_client_request(head, site->app().id, origin.ip));
  }
  if (ApiGateway::owns_path(head.path())) {
    return parts_.api.serve(connection, head, *site, origin.ip);
  }
  if (is_own_path(path)) {
    connection.respond_error(Error{.code = ErrorCode::NotFound});
    return nullptr;
  }
  return parts_.proxy.serve(connection, std::move(head), *site, origin);
}

ClientProtocol* Router::protocol_of(std::string_view path) const {
  for (ClientProtocol* protocol : protocols_) {
    if (protocol->owns_path(path)) return protocol;
  }
  return nullptr;
}

// Once: a misconfigured proxy in front would fill the log.
void Router::warn_of_ignored_headers(const ClientOrigin& origin) {
  if (!origin.has_ignored_headers) return;
  ++parts_.counters.forwarded_ignored;
  if (std::exchange(has_warned_, true) || !parts_.warn) return;
  parts_.warn("forwarded headers from " + (origin.ip.empty() ? "a unix socket" : origin.ip) +
              " are ignored: it is no trusted proxy. If it is yours, add it to trusted_proxies. "
              "This is said once.");
}

}  // namespace tako::edge
