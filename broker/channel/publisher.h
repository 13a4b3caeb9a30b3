// Publisher: checks, appends and acknowledges messages: single, batch, atomic, ephemeral.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
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
  struct Append;
  struct Gathering;
  struct ToStore {
    ChannelIdentity channel;
    PublisherKind publisher;
    std::string key;  // idempotency key, may be empty
    std::vector<MessageDraft> batch;
  };

  [[nodiscard]] Result<void> check(const PublishRequest& request);
  [[nodiscard]] Result<void> check_key(std::string_view key, std::string_view subject);
  [[nodiscard]] Result<void> check_atomic(const std::vector<PublishRequest>& requests,
                                          std::string_view batch_key);
  void publish_ephemeral(const PublishRequest& request, const OnPublished& on_published);
  // Answers with one result per message of the batch.
  void store(ToStore request, OnBatchPublished on_published);
  // True: append now. False: the key was used, and `on_published` has been or will be answered.
  [[nodiscard]] bool claim_key(const Append& append, const std::vector<MessageDraft>& batch,
                               const OnBatchPublished& on_published);
  [[nodiscard]] bool is_table_full(const Channel& channel);
  void refuse(ErrorCode code, std::size_t count, const OnBatchPublished& on_published);
  void finish(const Append& append, Result<std::vector<MessagePtr>> stored,
              const OnBatchPublished& on_published);
  [[nodiscard]] std::vector<Result<Published>> repeated(const Channel& channel,
                                                        const Position& first, std::size_t count);

  ChannelTable& table_;
  ClusterEngine& cluster_;
  const DefinitionsRegistry& definitions_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  PublishCounters counters_;
  std::list<Gathering> batches_;
};

}  // namespace tako::broker
