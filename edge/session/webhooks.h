// Webhooks: where what the broker leases to this edge goes; edge/server posts it.
#pragma once

#include "edge/fanout/broker_port.h"

namespace tako::edge {

class Webhooks {
 public:
  virtual ~Webhooks() = default;
  // Answered with BrokerPort::webhook_done, now or later.
  virtual void post(WebhookBatch batch) = 0;
};

// Where nobody posts: in tests.
class NoWebhooks final : public Webhooks {
 public:
  void post(WebhookBatch /*batch*/) override {}
};

}  // namespace tako::edge
