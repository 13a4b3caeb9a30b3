// Router: which app a request belongs to, and who serves it: a protocol, the app API, or the proxy.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "common/http/server_connection.h"
#include "edge/server/api_gateway.h"
#include "edge/server/counters.h"
#include "edge/server/forwarded.h"
#include "edge/server/live_clients.h"
#include "edge/server/proxy.h"
#include "edge/server/site.h"
#include "edge/session/client.h"

namespace tako::edge {

struct RouterParts {
  Sites& sites;
  LiveClients& clients;
  ApiGateway& api;
  Proxy& proxy;
  ServerSideCounters& counters;
  std::function<void(std::string_view)> warn;
};

class Router final : public http::RequestHandler {
 public:
  Router(RouterParts parts, ForwardedPolicy forwarded, std::vector<ClientProtocol*> protocols);

  [[nodiscard]] std::unique_ptr<http::Exchange> on_request(http::ServerConnection& connection,
                                                           http::RequestHead head) override;

 private:
  [[nodiscard]] ClientProtocol* protocol_of(std::string_view path) const;
  void warn_of_ignored_headers(const ClientOrigin& origin);

  RouterParts parts_;
  ForwardedPolicy forwarded_;
  std::vector<ClientProtocol*> protocols_;
  bool has_warned_ = false;
};

}  // namespace tako::edge
