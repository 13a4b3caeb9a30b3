// NativeProtocol: the routes under /_tako/channels, each to what serves it.
#pragma once

#include <memory>
#include <string_view>

#include "edge/adapters/client_publisher.h"
#include "edge/adapters/native_path.h"
#include "edge/adapters/native_request.h"
#include "edge/session/client.h"
#include "edge/session/services.h"

namespace tako::edge {

class NativeProtocol final : public ClientProtocol {
 public:
  explicit NativeProtocol(EdgeServices& services) : services_(services) {}

  [[nodiscard]] bool owns_path(std::string_view path) const override;
  void serve(std::shared_ptr<const ClientRequest> request, HttpExchange& exchange) override;
  [[nodiscard]] std::unique_ptr<ClientHandler> restore(const proto::ClientRecord& record) override;

 private:
  [[nodiscard]] std::unique_ptr<NativeRequest> make_request(
      NativeRoute route, std::shared_ptr<const ClientRequest> request, HttpExchange& exchange);

  EdgeServices& services_;
  PublisherBook book_;
  NativeRequests requests_;
};

}  // namespace tako::edge
