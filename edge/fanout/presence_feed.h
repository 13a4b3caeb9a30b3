// PresenceFeed: one channel's presence at this edge: says who is here, and tells what the broker
// says of everybody.
//
// What is said is a state, not a history: after each link it is said anew, as it is by then. What
// is told goes to each watcher that has room, once it stands at the list's version; any other one
// is behind, and gets what it lacks when it has room: the changes since the list that it holds, as
// long as they are known, else the whole list.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "edge/fanout/broker_port.h"
#include "edge/fanout/presence_encoder.h"
#include "edge/fanout/presence_mirror.h"
#include "edge/fanout/presence_subscriber.h"

namespace tako::edge {

struct PresenceCounters {
  std::uint64_t lists_received = 0;
  std::uint64_t changes_received = 0;   // frames of them
  std::uint64_t holes_from_broker = 0;  // must stay 0: the list is asked for again
  std::uint64_t frames_told = 0;
  std::uint64_t frames_encoded = 0;
  std::uint64_t lists_told = 0;     // whole ones, to those that came or did not keep up
  std::uint64_t refused = 0;        // clients that the broker did not list
  std::uint64_t feeds = 0;          // now
  std::uint64_t watchers = 0;       // now
  std::uint64_t listed = 0;         // now
  std::uint64_t goodbyes_kept = 0;  // now: said when there is a link again
};

// What a feed needs of the hub around it.
class PresenceHost {
 public:
  virtual ~PresenceHost() = default;
  // Its report may be another one now: calls PresenceFeed::report() a little later.
  virtual void on_report_changed(PresenceFeed& feed) = 0;
  // Nobody is here, or nobody watches, any more.
  virtual void on_quiet(PresenceFeed& feed) = 0;
};

struct PresenceContext {
  PresenceHost& host;
  BrokerPort& broker;
  const PresenceEncoders& encoders;
  const RuntimeLimits& limits;
  LimitCounters& limit_counters;
  PresenceCounters& counters;
  std::uint64_t last_session = 0;
};

class PresenceFeed {
 public:
  PresenceFeed(PresenceContext& context, ChannelNumber number, ChannelIdentity channel);
  PresenceFeed(const PresenceFeed&) = delete;
  PresenceFeed& operator=(const PresenceFeed&) = delete;
  ~PresenceFeed();

  void join(PresenceSubscriber& subscriber, const PresenceJoin& join);

  // ---- What is said (presence_feed.cc).
  // The link is new: everything is said.
  void on_link_up();
  void on_link_down() { is_open_ = false; }
  // If it is another one than was said.
  void report();
  // Nobody watches: what the broker told is let go, and no more of it is wanted.
  void stop_watching();

  // ---- What is told (presence_feed_tell.cc).
  void on_news(PresenceNews news);

  [[nodiscard]] ChannelNumber number() const { return number_; }
  [[nodiscard]] const ChannelIdentity& channel() const { return channel_; }
  [[nodiscard]] std::size_t subscribers() const { return subscribers_; }
  [[nodiscard]] bool is_watched() const { return watchers_[0] + watchers_[1] > 0; }
  [[nodiscard]] bool keeps_goodbyes() const { return !goodbyes_.empty(); }
  [[nodiscard]] bool is_open() const { return is_open_; }

 private:
  friend class PresenceSubscriber;
  using Place = PresenceSubscriber::Place;
  struct Entry {  // what the hot loop touches lies side by side
    FrameSink* sink;
    PresenceSubscriber* subscriber;
  };
  using Entries = std::vector<Entry>;
  struct Goodbye {  // of a client that went while there was no link
    std::string subject;
    std::string info;
    std::string data;
    std::int64_t data_set_ms;
    std::uint64_t session;
    PresenceEnd reason;
  };
  static constexpr std::size_t kWishes = 2;  // list, counts
  [[nodiscard]] static std::size_t index_of(PresenceWish wish) {
    return static_cast<std::size_t>(wish) - 1;
  }

  // ---- presence_feed.cc
  void leave(PresenceSubscriber& subscriber, PresenceEnd reason);
  void enter(PresenceSubscriber& subscriber);
  void unlist(PresenceSubscriber& subscriber, PresenceEnd reason);
  void forget_session(PresenceSubscriber& subscriber);
  void keep_goodbye(const PresenceSubscriber& subscriber, PresenceEnd reason);
  void say_goodbyes();
  [[nodiscard]] bool can_say() const { return is_open_ && context_.broker.takes_presence(); }
  void open();
  void say_all();
  // The broker's words don't follow each other.
  void ask_anew();
  [[nodiscard]] PresenceReport make_report() const;
  void add_watcher(PresenceWish wish);
  void remove_watcher(PresenceWish wish);

  // ---- presence_feed_tell.cc
  void set_wish(PresenceSubscriber& subscriber, PresenceWish wish);
  void set_sink(PresenceSubscriber& subscriber, FrameSink* sink);
  void pump(PresenceSubscriber& subscriber);
  [[nodiscard]] std::optional<PresenceVersion> told(const PresenceSubscriber& subscriber) const;
  void put(PresenceSubscriber& subscriber, Place place);
  void take_out(PresenceSubscriber& subscriber);
  [[nodiscard]] Entries& entries_of(const PresenceSubscriber& subscriber);
  void on_list(MemberList list);
  void on_changes(PresenceChanges changes);
  void on_counts(const PresenceCounts& counts);
  void on_refusal(const PresenceRefusal& refusal);
  void tell_step(PresenceMirror::Step& step);
  // Calls `send(entry)` for those that are told of it as it comes; whoever has no room falls
  // behind.
  template <typename Send>
  void tell_current(PresenceWish wish, Send send);
  void catch_up_all(PresenceWish wish);
  // True: it has all that is known. `may_wait`: it may hold a list that this edge is about to hear.
  [[nodiscard]] bool catch_up(PresenceSubscriber& subscriber, bool may_wait);
  [[nodiscard]] bool catch_up_list(PresenceSubscriber& subscriber, bool may_wait);
  void send(PresenceSubscriber& subscriber, const SharedBytes& frame);
  // Made once for each form.
  [[nodiscard]] const SharedBytes& step_frame(PresenceMirror::Step& step, WireForm form);
  [[nodiscard]] const SharedBytes& list_frame(WireForm form);
  [[nodiscard]] const SharedBytes& counts_frame(WireForm form);

  PresenceContext& context_;
  ChannelNumber number_;
  ChannelIdentity channel_;
  bool is_open_ = false;      // on this link
  bool is_list_due_ = false;  // the broker is asked for the whole list; changes don't matter
  bool has_counts_ = false;
  PresenceReport said_;
  bool wants_list_ = false;
  bool wants_counts_ = false;
  std::size_t subscribers_ = 0;
  std::array<std::size_t, kWishes> watchers_{};
  PresenceMirror mirror_;
  FrameSet list_frames_;  // of mirror_ as it is
  PresenceCounts counts_;
  FrameSet counts_frames_;
  std::array<std::array<Entries, kWireForms>, kWishes> current_;
  Entries behind_;
  Entries silent_;
  std::unordered_map<std::uint64_t, PresenceSubscriber*> sessions_;  // those that are listed
  std::vector<Goodbye> goodbyes_;
};

}  // namespace tako::edge
