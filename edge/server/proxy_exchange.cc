// Heads are changed by proxy_headers; here only bytes, back-pressure and ends.
#include "edge/server/proxy_exchange.h"

#include <chrono>
#include <utility>

#include "common/http/response.h"
#include "edge/server/proxy_headers.h"

namespace tako::edge {
namespace {

// A client that sent FIN has either closed only its half, as `nc -N` does, and reads on; or it is
// gone, which nobody can see before something is written to it. So it is given this long between
// two pieces of its answer, then the app is freed.
constexpr std::chrono::milliseconds kHalfClosedPatience{2'000};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ProxyExchange::ProxyExchange(http::ServerConnection& connection, Proxy& proxy,
                             http::ClientPool& upstream, http::ClientRequest request)
    : connection_(connection),
      proxy_(proxy),
      is_tunnel_request_(request.upgrade.has_value()),
      is_chunked_body_(std::holds_alternative<http::ClientRequest::Chunked>(request.body)) {
  ++proxy_.counters_.proxied_requests;
  connection_.pause_body();
  exchange_ = upstream.start(std::move(request), *this);
}

ProxyExchange::~ProxyExchange() {
  if (!is_over_) ++proxy_.counters_.proxy_cancelled;
}

void ProxyExchange::on_request_writable() { connection_.resume_body(); }

void ProxyExchange::on_body(std::span<const std::byte> piece) {
  if (exchange_ != nullptr && !exchange_->write_body(text_of(piece))) connection_.pause_body();
}

void ProxyExchange::on_body_end() {
  if (exchange_ != nullptr && is_chunked_body_) exchange_->end_body();
}

void ProxyExchange::on_writable() {
  if (exchange_ != nullptr) exchange_->resume_response();
}

void ProxyExchange::on_client_end() {
  has_progressed_ = false;
  connection_.wheel().arm(half_closed_, kHalfClosedPatience);
}

void ProxyExchange::on_half_closed() {
  if (std::exchange(has_progressed_, false)) {
    connection_.wheel().arm(half_closed_, kHalfClosedPatience);
  } else {
    connection_.abort_response();  // Destroys this at the end of the turn, and so cancels.
  }
}

void ProxyExchange::on_response(http::ResponseHead head) {
  has_progressed_ = true;
  if (head.status == 101) return open_tunnel(head);
  connection_.begin_response(head.status, make_downstream_headers(head), told_length(head));
}

void ProxyExchange::on_response_body(std::span<const std::byte> piece) {
  has_progressed_ = true;
  if (!connection_.write_body(text_of(piece))) exchange_->pause_response();
}

void ProxyExchange::on_response_end() {
  is_over_ = true;
  connection_.end_response();
}

void ProxyExchange::on_failed(const Error& error) {
  is_over_ = true;
  if (connection_.response_begun()) {
    ++proxy_.counters_.proxy_cut_short;
    return connection_.abort_response();
  }
  ++proxy_.counters_.proxy_failures;
  connection_.respond_error(error);
}

void ProxyExchange::open_tunnel(const http::ResponseHead& head) {
  is_over_ = true;
  if (!connection_.can_take_stream()) return connection_.abort_response();
  http::Headers headers = make_downstream_headers(head);
  headers.add("Connection", "Upgrade");
  headers.add("Upgrade", "websocket");
  http::ClientExchange::Upgraded upstream = exchange_->take_stream();
  http::TakenStream client = connection_.take_stream();
  proxy_.open_tunnel(
      {std::move(client.stream), http::response_head(101, headers) + upstream.unread},
      {std::move(upstream.stream), std::move(client.unread)});
}

}  // namespace tako::edge
