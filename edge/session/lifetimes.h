// ConnectionTimes: the few times that end or exercise one connection, kept as plain numbers, so
// that a connection needs one deadline and no timer of its own.
#pragma once

#include <cstdint>

#include "common/random.h"

namespace tako::proto {
class TimesRecord;
}

namespace tako::edge {

// A connection's lifetime, up to a tenth shorter: connections made together don't end together.
[[nodiscard]] std::int64_t jittered_lifetime_ms(std::int64_t lifetime_ms, Random& random);

// All times are monotonic ms; 0 stands for never.
class ConnectionTimes {
 public:
  enum class Due : std::uint8_t {
    Nothing,
    Patience,  // what the client had to do in time, it has not done
    Lifetime,  // the connection, or what it is allowed, is over
    Silent,    // nothing was heard for two keepalive intervals
    Keepalive,
  };

  // The shortest interval asked for holds. The first keepalive is a whole interval away.
  void want_keepalive(std::int64_t interval_ms, std::int64_t now_ms);
  // The earliest end holds.
  void end_by(std::int64_t ms);
  void set_patience(std::int64_t until_ms) { patience_ms_ = until_ms; }
  [[nodiscard]] std::int64_t patience_ms() const { return patience_ms_; }

  // What is due first of all. A WebSocket is pinged each interval, and must be heard from.
  [[nodiscard]] Due check_websocket(std::int64_t now_ms, std::int64_t last_received_ms);
  // A comment is due when nothing was sent for an interval.
  [[nodiscard]] Due check_stream(std::int64_t now_ms, std::int64_t last_sent_ms);
  // When to check next.
  [[nodiscard]] std::int64_t next_ms() const;

  // For another process, whose clock is the same.
  void save(proto::TimesRecord& record) const;
  void restore(const proto::TimesRecord& record);

 private:
  [[nodiscard]] Due check_ends(std::int64_t now_ms) const;

  std::int64_t keepalive_interval_ms_ = 0;
  std::int64_t next_keepalive_ms_ = 0;
  std::int64_t end_ms_ = 0;
  std::int64_t patience_ms_ = 0;
};

}  // namespace tako::edge
