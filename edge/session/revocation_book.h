// RevocationBook: what was taken back lately, and who is banned, for permissions that come later:
// answers of the app that were on their way, and clients that another edge hands over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "edge/fanout/message.h"
#include "edge/fanout/revocation.h"

namespace tako::edge {

enum class TakenBack : std::uint8_t { No, Ended, Reauthorize };

// Bounded by revocations_max and revocation_keep_ms; bans by what the broker lets be.
class RevocationBook {
 public:
  RevocationBook(const Clock& clock, const RuntimeLimits& limits, LimitCounters& counters)
      : clock_(clock), limits_(limits), counters_(counters) {}

  void add(const Revocation& revocation);

  // Was it taken back, what the app was asked for at `asked_ms`? An empty subject: of nobody.
  [[nodiscard]] TakenBack find(const ChannelIdentity& channel, std::string_view subject,
                               std::int64_t asked_ms) const;
  // The earliest time of a question that is put to this app now: it is behind all that is in here,
  // whatever the clocks of two processes make of the same millisecond.
  [[nodiscard]] std::int64_t asks_from_ms(std::string_view app) const;
  // Null, or what the app says to whom it bars from the channel; maybe nothing.
  [[nodiscard]] const std::string* find_ban(const ChannelIdentity& channel,
                                            std::string_view subject) const;
  // From a timer.
  void tick();

  [[nodiscard]] std::size_t recent() const { return recent_.size(); }
  [[nodiscard]] std::size_t bans() const { return bans_.size(); }

 private:
  using Scope = std::tuple<std::string, std::string, std::string, std::string>;
  struct Recent {
    std::int64_t ended_ms = 0;        // granted before: over
    std::int64_t reauthorize_ms = 0;  // granted before: the app is asked again
    std::int64_t until_ms = 0;        // monotonic: kept so long
  };
  struct Ban {
    std::int64_t until_ms = 0;  // wall
    std::string reason;
  };
  struct Due {
    std::int64_t until_ms;
    Scope scope;
  };
  template <typename Visit>
  static bool any_scope(const ChannelIdentity& channel, std::string_view subject, Visit visit);
  void note_recent(const Revocation& revocation, const Scope& scope);
  void note_ban(const Revocation& revocation, const Scope& scope);
  // The oldest of recent_; an entry of due_ may be out of date.
  void drop_oldest();

  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& counters_;
  std::map<Scope, Recent> recent_;
  std::deque<Due> due_;  // rising
  std::map<Scope, Ban> bans_;
  std::map<std::string, std::int64_t, std::less<>> newest_ms_;  // at_ms, by app
  std::int64_t next_sweep_ms_ = 0;
  // What was dropped before its time: whatever was granted before is asked for again.
  std::int64_t dropped_at_ms_ = 0;
  std::int64_t dropped_until_ms_ = 0;
};

}  // namespace tako::edge
