// ClientRates: how many messages clients may send, by connection, by subject and by channel.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"
#include "common/definition.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "edge/fanout/message.h"
#include "edge/session/counters.h"
#include "edge/session/rate_bucket.h"

namespace tako::edge {

// Who sends, and where to.
struct RatedSender {
  std::uint64_t connection = 0;  // 0: none, a request by itself
  std::string_view subject;      // empty: anonymous, and bounded by the other two
  const ChannelIdentity& channel;
  const Definition& definition;  // of the channel: its clientRate holds
};

// At this edge, each with a burst of two seconds' worth. What was not used for so long is
// forgotten: an idle connection costs nothing. Over client_rate_buckets_max the one that was used
// longest ago is forgotten early, and starts again with a whole burst.
class ClientRates {
 public:
  // All outlive it.
  ClientRates(const Clock& clock, const RuntimeLimits& limits, LimitCounters& limit_counters,
              EdgeCounters& counters)
      : clock_(clock), limits_(limits), limit_counters_(limit_counters), counters_(counters) {}

  // Counts one message, or says which rate it is above: RateLimited, with the time to wait. What is
  // refused is not counted. Definitions do not share what a connection or a subject has left.
  [[nodiscard]] Result<void> take(const RatedSender& sender);
  // A name for one more connection.
  [[nodiscard]] std::uint64_t new_connection() { return ++last_connection_; }
  // Every 100 ms or so: forgets.
  void tick() { forget(kForgottenPerTick); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::size_t kForgottenPerTick = 1'000;
  static constexpr std::size_t kForgottenPerTake = 4;  // one more than a message may add

  struct Entry {
    std::string key;
    RateBucket bucket;
  };
  using Entries = std::list<Entry>;

  [[nodiscard]] std::int64_t wait_ms(const std::string& key, std::int64_t per_second) const;
  void count(const std::string& key, std::int64_t per_second);
  void forget(std::size_t most);

  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  EdgeCounters& counters_;
  std::uint64_t last_connection_ = 0;
  Entries entries_;  // the longest unused first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
};

}  // namespace tako::edge
