// Pulls from subscriptions in turn, while the link has room.
#include "broker/edge_channels.h"

#include <algorithm>
#include <utility>

#include "broker/edge_frames.h"
#include "common/check.h"
#include "common/limits.h"

namespace tako::broker {

struct EdgeChannels::EdgeChannel final : Sink {
  EdgeChannel(EdgeChannels& owning, ChannelNumber chosen, const ChannelIdentity& identity,
              const std::optional<Cursor>& from)
      : owner(owning), number(chosen), subscription(owning.table_, identity, *this, from, 0) {}

  void on_appended() override { owner.mark_dirty(*this); }
  void on_ephemeral(const MessagePtr& message) override { owner.pass_ephemeral(*this, message); }

  EdgeChannels& owner;
  const ChannelNumber number;
  bool is_dirty = false;
  bool is_loading = false;  // its next run is being read from disk
  bool waits_to_load = false;
  EdgeChannel* previous = nullptr;  // of the dirty ones
  EdgeChannel* next = nullptr;
  Subscription subscription;
};

EdgeChannels::EdgeChannels(ChannelTable& table, EdgeOutbox& outbox, FrameSink& sink,
                           LinkCounters& counters)
    : table_(table), outbox_(outbox), sink_(sink), counters_(counters) {}

EdgeChannels::~EdgeChannels() { clear(); }

const Subscription& EdgeChannels::subscribe(ChannelNumber number, const ChannelIdentity& identity,
                                            const std::optional<Cursor>& from) {
  const auto [entry, is_new] =
      channels_.emplace(number, std::make_unique<EdgeChannel>(*this, number, identity, from));
  TAKO_CHECK(is_new);
  EdgeChannel& channel = *entry->second;
  if (!channel.subscription.is_at_head()) mark_dirty(channel);
  return channel.subscription;
}

void EdgeChannels::unsubscribe(ChannelNumber number) {
  const auto found = channels_.find(number);
  if (found == channels_.end()) return;
  unmark_dirty(*found->second);
  const bool was_loading = found->second->is_loading;
  channels_.erase(found);
  if (was_loading) end_load();
}

void EdgeChannels::occupancy(ChannelNumber number, std::uint32_t subscribers) {
  const auto found = channels_.find(number);
  if (found != channels_.end()) found->second->subscription.set_subscribers(subscribers);
}

void EdgeChannels::clear() {
  dirty_first_ = dirty_last_ = nullptr;
  waiting_to_load_.clear();
  loads_ = 0;
  channels_.clear();
}

void EdgeChannels::pump_one() {
  TAKO_CHECK(dirty_first_ != nullptr);
  EdgeChannel& channel = *dirty_first_;
  unmark_dirty(channel);
  pump(channel);
}

void EdgeChannels::pump(EdgeChannel& channel) {
  // Above the goal a share would not fit a frame together with a whole batch behind it.
  const std::size_t share = std::min(table_.limits().link_pump_bytes, limits::kLinkFrameBytesGoal);
  const bool may_load = channel.is_loading || loads_ < table_.limits().link_cold_reads_max;
  const Pulled pulled = channel.subscription.pull(share, may_load);
  if (pulled.state != Pulled::State::Read) {
    await_load(channel, pulled.state == Pulled::State::Loading);
    return;
  }
  if (std::exchange(channel.is_loading, false)) end_load();
  if (pulled.more) {
    ++table_.limit_counters().link_pump_bytes;
    mark_dirty(channel);
  }
  if (pulled.messages.empty() && !pulled.window) return;
  proto::Messages head;
  head.set_channel(channel.number);
  if (pulled.window) *head.mutable_window() = encode_window(*pulled.window);
  if (pulled.gap) {
    ++counters_.gaps_total;
    head.set_gap(true);
    head.set_gap_reason(static_cast<std::uint32_t>(*pulled.gap));
  }
  counters_.records_out_total += pulled.messages.size();
  outbox_.add(encode_messages(head, pulled.messages));
}

void EdgeChannels::pass_ephemeral(EdgeChannel& channel, const MessagePtr& message) {
  // What was stored in this turn goes before it.
  const auto is_open = [this] { return outbox_.has_room() && !outbox_.has_waiting_control(); };
  if (channel.is_dirty && is_open()) {
    unmark_dirty(channel);
    pump(channel);
  }
  const bool is_behind = channel.is_dirty || channel.is_loading || channel.waits_to_load;
  if (is_behind || !is_open()) {
    ++counters_.ephemeral_dropped_total;
    return;
  }
  proto::Messages head;
  head.set_channel(channel.number);
  ++counters_.records_out_total;
  outbox_.add(encode_messages(head, {&message, 1}));
}

// Not dirty meanwhile: when it has been read, or when another has, it becomes so again.
void EdgeChannels::await_load(EdgeChannel& channel, bool is_loading) {
  if (is_loading && !channel.is_loading) {
    channel.is_loading = true;
    ++loads_;
  }
  if (is_loading || channel.waits_to_load) return;
  ++table_.limit_counters().link_cold_reads_max;
  channel.waits_to_load = true;
  waiting_to_load_.push_back(channel.number);
}

void EdgeChannels::end_load() {
  --loads_;
  while (!waiting_to_load_.empty()) {
    const auto found = channels_.find(waiting_to_load_.front());
    waiting_to_load_.pop_front();
    // One that was unsubscribed may be waiting no more, or again under the same number.
    if (found == channels_.end() || !std::exchange(found->second->waits_to_load, false)) continue;
    mark_dirty(*found->second);
    return;
  }
}

void EdgeChannels::mark_dirty(EdgeChannel& channel) {
  if (channel.is_dirty) return;
  channel.is_dirty = true;
  channel.previous = dirty_last_;
  channel.next = nullptr;
  (dirty_last_ == nullptr ? dirty_first_ : dirty_last_->next) = &channel;
  dirty_last_ = &channel;
  sink_.schedule_flush();
}

void EdgeChannels::unmark_dirty(EdgeChannel& channel) {
  if (!channel.is_dirty) return;
  channel.is_dirty = false;
  (channel.previous == nullptr ? dirty_first_ : channel.previous->next) = channel.next;
  (channel.next == nullptr ? dirty_last_ : channel.next->previous) = channel.previous;
}

}  // namespace tako::broker
