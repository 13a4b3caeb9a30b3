// The way of a request into a protocol, and of its answer out.
#include "edge/server/client_exchange.h"

#include <utility>

#include "common/ascii.h"
#include "common/check.h"
#include "common/http/response.h"
#include "edge/server/cors.h"
#include "edge/server/websocket_handshake.h"
#include "edge/session/services.h"

namespace tako::edge {
ClientRequest make_client_request(const http::RequestHead& head, std::string_view app,
                                  std::string_view client_ip) {
  ClientRequest request;
  request.app = app;
  request.method = head.method;
  request.path = head.path();
  request.query = head.query();
  request.host = ascii::lowered(head.host());
  request.ip = client_ip;
  request.is_http_1_0 = head.version_minor == 0;
  request.headers.reserve(head.headers.size());
  for (const http::Header& field : head.headers) {
    request.headers.emplace_back(ascii::lowered(field.name), field.value);
  }
  return request;
}

ClientExchange::ClientExchange(const ClientExchangeParts& parts, ClientRequest request)
    : parts_(parts), request_(std::make_shared<ClientRequest>(std::move(request))) {}

ClientExchange::~ClientExchange() {
  if (!is_answered_ && gone_) gone_();
}

void ClientExchange::on_body(std::span<const std::byte> piece) {
  if (is_answered_) return;
  const std::size_t bytes_max = parts_.site.app().limits.client_message_bytes_max;
  if (piece.size() > bytes_max - request_->body.size()) {
    ++parts_.site.client_context().limit_counters.client_message_bytes_max;
    return refuse({.code = ErrorCode::PayloadTooLarge});
  }
  request_->body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
}

void ClientExchange::on_body_end() {
  if (is_answered_) return;
  if (request_->method == "OPTIONS") return answer_preflight();
  if (asks_for_websocket(*request_)) {
    if (const Result<void> checked = check_websocket_handshake(*request_); !checked) {
      return refuse_handshake(checked.error());
    }
    request_->is_websocket = true;
  }
  parts_.protocol.serve(request_, *this);
}

void ClientExchange::answer_preflight() {
  http::Response response{204, {{"Allow", "GET, POST, OPTIONS"}}, {}};
  if (request_->header("origin") != nullptr) {
    if (!parts_.site.origins().allows_origin(*request_)) {
      return refuse({.code = ErrorCode::OriginRefused});
    }
    add_preflight(response.headers);
  }
  send(std::move(response));
}

void ClientExchange::refuse_handshake(const Error& error) {
  ++parts_.site.client_context().counters.handshakes_refused;
  http::Response response = http::error_response(error);
  if (error.code == ErrorCode::VersionUnsupported) {
    response.headers.add("Sec-WebSocket-Version", "13");
    response.headers.add("Upgrade", "websocket");
  }
  // Whatever follows may be in the other protocol already.
  response.headers.add("Connection", "close");
  send(std::move(response));
}

void ClientExchange::respond(int status, Headers headers, std::string body) {
  http::Response response{status, {}, std::move(body)};
  for (auto& [name, value] : headers) response.headers.add(std::move(name), std::move(value));
  send(std::move(response));
}

void ClientExchange::refuse(const Error& error) { send(http::error_response(error)); }

void ClientExchange::send(http::Response response) {
  if (is_answered_) return;
  is_answered_ = true;
  add_cors(response.headers, *request_, parts_.site.origins());
  parts_.connection.respond(response);
}

// When nobody is there any more, the request is as good as answered: its owner lets go of it now,
// and must not be told later that the client is gone.
bool ClientExchange::is_to_be_answered() {
  is_answered_ |= !parts_.connection.is_open();
  return !is_answered_;
}

Result<void> ClientExchange::check_room() {
  if (parts_.clients.has_room() && parts_.connection.can_take_stream()) return {};
  ++parts_.site.client_context().limit_counters.connections_max;
  return fail(ErrorCode::LimitReached, "too many connections");
}

Result<void> ClientExchange::accept_event_stream(std::unique_ptr<ClientHandler> handler) {
  if (!is_to_be_answered()) return {};
  if (Result<void> room = check_room(); !room) return room;
  is_answered_ = true;
  const bool is_chunked = !request_->is_http_1_0;
  http::Headers headers{{"Content-Type", "text/event-stream"},
                        {"Cache-Control", "no-store"},
                        {"X-Accel-Buffering", "no"},
                        {"Connection", is_chunked ? "keep-alive" : "close"}};
  if (is_chunked) headers.add("Transfer-Encoding", "chunked");
  add_cors(headers, *request_, parts_.site.origins());
  parts_.clients.add_event_stream(parts_.site.client_context(), parts_.connection.take_stream(),
                                  http::response_head(200, headers), std::move(handler),
                                  is_chunked);
  return {};
}

Result<void> ClientExchange::accept_websocket(std::string_view subprotocol,
                                              std::unique_ptr<ClientHandler> handler) {
  TAKO_CHECK(request_->is_websocket);
  if (!is_to_be_answered()) return {};
  if (Result<void> room = check_room(); !room) return room;
  is_answered_ = true;
  const http::Headers headers = websocket_response_headers(*request_, subprotocol);
  parts_.clients.add_websocket(parts_.site.client_context(), parts_.connection.take_stream(),
                               http::response_head(101, headers), std::move(handler));
  return {};
}

}  // namespace tako::edge
