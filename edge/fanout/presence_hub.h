// PresenceHub: the presence of all channels at this edge; one feed for each that has clients here,
// and for a while after: so that whoever comes back is told what changed only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.h"
#include "edge/fanout/presence_feed.h"

namespace tako::edge {

class PresenceHub final : private PresenceHost {
 public:
  // All outlive the hub.
  PresenceHub(BrokerPort& broker, const Clock& clock, const PresenceEncoders& encoders,
              const RuntimeLimits& limits, LimitCounters& limit_counters);
  ~PresenceHub() override;

  // Counts the subscriber in; whether it is listed, and where its frames go, it says itself.
  void join(PresenceSubscriber& subscriber, const ChannelIdentity& channel,
            const PresenceJoin& join);

  // The presence part of BrokerEvents.
  void on_link_up();
  void on_link_down();
  void on_presence(ChannelNumber number, PresenceNews news);

  // Every 100 ms or so: tells the broker how many are here, lets quiet channels go.
  void tick();

  [[nodiscard]] const PresenceCounters& counters() const { return counters_; }

 private:
  struct Slot {
    std::unique_ptr<PresenceFeed> feed;
    const std::string* qualified_key = nullptr;  // in numbers_
    std::int64_t quiet_since_ms = 0;             // the last time that it became quiet; 0: never
    bool is_report_due = false;
  };

  void on_report_changed(PresenceFeed& feed) override;
  void on_quiet(PresenceFeed& feed) override;

  Slot* slot_of(ChannelNumber number);
  Slot& open(const ChannelIdentity& channel);
  void close(ChannelNumber number);
  void close_one_unused();
  void end_quiet();

  BrokerPort& broker_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  PresenceCounters counters_;
  PresenceContext context_;
  ChannelNumber last_number_ = 0;
  std::unordered_map<ChannelNumber, Slot> slots_;
  std::unordered_map<std::string, ChannelNumber> numbers_;  // by qualified key
  std::vector<ChannelNumber> reports_due_;
  // Times rise, so only the front is looked at; an entry may be out of date.
  struct Quiet {
    std::int64_t since_ms;
    ChannelNumber number;
  };
  std::deque<Quiet> quiet_;
};

}  // namespace tako::edge
