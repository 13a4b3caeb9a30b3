// The request for a WebSocket: what HTTP can still refuse, and the handler for the rest.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "edge/adapters/client_publisher.h"
#include "edge/adapters/native_request.h"

namespace tako::edge {

inline constexpr std::string_view kRichSubprotocol = "tako.v1";

// Does the client offer the rich dialect?
[[nodiscard]] bool offers_rich(const ClientRequest& request);

class WsRequest final : public NativeRequest {
 public:
  // `name`: empty on the bare route.
  WsRequest(EdgeServices& services, NativeRequests& owner, PublisherBook& book,
            std::shared_ptr<const ClientRequest> request, HttpExchange& exchange, std::string name)
      : NativeRequest(services, owner, std::move(request), exchange),
        book_(book),
        name_(std::move(name)) {}

 private:
  void start() override;
  void on_no_link(const Error& error) override { close_with(error.code); }
  void cancel() override {}
  void start_bare();
  // Upgrades, and closes with a code that a browser can read.
  void close_with(ErrorCode code);
  void accept(std::unique_ptr<SubscriptionRequest> first);

  PublisherBook& book_;
  std::string name_;
};

}  // namespace tako::edge
