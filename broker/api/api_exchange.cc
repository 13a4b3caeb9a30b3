// One call on the app socket.
#include "broker/api/api_exchange.h"

#include <utility>

namespace tako::broker {

http::Response to_response(const ApiAnswer& answer) {
  http::Response response = http::json_response(static_cast<int>(answer.status), answer.body);
  if (answer.retry_after_ms > 0) {
    const std::int64_t seconds = (answer.retry_after_ms + 999) / 1000;
    response.headers.set("Retry-After", std::to_string(seconds));
  }
  return response;
}

ApiExchange::ApiExchange(http::ServerConnection& connection, AppApi& api, Resource resource,
                         ApiRequest request)
    : connection_(connection),
      api_(api),
      resource_(resource),
      request_(std::move(request)),
      body_bytes_max_(api.body_bytes_max(resource, request_.app)),
      link_(std::make_shared<Link>(this)) {}

ApiExchange::~ApiExchange() { link_->exchange = nullptr; }

void ApiExchange::on_body(std::span<const std::byte> piece) {
  if (connection_.response_begun()) return;
  if (piece.size() > body_bytes_max_ - request_.body.size()) {
    connection_.respond(to_response(api_.refuse_body(resource_, request_.app)));
    return;
  }
  request_.body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
}

void ApiExchange::on_body_end() {
  if (connection_.response_begun()) return;
  api_.handle_local(request_, [link = link_](const ApiAnswer& answer) {
    // The client may have gone while the call was on its way.
    if (link->exchange != nullptr) link->exchange->connection_.respond(to_response(answer));
  });
}

}  // namespace tako::broker
