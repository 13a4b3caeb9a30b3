// ProxyExchange: one proxied request: bodies streamed both ways, each side held up by the other.
#pragma once

#include <memory>
#include <span>

#include "common/http/client_pool.h"
#include "common/http/server_connection.h"
#include "common/uv/timer_wheel.h"
#include "edge/server/proxy.h"

namespace tako::edge {

// The request's body waits (and `100 Continue` with it) until the app's connection stands.
// Destroyed by the client's connection: then what still runs at the app is cancelled.
class ProxyExchange final : public http::Exchange, private http::ResponseObserver {
 public:
  ProxyExchange(http::ServerConnection& connection, Proxy& proxy, http::ClientPool& upstream,
                http::ClientRequest request);
  ~ProxyExchange() override;

 private:
  void on_body(std::span<const std::byte> piece) override;
  void on_body_end() override;
  void on_writable() override;
  void on_client_end() override;

  void on_response(http::ResponseHead head) override;
  void on_response_body(std::span<const std::byte> piece) override;
  void on_response_end() override;
  void on_failed(const Error& error) override;
  void on_request_writable() override;

  void open_tunnel(const http::ResponseHead& head);
  void on_half_closed();

  http::ServerConnection& connection_;
  Proxy& proxy_;
  bool is_tunnel_request_;
  bool is_chunked_body_;
  bool is_over_ = false;
  bool has_progressed_ = false;  // since the client's FIN, or the last look
  std::unique_ptr<http::ClientExchange> exchange_;
  uv::MemberDeadline<ProxyExchange, &ProxyExchange::on_half_closed> half_closed_{*this};
};

}  // namespace tako::edge
