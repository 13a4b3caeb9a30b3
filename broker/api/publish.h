// Publishing over the app API: one message, or a batch.
#pragma once

#include <string_view>

#include "broker/api/route.h"
#include "broker/channel/api_handler.h"
#include "broker/channel/definitions_registry.h"
#include "broker/channel/publisher.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

class PublishApi {
 public:
  // All references outlive this, and the publisher's callbacks.
  PublishApi(const DefinitionsRegistry& definitions, Publisher& publisher, LimitCounters& counters)
      : definitions_(definitions), publisher_(publisher), counters_(counters) {}

  // POST /v1/channels/<name>/messages?<params>: 201 with the message as stored; 200 for a repeated
  // key or an ephemeral one. `limits` are those of the request's app.
  void publish(const Route& route, const ApiRequest& request, const RuntimeLimits& limits,
               OnApiAnswer on_answer);
  // POST /v1/batch {"messages":[…],"atomic"?,"ack"?}: 200 {"results":[message | {"error"}],"ack"}.
  void publish_batch(const ApiRequest& request, const RuntimeLimits& limits, OnApiAnswer on_answer);

 private:
  struct Batch;
  [[nodiscard]] Result<PublishRequest> parse_single(const Route& route, const ApiRequest& request,
                                                    const RuntimeLimits& limits);
  [[nodiscard]] Result<Batch> parse_batch(const ApiRequest& request, const RuntimeLimits& limits);
  [[nodiscard]] Result<PublishRequest> parse_entry(std::string_view json, const ApiRequest& request,
                                                   const RuntimeLimits& limits);
  [[nodiscard]] Result<void> check_size(const MessageDraft& draft, const RuntimeLimits& limits);
  void publish_entries(Batch batch, const ApiRequest& request, OnApiAnswer on_answer);
  void publish_atomic(Batch batch, const ApiRequest& request, OnApiAnswer on_answer);

  const DefinitionsRegistry& definitions_;
  Publisher& publisher_;
  LimitCounters& counters_;
};

}  // namespace tako::broker
