// The broker's counters under their Prometheus names.
#pragma once

#include "broker/api/api_server.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/publisher.h"
#include "broker/edge_registry.h"
#include "broker/link_server.h"
#include "broker/presence/presence_table.h"
#include "broker/state/state_store.h"
#include "broker/webhook/webhook_dispatch.h"
#include "common/config/metrics.h"

namespace tako::broker {

struct MeteredParts {
  ChannelTable& channels;
  const Publisher& publisher;
  const EdgeRegistry& edges;
  const LinkServer& links;
  const ApiServer& api;
  const StateStore& state;
  const PresenceTable& presence;
  const WebhookDispatch& webhooks;
};

// All that is passed outlives the registry.
void register_broker_metrics(Metrics& metrics, const MeteredParts& parts);

}  // namespace tako::broker
