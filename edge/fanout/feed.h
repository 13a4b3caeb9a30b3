// Feed: one channel at this edge; a cursor at the broker in front, one cursor per subscriber
// behind.
//
//   Idle --subscribe--> Subscribing --Subscribed--> Live
//    ^                       |                       |
//    +--- link down, refused +------ link down ------+      (clients, cache and head are kept)
//
// Live delivery, replay, catching up and what follows a lost link are one mechanism: a subscriber
// at the head with room gets a message as it comes; any other has a cursor, and pump() sends what
// follows it from the tail cache, or asks the broker for it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "edge/fanout/broker_port.h"
#include "edge/fanout/counters.h"
#include "edge/fanout/encoder.h"
#include "edge/fanout/subscriber.h"
#include "edge/fanout/tail_cache.h"

namespace tako::edge {

// How long and how many messages a definition lets the cache keep.
struct FeedRules {
  std::int64_t replay_window_ms = 0;  // 0: no bound by time
  std::size_t messages_max = 0;       // 0: the edge's own bound
  friend bool operator==(const FeedRules&, const FeedRules&) = default;
};

// What a feed needs of the hub around it.
class FeedHost {
 public:
  virtual ~FeedHost() = default;
  virtual void on_occupancy_changed(Feed& feed) = 0;
  // The feed was used; the hub looks after the sum over all caches.
  virtual void on_cache_changed(Feed& feed) = 0;
  // Calls Feed::retry() a little later.
  virtual void retry_later(Feed& feed) = 0;
  // Answers with Feed::on_page(), maybe from within, unless the feed is gone by then.
  virtual void fetch_for(Feed& feed, std::uint32_t fetch, FetchRequest request) = 0;
};

struct FeedContext {
  FeedHost& host;
  BrokerPort& broker;
  const Clock& clock;
  const Encoders& encoders;
  const RuntimeLimits& limits;
  LimitCounters& limit_counters;
  FanoutCounters& counters;
  std::vector<const SharedBytes*> frames;  // scratch of one delivery
};

class Feed {
 public:
  enum class State : std::uint8_t { Idle, Subscribing, Live };

  Feed(FeedContext& context, ChannelNumber number, ChannelIdentity channel, FeedRules rules);
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed();

  // Subscribes at the broker, at the head known so far if there is one. Not while Live.
  void subscribe();
  void on_link_down();
  void on_subscribed(const Subscribed& subscribed);
  void on_delivery(Delivery delivery);
  void on_page(std::uint32_t fetch, Result<FetchPage> page);

  // True when it could not start at once, and waits for the broker.
  bool join(Subscriber& subscriber, const Join& join);
  void leave(Subscriber& subscriber);
  void pump(Subscriber& subscriber);
  void pause(Subscriber& subscriber);
  // Again for those who wait for the broker, after an answer that could not be used.
  void retry();
  // Lets go of those who wait since before `joined_before_ms` and have not started.
  void end_joining(std::int64_t joined_before_ms, const Error& error);
  // The link has been away for too long: channels whose access nobody can take back are not served.
  void end_private(const Error& error);
  void end_all(const Error& error);
  // Visits every subscriber. A visit may let subscribers leave.
  template <typename Visit>
  void for_each(Visit visit) {
    for_each_live(visit);
    for_each_waiting(visit);
  }
  void set_rules(FeedRules rules) { rules_ = rules; }
  void drop_cache();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] ChannelNumber number() const { return number_; }
  [[nodiscard]] const ChannelIdentity& channel() const { return channel_; }
  [[nodiscard]] std::size_t subscribers() const;
  [[nodiscard]] std::size_t cached_bytes() const { return cache_.bytes(); }
  [[nodiscard]] Position position_of(const Subscriber& subscriber) const;
  [[nodiscard]] Position head() const { return {window_.head, window_.epoch}; }

 private:
  using Place = Subscriber::Place;
  struct LiveEntry {  // what the hot loop touches lies side by side
    FrameSink* sink;
    Subscriber* subscriber;
  };
  static constexpr Cursor kFromOldest{.from_oldest = true, .position = {}};
  struct Fetch {
    std::uint32_t id;
    Cursor after;
    std::int64_t since_ms = 0;  // not 0: only the first message since then, as a place to start at

    [[nodiscard]] bool asks_like(const Fetch& other) const {
      return after == other.after && since_ms == other.since_ms;
    }
  };

  // feed.cc: who is in, and where
  void put(Subscriber& subscriber, Place place);
  void take_out(Subscriber& subscriber);
  void end(Subscriber& subscriber, const Error& error);
  template <typename Visit>
  void for_each_waiting(Visit visit);
  template <typename Visit>
  void for_each_live(Visit visit);

  // feed_history.cc: what the broker says of the history
  void take_window(Delivery& delivery);
  void lose_history(ReplayWindow window, std::uint64_t base, GapReason reason);
  [[nodiscard]] std::size_t dense_prefix(std::span<const MessagePtr> messages) const;
  void take_run(std::span<const MessagePtr> run);
  void trim_cache();
  void account();
  [[nodiscard]] std::uint64_t first_cached() const;

  // feed_start.cc: where a subscriber starts
  // Goes on where another edge has stopped; false: this feed knows another history, or is about to.
  [[nodiscard]] bool continue_at(Subscriber& subscriber, const Position& handed_head);
  // True when the broker had to be asked.
  [[nodiscard]] bool judge(Subscriber& subscriber);
  void start(Subscriber& subscriber, const Start& start);
  void start_from_page(Subscriber& subscriber, const FetchPage& page);
  void request_page(const Cursor& after) { begin_fetch({.id = 0, .after = after}); }
  void begin_fetch(Fetch fetch);
  void use_page(Subscriber& subscriber, const Cursor& after, const FetchPage& page);
  void give_up(const Fetch& fetch, const Error& error);
  // Has not started, and can with the answer to this.
  [[nodiscard]] static bool waits_for(const Subscriber& subscriber, const Fetch& fetch);

  // feed_rewind.cc: where one starts that wants what came before
  void set_rewind(Subscriber& subscriber, const Rewind& rewind) const;
  [[nodiscard]] Cursor behind(std::uint64_t offset) const;
  [[nodiscard]] bool find_place(Subscriber& subscriber);
  void use_place(std::int64_t since_ms, const FetchPage& page);

  // feed_pump.cc: what a subscriber gets
  void deliver_live(std::span<const MessagePtr> run);
  [[nodiscard]] bool deliver_run(const LiveEntry& entry, std::span<const MessagePtr> run);
  [[nodiscard]] std::uint64_t offset_before(std::span<const MessagePtr> run) const;
  void fall_behind(Subscriber& subscriber, std::uint64_t cursor);
  void end_slow(Subscriber& subscriber);
  void pump_range(Subscriber& subscriber, std::span<const MessagePtr> messages);
  void pump_newest(Subscriber& subscriber);
  void deliver(Subscriber& subscriber, const Message& message);
  [[nodiscard]] const SharedBytes& frame_of(const Message& message, WireForm form);
  void tell_gap(Subscriber& subscriber, const Gap& gap);

  FeedContext& context_;
  ChannelNumber number_;
  State state_ = State::Idle;
  bool has_history_ = false;  // window_ is known
  std::uint32_t last_fetch_ = 0;
  std::uint64_t ahead_to_ = 0;  // a subscriber has seen this offset: elsewhere, or in a page
  std::size_t accounted_bytes_ = 0;
  const Subscriber* starting_ = nullptr;  // within its on_started
  std::span<const MessagePtr> page_;      // the page that a subscriber is being started from
  ChannelIdentity channel_;
  FeedRules rules_;
  ReplayWindow window_;  // head: the last offset received, whatever the broker has beyond it
  TailCache cache_;
  std::array<std::vector<LiveEntry>, kWireForms> live_;
  std::vector<Subscriber*> waiting_;  // all others
  std::vector<Fetch> fetches_;        // in flight
};

// Backwards, because a visit may take its subscriber out, or let others leave: the last one takes
// the free place, and it has been visited. At worst one is visited twice.
template <typename Visit>
void Feed::for_each_waiting(Visit visit) {
  for (std::size_t i = waiting_.size(); i-- > 0;) {
    if (i < waiting_.size()) visit(*waiting_[i]);
  }
}

template <typename Visit>
void Feed::for_each_live(Visit visit) {
  for (std::vector<LiveEntry>& live : live_) {
    for (std::size_t i = live.size(); i-- > 0;) {
      if (i < live.size()) visit(*live[i].subscriber);
    }
  }
}

}  // namespace tako::edge
