// Channel: one named stream of messages at the broker: who it is, who listens, which keys were
// used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/channel/channel_identity.h"
#include "broker/channel/idempotency_table.h"
#include "broker/log/log_engine.h"

namespace tako::broker {

// Someone downstream who wants to hear of a channel. Only marks or drops: reading is pulling
// (Subscription::pull), so nobody keeps a queue of messages per subscriber. Neither call may make
// or end a subscription: the channel is going through its sinks.
class Sink {
 public:
  // There is more to pull.
  virtual void on_appended() = 0;
  // A live message that is stored nowhere: pass it on now, or drop and count it.
  virtual void on_ephemeral(const MessagePtr& message) = 0;

 protected:
  ~Sink() = default;
};

// Made and forgotten by ChannelTable. Head, epoch and messages are the log's: others may append.
class Channel {
 public:
  Channel(ChannelIdentity identity, std::string qualified_key)
      : identity_(std::move(identity)), qualified_key_(std::move(qualified_key)) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] const std::string& qualified_key() const { return qualified_key_; }
  [[nodiscard]] const std::string& app() const { return identity_.app; }
  [[nodiscard]] const std::string& name() const { return identity_.name; }
  [[nodiscard]] const std::string& key() const { return identity_.key; }
  [[nodiscard]] const std::string& params_json() const { return identity_.params_json; }
  [[nodiscard]] StreamId stream() const { return stream_; }
  // Clients behind all edges, and streams of the app API.
  [[nodiscard]] std::size_t subscribers() const { return subscribers_; }

 private:
  friend class ChannelTable;
  friend class Publisher;
  friend class Subscription;

  ChannelIdentity identity_;
  std::string qualified_key_;
  std::vector<Sink*> sinks_;
  std::unique_ptr<IdempotencyTable> keys_;  // made at the first key: most channels have none
  std::size_t subscribers_ = 0;
  // Whose retention the log has been told; at first none, whatever the number.
  std::uint64_t definitions_version_ = std::numeric_limits<std::uint64_t>::max();
  Retention retention_;
  std::uint32_t appends_in_flight_ = 0;  // not forgotten meanwhile
  StreamId stream_ = 0;
};

}  // namespace tako::broker
