// Gathers a request body within its bound.
#include "common/http/collected_exchange.h"

#include <utility>

namespace tako::http {

void CollectedExchange::on_body(std::span<const std::byte> piece) {
  if (connection_.response_begun()) return;
  if (piece.size() > body_bytes_max_ - body_.size()) {
    Error error;
    error.code = ErrorCode::PayloadTooLarge;
    error.detail = "The request body is larger than " + std::to_string(body_bytes_max_) + " bytes.";
    connection_.respond_error(error);
    return;
  }
  body_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
}

void CollectedExchange::on_body_end() {
  if (!connection_.response_begun()) on_request_whole(std::move(body_));
}

}  // namespace tako::http
