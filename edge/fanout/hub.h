// ChannelHub: all channels at this edge; subscribes at the broker for whoever wants one, and keeps
// a channel for a while after the last subscriber left, so that a reconnect storm finds its cache.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "edge/fanout/feed.h"
#include "edge/fanout/revocation.h"

namespace tako::edge {

class ChannelHub final : private FeedHost {
 public:
  // All outlive the hub; the broker's replies must not come after the hub is gone.
  ChannelHub(BrokerPort& broker, const Clock& clock, const Encoders& encoders,
             const RuntimeLimits& limits, LimitCounters& limit_counters);
  ~ChannelHub() override;

  // Puts the subscriber into the channel's feed. on_started or on_ended follows, maybe from within.
  // Ends with: LimitReached (feeds_max), Unavailable (no broker for limits::kLinkWaitMs), or what
  // the broker refuses with.
  void join(Subscriber& subscriber, const ChannelIdentity& channel, FeedRules rules,
            const Join& join);

  // Visits all that are in a channel that the revocation covers. A visit may let subscribers leave.
  template <typename Visit>
  void for_each_subscriber(const Revocation& revocation, Visit visit);

  // The channel part of BrokerEvents.
  void on_link_up();
  void on_link_down();
  void on_subscribed(ChannelNumber number, const Subscribed& subscribed);
  void on_delivery(ChannelNumber number, Delivery delivery);

  // Every 100 ms or so: reports occupancy, lets unused channels go, ends waits that were too long.
  void tick();

  [[nodiscard]] const FanoutCounters& counters() const { return counters_; }

 private:
  struct Slot {
    std::unique_ptr<Feed> feed;
    std::list<ChannelNumber>::iterator warmth;   // in warm_; its end when nothing is cached
    const std::string* qualified_key = nullptr;  // in numbers_
    std::int64_t unused_since_ms = 0;            // 0: in use
    std::uint32_t reported = 0;                  // occupancy that the broker knows
    bool is_occupancy_dirty = false;
  };

  void on_occupancy_changed(Feed& feed) override;
  void on_cache_changed(Feed& feed) override;
  void retry_later(Feed& feed) override;
  void fetch_for(Feed& feed, std::uint32_t fetch, FetchRequest request) override;

  [[nodiscard]] std::vector<ChannelNumber> covered_by(const Revocation& revocation) const;
  Slot* slot_of(ChannelNumber number);
  Slot* open(const std::string& qualified_key, const ChannelIdentity& channel, FeedRules rules);
  bool close_one_unused();
  void close(ChannelNumber number);
  void report_occupancy();
  void close_unused();
  void end_waits();
  void count_wait(bool is_linked, bool waited_for_restart);
  void end_private();
  void drop_coldest(const Feed& but);

  BrokerPort& broker_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  FanoutCounters counters_;
  FeedContext context_;
  ChannelNumber last_number_ = 0;
  bool private_ended_ = false;  // in this outage
  std::unordered_map<ChannelNumber, Slot> slots_;
  std::unordered_map<std::string, ChannelNumber> numbers_;  // by qualified key
  std::list<ChannelNumber> warm_;                           // those with a cache, the coldest first
  std::vector<ChannelNumber> occupancy_dirty_;
  std::vector<ChannelNumber> retries_;
  // Times rise, so only the front is looked at; an entry may be out of date.
  struct Due {
    std::int64_t since_ms;
    ChannelNumber number;
  };
  std::deque<Due> unused_;
  std::deque<Due> joining_;
};

template <typename Visit>
void ChannelHub::for_each_subscriber(const Revocation& revocation, Visit visit) {
  for (const ChannelNumber number : covered_by(revocation)) {
    if (Slot* slot = slot_of(number)) slot->feed->for_each(visit);
  }
}

}  // namespace tako::edge
