// WebhookPoster: posts what the broker leases to each app, signed, and says how it went.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"
#include "edge/fanout/broker_port.h"
#include "edge/server/app_calls.h"
#include "edge/server/counters.h"
#include "edge/session/webhooks.h"

namespace tako::edge {

// `t=<ms>,v1=<hex>`: HMAC-SHA256 with `secret` over `<ms>.<body>` (protocol document, webhooks).
[[nodiscard]] std::string webhook_signature(std::string_view secret, std::int64_t wall_ms,
                                            std::string_view body);

// POST /channels/events to the app's upstream, or to its webhook_url; one batch of an app at a
// time, as the broker leases them.
class WebhookPoster final : public Webhooks {
 public:
  // All references outlive it.
  WebhookPoster(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                LimitCounters& limit_counters, ServerSideCounters& counters,
                const std::vector<config::AppConfig>& apps, BrokerPort& broker);

  void post(WebhookBatch batch) override;

 private:
  void on_answer(std::uint64_t lease, const Result<AppAnswer>& answer);

  const Clock& clock_;
  ServerSideCounters& counters_;
  const std::vector<config::AppConfig>& apps_;
  BrokerPort& broker_;
  AppCalls calls_;
  std::map<std::uint64_t, std::unique_ptr<AppCall>> posts_;  // by lease; gone before calls_
};

}  // namespace tako::edge
