// What the edge's server counts, for metrics; each bound's counter is in common/limit_counters.h.
#pragma once

#include <cstdint>

namespace tako::edge {

struct ServerSideCounters {
  // Live clients.
  std::uint64_t websockets_open = 0;     // now
  std::uint64_t event_streams_open = 0;  // now
  std::uint64_t frames_sent = 0;         // pushed to outboxes
  std::uint64_t bytes_sent = 0;          // taken by the kernel
  std::uint64_t writes = 0;              // gathered writes: frames_sent / writes is the coalescing
  std::uint64_t messages_received = 0;   // from WebSocket clients
  std::uint64_t protocol_violations = 0;
  std::uint64_t clients_lost = 0;  // the connection broke, or ended without a close frame
  // HTTP in front of them.
  std::uint64_t handshakes_refused = 0;
  std::uint64_t hidden_paths_refused = 0;  // Host *.tako, or a callback's path
  std::uint64_t api_calls = 0;
  std::uint64_t api_keys_refused = 0;
  std::uint64_t forwarded_ignored = 0;  // forwarded headers of untrusted peers
  // The proxy.
  std::uint64_t proxied_requests = 0;
  std::uint64_t proxy_failures = 0;   // answered 502, 503 or 504
  std::uint64_t proxy_cut_short = 0;  // upstream failed behind the response's head
  std::uint64_t proxy_cancelled = 0;  // the client was gone first
  std::uint64_t tunnels_open = 0;     // now
  std::uint64_t tunnels_opened = 0;
  // Authorization.
  std::uint64_t authorize_calls = 0;   // sent to apps
  std::uint64_t authorize_merged = 0;  // answered by another's call in flight
  std::uint64_t authorize_kept = 0;    // answered by a kept answer
  std::uint64_t authorize_failures = 0;
  // Messages that the app decides about.
  std::uint64_t dispatch_calls = 0;    // sent to apps
  std::uint64_t dispatch_fanouts = 0;  // answered so
  std::uint64_t dispatch_drops = 0;
  std::uint64_t dispatch_rejections = 0;
  std::uint64_t dispatch_failures = 0;  // no answer, or one that is not as agreed
  // Webhooks.
  std::uint64_t webhooks_posted = 0;  // batches sent to apps
  std::uint64_t webhooks_failed = 0;  // not answered with 2xx
};

}  // namespace tako::edge
