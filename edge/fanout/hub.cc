// Opens and closes feeds, looks after their sums, and passes the broker's words to the right one.
#include "edge/fanout/hub.h"

#include <utility>

#include "common/channel_name.h"
#include "common/limits.h"

namespace tako::edge {

ChannelHub::ChannelHub(BrokerPort& broker, const Clock& clock, const Encoders& encoders,
                       const RuntimeLimits& limits, LimitCounters& limit_counters)
    : broker_(broker),
      clock_(clock),
      limits_(limits),
      limit_counters_(limit_counters),
      context_{.host = *this,
               .broker = broker,
               .clock = clock,
               .encoders = encoders,
               .limits = limits,
               .limit_counters = limit_counters,
               .counters = counters_,
               .frames = {}} {}

ChannelHub::~ChannelHub() {
  // One by one: a feed that goes tells the hub of its occupancy.
  while (!slots_.empty()) close(slots_.begin()->first);
}

void ChannelHub::join(Subscriber& subscriber, const ChannelIdentity& channel, FeedRules rules,
                      const Join& join) {
  const std::string qualified_key = make_qualified_key(channel.app, channel.key);
  Slot* slot = nullptr;
  if (const auto found = numbers_.find(qualified_key); found != numbers_.end()) {
    slot = slot_of(found->second);
    slot->feed->set_rules(rules);
  } else {
    slot = open(qualified_key, channel, rules);
  }
  if (slot == nullptr) {
    ++limit_counters_.feeds_max;
    subscriber.on_ended(Error{ErrorCode::LimitReached, "this edge serves too many channels", 0});
    return;
  }
  slot->unused_since_ms = 0;
  Feed& feed = *slot->feed;
  if (feed.join(subscriber, join)) joining_.push_back({clock_.monotonic_ms(), feed.number()});
}

std::vector<ChannelNumber> ChannelHub::covered_by(const Revocation& revocation) const {
  std::vector<ChannelNumber> numbers;
  if (!revocation.key.empty()) {
    const auto found = numbers_.find(make_qualified_key(revocation.app, revocation.key));
    if (found != numbers_.end()) numbers.push_back(found->second);
    return numbers;
  }
  for (const auto& [number, slot] : slots_) {
    if (revocation.covers(slot.feed->channel())) numbers.push_back(number);
  }
  return numbers;
}

ChannelHub::Slot* ChannelHub::slot_of(ChannelNumber number) {
  const auto found = slots_.find(number);
  return found == slots_.end() ? nullptr : &found->second;
}

ChannelHub::Slot* ChannelHub::open(const std::string& qualified_key, const ChannelIdentity& channel,
                                   FeedRules rules) {
  if (slots_.size() >= limits_.feeds_max && !close_one_unused()) return nullptr;
  const ChannelNumber number = ++last_number_;
  Slot& slot = slots_[number];
  slot.feed = std::make_unique<Feed>(context_, number, channel, rules);
  slot.warmth = warm_.end();
  slot.qualified_key = &numbers_.emplace(qualified_key, number).first->first;
  return &slot;
}

void ChannelHub::close(ChannelNumber number) {
  const auto found = slots_.find(number);
  if (found->second.feed->state() != Feed::State::Idle) broker_.unsubscribe(number);
  if (found->second.warmth != warm_.end()) warm_.erase(found->second.warmth);
  numbers_.erase(*found->second.qualified_key);
  const std::unique_ptr<Feed> feed = std::move(found->second.feed);
  slots_.erase(found);
}

bool ChannelHub::close_one_unused() {
  while (!unused_.empty()) {
    const Due due = unused_.front();
    unused_.pop_front();
    const Slot* slot = slot_of(due.number);
    if (slot == nullptr || slot->unused_since_ms != due.since_ms) continue;
    close(due.number);
    return true;
  }
  return false;
}

void ChannelHub::on_link_up() {
  private_ended_ = false;
  for (auto& [number, slot] : slots_) {
    slot.reported = 0;
    // One that was opened since the link stands has subscribed already.
    if (slot.feed->state() == Feed::State::Idle) slot.feed->subscribe();
    on_occupancy_changed(*slot.feed);
  }
}

void ChannelHub::on_link_down() {
  for (auto& [number, slot] : slots_) slot.feed->on_link_down();
}

void ChannelHub::on_subscribed(ChannelNumber number, const Subscribed& subscribed) {
  if (Slot* slot = slot_of(number)) slot->feed->on_subscribed(subscribed);
}

void ChannelHub::on_delivery(ChannelNumber number, Delivery delivery) {
  if (Slot* slot = slot_of(number)) slot->feed->on_delivery(std::move(delivery));
}

void ChannelHub::on_occupancy_changed(Feed& feed) {
  Slot* slot = slot_of(feed.number());
  if (slot == nullptr) return;  // It is being closed.
  if (feed.subscribers() == 0) {
    slot->unused_since_ms = clock_.monotonic_ms();
    unused_.push_back({slot->unused_since_ms, feed.number()});
  }
  if (slot->is_occupancy_dirty) return;
  slot->is_occupancy_dirty = true;
  occupancy_dirty_.push_back(feed.number());
}

void ChannelHub::on_cache_changed(Feed& feed) {
  Slot* slot = slot_of(feed.number());
  if (slot == nullptr || feed.cached_bytes() == 0) return;
  if (slot->warmth == warm_.end()) {
    slot->warmth = warm_.insert(warm_.end(), feed.number());
  } else {
    warm_.splice(warm_.end(), warm_, slot->warmth);
  }
  if (counters_.cached_bytes > limits_.tail_caches_bytes_max) drop_coldest(feed);
}

void ChannelHub::drop_coldest(const Feed& but) {
  while (counters_.cached_bytes > limits_.tail_caches_bytes_max && warm_.front() != but.number()) {
    Slot& coldest = *slot_of(warm_.front());
    warm_.pop_front();
    coldest.warmth = warm_.end();
    coldest.feed->drop_cache();
    ++limit_counters_.tail_caches_bytes_max;
  }
}

void ChannelHub::retry_later(Feed& feed) { retries_.push_back(feed.number()); }

void ChannelHub::fetch_for(Feed& feed, std::uint32_t fetch, FetchRequest request) {
  broker_.fetch(std::move(request), [this, number = feed.number(), fetch](Result<FetchPage> page) {
    if (Slot* slot = slot_of(number)) slot->feed->on_page(fetch, std::move(page));
  });
}

void ChannelHub::tick() {
  for (const ChannelNumber number : std::exchange(retries_, {})) {
    if (Slot* slot = slot_of(number)) slot->feed->retry();
  }
  end_waits();
  end_private();
  report_occupancy();
  close_unused();
}

void ChannelHub::report_occupancy() {
  for (const ChannelNumber number : std::exchange(occupancy_dirty_, {})) {
    Slot* slot = slot_of(number);
    if (slot == nullptr) continue;
    slot->is_occupancy_dirty = false;
    const auto subscribers = static_cast<std::uint32_t>(slot->feed->subscribers());
    if (subscribers == slot->reported || slot->feed->state() == Feed::State::Idle) continue;
    slot->reported = subscribers;
    broker_.occupancy(number, subscribers);
  }
}

void ChannelHub::close_unused() {
  const std::int64_t now = clock_.monotonic_ms();
  while (!unused_.empty() && unused_.front().since_ms + limits_.feed_linger_ms <= now) {
    const Due due = unused_.front();
    unused_.pop_front();
    const Slot* slot = slot_of(due.number);
    if (slot == nullptr || slot->unused_since_ms != due.since_ms) continue;
    ++limit_counters_.feed_linger_ms;
    close(due.number);
  }
}

// Without a link from its loss on, with one from the join on.
void ChannelHub::end_waits() {
  const std::int64_t now = clock_.monotonic_ms();
  const bool is_linked = broker_.is_linked();
  const std::int64_t unlinked_ms = is_linked ? 0 : now - broker_.unlinked_since_ms();
  const std::int64_t restart_until = broker_.restart_until_ms();
  while (!joining_.empty()) {
    const Due due = joining_.front();
    std::int64_t waited = now - due.since_ms;
    if (!is_linked) waited = std::min(waited, unlinked_ms);
    const std::int64_t patience = is_linked ? limits::kJoinWaitMs : limits_.link_wait_ms;
    // A broker that said goodbye is waited for longer.
    const bool waits_for_restart = !is_linked && now - waited + patience < restart_until;
    if (waits_for_restart ? now < restart_until : waited < patience) return;
    joining_.pop_front();
    count_wait(is_linked, waits_for_restart);
    if (Slot* slot = slot_of(due.number)) {
      slot->feed->end_joining(due.since_ms,
                              Error{ErrorCode::Unavailable, "the broker does not answer", 0});
    }
  }
}

void ChannelHub::count_wait(bool is_linked, bool waited_for_restart) {
  if (is_linked) {
    ++limit_counters_.join_wait_ms;
  } else {
    ++(waited_for_restart ? limit_counters_.link_restart_wait_ms : limit_counters_.link_wait_ms);
  }
}

void ChannelHub::end_private() {
  if (broker_.is_linked() || private_ended_) return;
  if (clock_.monotonic_ms() - broker_.unlinked_since_ms() < limits_.link_lost_serve_ms) return;
  private_ended_ = true;
  ++limit_counters_.link_lost_serve_ms;
  for (auto& [number, slot] : slots_) {
    slot.feed->end_private(Error{ErrorCode::Unavailable, "the link to the broker is lost", 0});
  }
}

}  // namespace tako::edge
