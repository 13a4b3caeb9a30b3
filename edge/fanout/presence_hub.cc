// Opens and closes the feeds of presence, and passes the broker's words to the right one.
#include "edge/fanout/presence_hub.h"

#include <utility>

#include "common/channel_name.h"

namespace tako::edge {

PresenceHub::PresenceHub(BrokerPort& broker, const Clock& clock, const PresenceEncoders& encoders,
                         const RuntimeLimits& limits, LimitCounters& limit_counters)
    : broker_(broker),
      clock_(clock),
      limits_(limits),
      context_{.host = *this,
               .broker = broker,
               .encoders = encoders,
               .limits = limits,
               .limit_counters = limit_counters,
               .counters = counters_} {}

PresenceHub::~PresenceHub() = default;

void PresenceHub::join(PresenceSubscriber& subscriber, const ChannelIdentity& channel,
                       const PresenceJoin& join) {
  const auto found = numbers_.find(make_qualified_key(channel.app, channel.key));
  Slot& slot = found == numbers_.end() ? open(channel) : *slot_of(found->second);
  slot.feed->join(subscriber, join);
}

PresenceHub::Slot* PresenceHub::slot_of(ChannelNumber number) {
  const auto found = slots_.find(number);
  return found == slots_.end() ? nullptr : &found->second;
}

// Channels in use are bounded by the other hub; those that are kept for a while give way.
PresenceHub::Slot& PresenceHub::open(const ChannelIdentity& channel) {
  if (slots_.size() >= limits_.feeds_max) close_one_unused();
  const ChannelNumber number = ++last_number_;
  Slot& slot = slots_[number];
  slot.feed = std::make_unique<PresenceFeed>(context_, number, channel);
  slot.qualified_key =
      &numbers_.emplace(make_qualified_key(channel.app, channel.key), number).first->first;
  return slot;
}

void PresenceHub::close(ChannelNumber number) {
  const auto found = slots_.find(number);
  if (found->second.feed->is_open()) broker_.presence_close(number);
  numbers_.erase(*found->second.qualified_key);
  slots_.erase(found);
}

void PresenceHub::close_one_unused() {
  while (!quiet_.empty()) {
    const ChannelNumber number = quiet_.front().number;
    quiet_.pop_front();
    const Slot* slot = slot_of(number);
    if (slot == nullptr || slot->feed->subscribers() > 0) continue;
    return close(number);
  }
}

void PresenceHub::on_link_up() {
  for (auto& [number, slot] : slots_) slot.feed->on_link_up();
}

void PresenceHub::on_link_down() {
  for (auto& [number, slot] : slots_) slot.feed->on_link_down();
}

void PresenceHub::on_presence(ChannelNumber number, PresenceNews news) {
  if (Slot* slot = slot_of(number)) slot->feed->on_news(std::move(news));
}

void PresenceHub::on_report_changed(PresenceFeed& feed) {
  Slot* slot = slot_of(feed.number());
  if (slot == nullptr || slot->is_report_due) return;
  slot->is_report_due = true;
  reports_due_.push_back(feed.number());
}

void PresenceHub::on_quiet(PresenceFeed& feed) {
  Slot* slot = slot_of(feed.number());
  if (slot == nullptr) return;
  slot->quiet_since_ms = clock_.monotonic_ms();
  quiet_.push_back({slot->quiet_since_ms, feed.number()});
}

void PresenceHub::tick() {
  for (const ChannelNumber number : std::exchange(reports_due_, {})) {
    Slot* slot = slot_of(number);
    if (slot == nullptr) continue;
    slot->is_report_due = false;
    slot->feed->report();
  }
  end_quiet();
}

void PresenceHub::end_quiet() {
  const std::int64_t now = clock_.monotonic_ms();
  for (std::size_t left = quiet_.size(); left > 0; --left) {  // More may come from within.
    if (quiet_.front().since_ms + limits_.feed_linger_ms > now) return;
    const Quiet due = quiet_.front();
    quiet_.pop_front();
    Slot* slot = slot_of(due.number);
    if (slot == nullptr || slot->quiet_since_ms != due.since_ms) continue;
    if (slot->feed->subscribers() > 0) {
      slot->feed->stop_watching();
    } else if (slot->feed->keeps_goodbyes()) {
      on_quiet(*slot->feed);  // They are still to be said.
    } else {
      close(due.number);
    }
  }
}

}  // namespace tako::edge
