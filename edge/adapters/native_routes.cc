// Refuses what no route serves, and starts the rest.
#include "edge/adapters/native_routes.h"

#include <utility>

#include "edge/adapters/native_messages.h"
#include "edge/adapters/native_presence.h"
#include "edge/adapters/native_sse.h"
#include "edge/adapters/native_ws_plain.h"
#include "edge/adapters/native_ws_request.h"
#include "edge/adapters/native_ws_rich.h"
#include "proto/handoff.pb.h"

namespace tako::edge {

bool NativeProtocol::owns_path(std::string_view path) const { return is_native_path(path); }

void NativeProtocol::serve(std::shared_ptr<const ClientRequest> request, HttpExchange& exchange) {
  std::optional<NativeRoute> route = parse_native_path(request->path);
  if (!route) return exchange.refuse(Error{ErrorCode::NotFound});
  if (!route->allows(request->method)) {
    return exchange.respond(
        405, {{"Allow", std::string(route->methods())}, {"Content-Type", "application/json"}},
        error_json(Error{ErrorCode::MethodNotAllowed}));
  }
  const bool is_bare = route->kind == NativeRoute::Kind::Connect;
  if (is_bare && (!request->is_websocket || !offers_rich(*request))) {
    return exchange.refuse(Error{ErrorCode::HandshakeInvalid,
                                 "this route is a WebSocket with the subprotocol tako.v1", 0});
  }
  requests_.begin(make_request(std::move(*route), std::move(request), exchange));
}

std::unique_ptr<ClientHandler> NativeProtocol::restore(const proto::ClientRecord& record) {
  if (record.has_event_stream()) {
    const proto::EventStreamRecord& stream = record.event_stream();
    return std::make_unique<NativeSse>(
        services_,
        SseOptions{.is_chunked = stream.is_chunked(), .tells_events = stream.tells_events()});
  }
  if (!record.has_web_socket()) return nullptr;
  const proto::WebSocketRecord& web_socket = record.web_socket();
  if (web_socket.is_rich()) {
    return std::make_unique<NativeWsRich>(services_, book_, nullptr, restored_upgrade(record));
  }
  if (web_socket.channels().empty() && !web_socket.has_awaited()) return nullptr;
  return std::make_unique<NativeWsPlain>(services_, book_, nullptr);
}

std::unique_ptr<NativeRequest> NativeProtocol::make_request(
    NativeRoute route, std::shared_ptr<const ClientRequest> request, HttpExchange& exchange) {
  if (route.kind == NativeRoute::Kind::Messages) {
    if (request->method == "POST") {
      return std::make_unique<PublishOnceRequest>(services_, requests_, std::move(request),
                                                  exchange, std::move(route.name));
    }
    return std::make_unique<HistoryRequest>(services_, requests_, std::move(request), exchange,
                                            std::move(route.name));
  }
  if (route.kind == NativeRoute::Kind::Presence) {
    return std::make_unique<PresencePageRequest>(services_, requests_, std::move(request), exchange,
                                                 std::move(route.name));
  }
  if (request->is_websocket) {
    return std::make_unique<WsRequest>(services_, requests_, book_, std::move(request), exchange,
                                       std::move(route.name));
  }
  return std::make_unique<SseRequest>(services_, requests_, std::move(request), exchange,
                                      std::move(route.name));
}

}  // namespace tako::edge
