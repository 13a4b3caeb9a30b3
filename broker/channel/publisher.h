// Publisher: checks, appends and acknowledges messages: single, batch, atomic, ephemeral.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/channel/channel_table.h"
#include "broker/cluster/cluster_engine.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// Whose idempotency keys these are: the app's and the clients' never meet.
enum class PublisherKind : std::uint8_t { App, Client };

struct PublishRequest {
  ChannelIdentity channel;  // from DefinitionsRegistry::resolve_*, or as an edge resolved it
  MessageDraft message;     // message_id: the idempotency key; subject: its scope for a client
  bool ephemeral = false;
  PublisherKind publisher = PublisherKind::App;
};

struct Published {
  Position position;      // of the first message under this key when repeated; offset 0: ephemeral
  MessagePtr message;     // as stored; null when it was evicted meanwhile (repeated)
  bool repeated = false;  // this idempotency key was used before: nothing new was stored
};
using OnPublished = std::function<void(Result<Published>)>;
// By position; a repeated atomic batch gives its first message's position for each.
using OnBatchPublished = std::function<void(std::vector<Result<Published>>)>;

struct PublishCounters {
  std::uint64_t published_total = 0;
  std::uint64_t ephemeral_total = 0;
  std::uint64_t repeated_total = 0;
  std::uint64_t refused_total = 0;
};

class Publisher {
 public:
  // All references outlive the publisher.
  Publisher(ChannelTable& table, ClusterEngine& cluster, const DefinitionsRegistry& definitions,
            const Clock& clock, const RuntimeLimits& limits, LimitCounters& limit_counters);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Every callback comes exactly once, possibly before the call returns. What an acknowledgement
  // promises is LogEngine::ack().
  // Errors: AppUnknown, ChannelUnknown, BadRequest (type, key), PayloadTooLarge, EphemeralWithKey,
  // IdempotencyKeyReused, IdempotencyTableFull, LogFull.
  void publish(PublishRequest request, OnPublished on_published);
  // Each for itself; one that is refused doesn't hold up the others.
  void publish_each(std::vector<PublishRequest> requests, OnBatchPublished on_published);
  // All or none, delivered together. All of one channel and publisher, none ephemeral; `batch_key`
  // is the one idempotency key (may be empty), and the messages have none of their own.
  // Errors as publish(), and BatchInvalid (several channels, more messages than the channel keeps).
  void publish_atomic(std::vector<PublishRequest> requests, std::string batch_key,
                      OnBatchPublished on_published);

  [[nodiscard]] AckKind ack() const;
  [[nodiscard]] const PublishCounters& counters() const { return counters_; }

 private:
  [[nodiscard]] Result<void> check(const PublishRequest& request);
  void publish_ephemeral(const PublishRequest& request, const OnPublished& on_published);

  ChannelTable& table_;
  ClusterEngine& cluster_;
  const DefinitionsRegistry& definitions_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  PublishCounters counters_;
};

}  // namespace tako::broker
