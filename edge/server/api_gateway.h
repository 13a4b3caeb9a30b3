// ApiGateway: the app API for apps elsewhere, under /_tako/api with an app key.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/http/server_connection.h"
#include "edge/fanout/broker_port.h"
#include "edge/server/api_keys.h"
#include "edge/server/counters.h"
#include "edge/server/site.h"

namespace tako::edge {

class ApiExchange;

// Checks the key before it reads a body, and forwards to the broker over the link. A wrong key, a
// missing one and a wrong app are one and the same 401.
class ApiGateway {
 public:
  ApiGateway(const Clock& clock, const RuntimeLimits& limits, LimitCounters& limit_counters,
             ServerSideCounters& counters, BrokerPort& broker);
  ApiGateway(const ApiGateway&) = delete;
  ApiGateway& operator=(const ApiGateway&) = delete;
  ~ApiGateway();

  // Is this raw path below /_tako/api/?
  [[nodiscard]] static bool owns_path(std::string_view path);
  // Answers, or returns the exchange that will.
  [[nodiscard]] std::unique_ptr<http::Exchange> serve(http::ServerConnection& connection,
                                                      const http::RequestHead& head, Site& site,
                                                      std::string_view client_ip);

 private:
  friend class ApiExchange;
  using CallNumber = std::uint64_t;

  [[nodiscard]] CallNumber call(ApiRequest request, ApiExchange& exchange);
  void forget(CallNumber number);
  void on_answer(CallNumber number, const Result<ApiAnswer>& answer);

  LimitCounters& limit_counters_;
  ServerSideCounters& counters_;
  std::size_t body_bytes_max_;
  BrokerPort& broker_;
  KeyFailures failures_;
  // Who still waits: the broker's port has no way to cancel, so answers find their way by number.
  std::map<CallNumber, ApiExchange*> waiting_;
  CallNumber last_number_ = 0;
  // Tells a late answer, given while the link is taken down, that nobody is here any more.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace tako::edge
