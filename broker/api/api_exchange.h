// ApiExchange: collects one request's body, hands it to the API, and writes the answer.
#pragma once

#include <memory>
#include <string>

#include "broker/api/app_api.h"
#include "common/http/server_connection.h"

namespace tako::broker {

[[nodiscard]] http::Response to_response(const ApiAnswer& answer);

class ApiExchange final : public http::Exchange {
 public:
  // `request` is complete but for its body.
  ApiExchange(http::ServerConnection& connection, AppApi& api, Resource resource,
              ApiRequest request);
  ~ApiExchange() override;

 private:
  void on_body(std::span<const std::byte> piece) override;
  void on_body_end() override;

  // Outlives the exchange in the hands of a call in flight; knows whether it is still there.
  struct Link {
    ApiExchange* exchange;
  };

  http::ServerConnection& connection_;
  AppApi& api_;
  Resource resource_;
  ApiRequest request_;
  std::size_t body_bytes_max_;
  std::shared_ptr<Link> link_;
};

}  // namespace tako::broker
