// What the edge's sessions count, for metrics; each bound's counter is in common/limit_counters.h.
#pragma once

#include <cstdint>

namespace tako::edge {

struct EdgeCounters {
  std::uint64_t websockets_opened = 0;
  std::uint64_t event_streams_opened = 0;
  std::uint64_t subscriptions_started = 0;
  std::uint64_t subscriptions_resumed = 0;  // at a cursor, with nothing missing
  std::uint64_t subscriptions_refused = 0;  // of any cause
  std::uint64_t refused_by_app = 0;
  std::uint64_t refused_by_origin = 0;
  std::uint64_t refused_cursors = 0;    // 410, 4410
  std::uint64_t envelopes_missing = 0;  // 4401 after auth_envelope_ms
  std::uint64_t lifetimes_over = 0;
  std::uint64_t authorizations_expired = 0;
  std::uint64_t permissions_renewed = 0;  // the app said yes again
  std::uint64_t permissions_revoked = 0;  // met by a disconnect
  std::uint64_t silent_dropped = 0;       // no frame for two keepalive intervals
  std::uint64_t keepalives_sent = 0;
  std::uint64_t client_messages = 0;  // published for clients
  std::uint64_t client_messages_refused = 0;
  std::uint64_t rate_limited_by_connection = 0;  // refused: above the definition's clientRate
  std::uint64_t rate_limited_by_subject = 0;
  std::uint64_t rate_limited_by_channel = 0;
  std::uint64_t history_reads = 0;
  std::uint64_t presence_reads = 0;
  std::uint64_t drained = 0;
  std::uint64_t rejudged = 0;  // live subscriptions after new definitions
  std::uint64_t ended_by_definitions = 0;
};

}  // namespace tako::edge
