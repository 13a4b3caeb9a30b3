// Publisher: checks, appends and acknowledges messages: single, batch, atomic, ephemeral.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
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
  std::optional<AckKind> ack = {};  // nullopt: as its app has it (Publisher::set_ack)
  // What the idempotency key stands for, where the data was made of it, each time anew; empty: the
  // data.
  std::string sent = {};
};

struct Published {
  Position position;      // of the first message under this key when repeated; offset 0: ephemeral
  MessagePtr message;     // as stored; null when it was evicted meanwhile (repeated)
  bool repeated = false;  // this idempotency key was used before: nothing new was stored
  AckKind ack = AckKind::Memory;  // what held when this was said; not for an ephemeral one
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

  // What acknowledgements of this app promise unless a publish says otherwise; else `synced`.
  void set_ack(std::string_view app, AckKind ack) { acks_[std::string(app)] = ack; }

  // Every callback comes exactly once, possibly before the call returns, unless the log fails for
  // good: then never. Published::ack says what the acknowledgement promises.
  // Errors: AppUnknown, ChannelUnknown, BadRequest (type, key), PayloadTooLarge, EphemeralWithKey,
  // IdempotencyKeyReused, IdempotencyTableFull, LogFull, LimitReached (the disk is behind),
  // Unavailable (the log is being closed).
  void publish(PublishRequest request, OnPublished on_published);
  // Each for itself; one that is refused doesn't hold up the others.
  void publish_each(std::vector<PublishRequest> requests, OnBatchPublished on_published);
  // All or none, delivered together. All of one channel and publisher, none ephemeral; `batch_key`
  // is the one idempotency key (may be empty), and the messages have none of their own; the first
  // one's `ack` is that of all.
  // Errors as publish(), and BatchInvalid (several channels, more messages than the channel keeps).
  void publish_atomic(std::vector<PublishRequest> requests, std::string batch_key,
                      OnBatchPublished on_published);

  // What a publish of this app that asks for `wanted` will be told.
  [[nodiscard]] AckKind ack(std::string_view app, std::optional<AckKind> wanted) const;
  [[nodiscard]] const PublishCounters& counters() const { return counters_; }

 private:
  struct Append;
  struct Gathering;
  struct ToStore {
    ChannelIdentity channel;
    PublisherKind publisher;
    std::optional<AckKind> ack;
    std::string key;  // idempotency key, may be empty
    std::vector<MessageDraft> batch;
    std::string sent = {};  // in place of the first one's data, for the key; empty: that
  };

  [[nodiscard]] Result<void> check(const PublishRequest& request);
  [[nodiscard]] Result<void> check_key(std::string_view key, std::string_view subject);
  [[nodiscard]] Result<void> check_atomic(const std::vector<PublishRequest>& requests,
                                          std::string_view batch_key);
  void publish_ephemeral(const PublishRequest& request, const OnPublished& on_published);
  // Answers with one result per message of the batch.
  void store(ToStore request, OnBatchPublished on_published);
  // True: append now. False: the key was used, and `on_published` has been or will be answered.
  [[nodiscard]] bool claim_key(const Append& append, const OnBatchPublished& on_published);
  [[nodiscard]] bool is_table_full(const Channel& channel);
  void refuse(ErrorCode code, std::size_t count, const OnBatchPublished& on_published);
  void finish(const Append& append, Result<std::vector<MessagePtr>> stored,
              const OnBatchPublished& on_published);
  // Answers with what is still there of the first batch under a key, once it is as safe as asked.
  void repeat(const Append& append, const Position& first, const OnBatchPublished& on_published);

  ChannelTable& table_;
  ClusterEngine& cluster_;
  const DefinitionsRegistry& definitions_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  PublishCounters counters_;
  std::map<std::string, AckKind, std::less<>> acks_;
  std::list<Gathering> batches_;
};

}  // namespace tako::broker
