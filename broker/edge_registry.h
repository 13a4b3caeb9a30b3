// EdgeRegistry: the edges that are linked now, and what their links work with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/channel/api_handler.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/control_stream.h"
#include "broker/channel/definitions_registry.h"
#include "broker/channel/publisher.h"
#include "broker/edge_outbox.h"
#include "broker/presence/presence_table.h"
#include "broker/webhook/webhook_dispatch.h"
#include "common/config/log.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

class EdgeLink;

// The broker's parts, as a link sees them. All of them outlive the links.
struct BrokerParts {
  ChannelTable& table;
  Publisher& publisher;
  const DefinitionsRegistry& definitions;
  ControlStream& control;
  PresenceTable& presence;
  WebhookDispatch& webhooks;
  ApiHandler& api;
  Log& log;
  const RuntimeLimits& limits;
  LimitCounters& limit_counters;
};

// Names one link for as long as this broker lives: answers that come late find it, or nothing.
using LinkId = std::uint64_t;

struct EdgeInfo {
  std::string name;
  std::size_t channels = 0;
};

class EdgeRegistry {
 public:
  explicit EdgeRegistry(const BrokerParts& parts) : parts_(parts) {}
  EdgeRegistry(const EdgeRegistry&) = delete;
  EdgeRegistry& operator=(const EdgeRegistry&) = delete;

  [[nodiscard]] const BrokerParts& parts() const { return parts_; }
  [[nodiscard]] LinkCounters& counters() { return counters_; }
  [[nodiscard]] const LinkCounters& counters() const { return counters_; }

  // Each link enters when it is made, and leaves when it ends.
  [[nodiscard]] LinkId enter(EdgeLink& link);
  void leave(LinkId id);
  [[nodiscard]] EdgeLink* find(LinkId id) const;

  // Welcomed edges.
  [[nodiscard]] std::size_t edges() const;
  [[nodiscard]] std::vector<EdgeInfo> list() const;
  // The link of the same edge process that was there before, if any.
  [[nodiscard]] EdgeLink* find_instance(std::uint64_t instance) const;

 private:
  BrokerParts parts_;
  LinkCounters counters_;
  LinkId last_id_ = 0;
  std::map<LinkId, EdgeLink*> links_;
};

}  // namespace tako::broker
