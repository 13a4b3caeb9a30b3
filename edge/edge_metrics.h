// The edge's counters under their Prometheus names.
#pragma once

#include "common/config/metrics.h"
#include "common/http/server_connection.h"
#include "edge/broker_link.h"
#include "edge/fanout/counters.h"
#include "edge/fanout/presence_feed.h"
#include "edge/handoff/handoff_channel.h"
#include "edge/server/counters.h"
#include "edge/session/counters.h"

namespace tako::edge {

// All that is passed outlives the registry.
void register_edge_metrics(Metrics& metrics, const EdgeCounters& sessions,
                           const ServerSideCounters& server, const FanoutCounters& fanout,
                           const BrokerLink& link, const http::ServerCounters& http);
void register_presence_metrics(Metrics& metrics, const PresenceCounters& counters);
void register_handoff_metrics(Metrics& metrics, const HandoffCounters& counters);

}  // namespace tako::edge
