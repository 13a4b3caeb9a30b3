// EdgeChannels: the channels that one edge listens to, a cursor for each, and the pump.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

#include "broker/channel/channel_table.h"
#include "broker/channel/subscription.h"
#include "broker/edge_outbox.h"

namespace tako::broker {

// Chosen by the edge, unique among its live subscriptions.
using ChannelNumber = std::uint32_t;

//   appended ──▶ dirty: a ─ b ─ c ──pump_one()──▶ outbox     one share of a's messages; a goes to
//                     ▲         │                            the back when it has more
//                     └─────────┘
//
// However many messages wait for the edge, a channel is at most one entry of the list: the log is
// the queue.
class EdgeChannels {
 public:
  EdgeChannels(ChannelTable& table, EdgeOutbox& outbox, FrameSink& sink, LinkCounters& counters);
  ~EdgeChannels();
  EdgeChannels(const EdgeChannels&) = delete;
  EdgeChannels& operator=(const EdgeChannels&) = delete;

  [[nodiscard]] bool contains(ChannelNumber number) const { return channels_.contains(number); }
  [[nodiscard]] std::size_t size() const { return channels_.size(); }

  // How the cursor was judged is in the subscription. Not with a number that is in use.
  const Subscription& subscribe(ChannelNumber number, const ChannelIdentity& identity,
                                const std::optional<Cursor>& from);
  // These two do nothing for a number that is not in use: it may have been refused.
  void unsubscribe(ChannelNumber number);
  void occupancy(ChannelNumber number, std::uint32_t subscribers);
  void clear();

  [[nodiscard]] bool has_dirty() const { return dirty_first_ != nullptr; }
  // Adds one channel's share to the outbox. Only with room, and with a dirty channel.
  void pump_one();

 private:
  struct EdgeChannel;
  void mark_dirty(EdgeChannel& channel);
  void unmark_dirty(EdgeChannel& channel);
  void pump(EdgeChannel& channel);
  void await_load(EdgeChannel& channel, bool is_loading);
  void end_load();
  void pass_ephemeral(EdgeChannel& channel, const MessagePtr& message);

  ChannelTable& table_;
  EdgeOutbox& outbox_;
  FrameSink& sink_;
  LinkCounters& counters_;
  std::unordered_map<ChannelNumber, std::unique_ptr<EdgeChannel>> channels_;
  EdgeChannel* dirty_first_ = nullptr;
  EdgeChannel* dirty_last_ = nullptr;
  // Runs that are being read from disk, or were and have not been pulled yet: each is in memory, so
  // they are few, and other channels wait.
  std::size_t loads_ = 0;
  std::deque<ChannelNumber> waiting_to_load_;
};

}  // namespace tako::broker
