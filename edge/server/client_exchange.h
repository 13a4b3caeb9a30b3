// ClientExchange: one HTTP request on its way to a client protocol, and the protocol's answer.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/http/server_connection.h"
#include "edge/server/live_clients.h"
#include "edge/server/site.h"
#include "edge/session/client.h"

namespace tako::edge {

// Builds the protocols' view of a request, all but its body.
[[nodiscard]] ClientRequest make_client_request(const http::RequestHead& head, std::string_view app,
                                                std::string_view client_ip);

struct ClientExchangeParts {
  http::ServerConnection& connection;
  Site& site;
  ClientProtocol& protocol;
  LiveClients& clients;
};

// Collects the body, answers preflights and faulty WebSocket handshakes itself, and adds CORS to
// every answer. Live connections leave HTTP through it.
class ClientExchange final : public http::Exchange, private HttpExchange {
 public:
  ClientExchange(const ClientExchangeParts& parts, ClientRequest request);
  ~ClientExchange() override;

 private:
  void on_body(std::span<const std::byte> piece) override;
  void on_body_end() override;

  void respond(int status, Headers headers, std::string body) override;
  void refuse(const Error& error) override;
  Result<void> accept_event_stream(std::unique_ptr<ClientHandler> handler) override;
  Result<void> accept_websocket(std::string_view subprotocol,
                                std::unique_ptr<ClientHandler> handler) override;
  void on_gone(std::move_only_function<void()> callback) override { gone_ = std::move(callback); }

  void answer_preflight();
  void refuse_handshake(const Error& error);
  [[nodiscard]] bool is_to_be_answered();
  // LimitReached: there is no room for one more client that stays.
  [[nodiscard]] Result<void> check_room();
  void send(http::Response response);

  ClientExchangeParts parts_;
  std::shared_ptr<ClientRequest> request_;
  std::move_only_function<void()> gone_;
  bool is_answered_ = false;
};

}  // namespace tako::edge
