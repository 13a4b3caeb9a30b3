// EdgeServices: what every session of this edge works with; main.cc builds them, all outlive
// sessions.
#pragma once

#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/random.h"
#include "common/runtime_limits.h"
#include "edge/fanout/broker_port.h"
#include "edge/fanout/hub.h"
#include "edge/fanout/presence_hub.h"
#include "edge/session/authorizer.h"
#include "edge/session/client_rates.h"
#include "edge/session/counters.h"
#include "edge/session/definitions_directory.h"
#include "edge/session/link_gate.h"
#include "edge/session/origin_policies.h"
#include "edge/session/publish_lines.h"
#include "edge/session/revocations.h"

namespace tako::edge {

struct EdgeServices {
  ChannelHub& hub;
  PresenceHub& presence;
  BrokerPort& broker;
  Authorizer& authorizer;
  Revocations& revocations;
  DefinitionsDirectory& definitions;
  LinkGate& gate;
  const OriginPolicies& origins;
  const Clock& clock;
  Random& random;
  const RuntimeLimits& limits;
  LimitCounters& limit_counters;
  EdgeCounters& counters;
  PublishLines& publishes;
  ClientRates& rates;
};

// When a refused or drained client should come back: between one and three seconds, so that those
// refused together don't return together.
[[nodiscard]] std::int64_t retry_with_jitter_ms(Random& random);

}  // namespace tako::edge
