// What the fan-out counts, for metrics; each bound's counter is in common/limit_counters.h.
#pragma once

#include <cstdint>

namespace tako::edge {

struct FanoutCounters {
  std::uint64_t messages_received = 0;  // from the broker, ephemeral ones included
  std::uint64_t frames_delivered = 0;   // to subscribers
  std::uint64_t frames_encoded = 0;
  std::uint64_t ephemeral_dropped = 0;  // a subscriber was behind
  std::uint64_t conflated = 0;          // messages passed over by the policy `latest`
  std::uint64_t gaps_told = 0;
  std::uint64_t slow_disconnected = 0;  // by the policy `disconnect`
  std::uint64_t histories_lost = 0;     // per channel
  std::uint64_t holes_from_broker = 0;  // must stay 0: told as a gap nevertheless
  std::uint64_t fetches = 0;
  std::uint64_t fetches_merged = 0;
  std::uint64_t resumed_from_cache = 0;  // cursors judged without a round trip
  std::uint64_t feeds = 0;               // now
  std::uint64_t subscribers = 0;         // now
  std::uint64_t cached_bytes = 0;        // now
};

}  // namespace tako::edge
