// ChannelTable: finds, makes and forgets channels; tells their sinks what the log has for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/channel/channel.h"
#include "broker/channel/definitions_registry.h"
#include "broker/log/log_engine.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

struct ChannelCounters {
  std::uint64_t created_total = 0;
  std::uint64_t forgotten_total = 0;  // of their last message and subscriber; heads are remembered
};

class ChannelTable final : private LogObserver {
 public:
  // All references outlive the table.
  ChannelTable(LogEngine& log, const DefinitionsRegistry& definitions, const Clock& clock,
               const RuntimeLimits& limits, LimitCounters& limit_counters);
  ~ChannelTable();
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  // Takes in what the log has from an earlier process. Once, before anything else, when the
  // definitions that the process knows have been put.
  void restore();
  // nullptr when the channel has neither messages nor subscribers. Pointers are good until the
  // next call of tick() or the end of the last subscription.
  [[nodiscard]] Channel* find(std::string_view app, std::string_view key);
  // Finds or makes. Who opens subscribes or publishes at once; else tick() takes it away again.
  [[nodiscard]] Channel& open(const ChannelIdentity& identity);
  // What the channel can give; of one without a record its remembered head, or `0-<base epoch>`.
  // Makes no record.
  [[nodiscard]] ReplayWindow window(std::string_view app, std::string_view key);
  [[nodiscard]] ReplayWindow window(const Channel& channel) {
    return log_.window(channel.stream());
  }
  [[nodiscard]] std::size_t messages(const Channel& channel);

  // Each channel of `app`, in no order. `visit` must not open or end channels.
  void for_each(std::string_view app, const std::function<void(const Channel&)>& visit);
  [[nodiscard]] std::size_t size() const { return channels_.size(); }
  [[nodiscard]] const ChannelCounters& counters() const { return counters_; }
  [[nodiscard]] LogEngine& log() { return log_; }
  [[nodiscard]] const RuntimeLimits& limits() const { return limits_; }
  [[nodiscard]] LimitCounters& limit_counters() { return limit_counters_; }

  // Housekeeping, from a timer (100 ms): trims the log, tells it of changed definitions, forgets
  // idle channels; a bounded number per call.
  void tick();
  // Forgets the channel now if nothing keeps it: no message, subscriber, append or key.
  void forget_if_idle(Channel& channel);
  // Drops keys that have left the channel's window.
  void expire_keys(Channel& channel);
  [[nodiscard]] std::size_t idempotency_keys() const { return idempotency_keys_; }

 private:
  friend class Publisher;

  void on_readable(StreamId stream) override;
  // Tells the log of the channel's definition when it changed.
  void refresh_retention(Channel& channel);
  [[nodiscard]] Retention retention_of(const Channel& channel) const;
  // How long the head of a channel that is forgotten now is remembered.
  [[nodiscard]] std::int64_t head_ttl_ms(const Channel& channel) const;
  void visit(Channel& channel);
  Channel& add(std::unique_ptr<Channel> made);
  void restore_keys(Channel& channel, const std::vector<RecoveredKey>& keys);
  void forget(Channel& channel);

  LogEngine& log_;
  const DefinitionsRegistry& definitions_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  ChannelCounters counters_;
  // Keys are views of Channel::qualified_key(): one copy of it.
  std::unordered_map<std::string_view, std::unique_ptr<Channel>> channels_;
  std::vector<Channel*> by_stream_;
  std::size_t idempotency_keys_ = 0;  // of all channels
  std::size_t next_visited_ = 0;      // where the next tick() goes on
};

}  // namespace tako::broker
