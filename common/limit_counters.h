// LimitCounters: how often each bound of limits.h was reached; `tako_limit_hits_total{limit="…"}`.
#pragma once

#include <cstdint>

namespace tako {

// One per process, written on its loop with a plain `++`. The names are those of RuntimeLimits,
// where the bound is one of them.
struct LimitCounters {
  // Names and messages: refused.
  std::uint64_t channel_name_max = 0;
  std::uint64_t message_type_max = 0;
  std::uint64_t message_bytes_max = 0;
  std::uint64_t client_message_bytes_max = 0;
  std::uint64_t query_pairs_max = 0;
  std::uint64_t json_depth_max = 0;
  std::uint64_t idempotency_key_max = 0;
  std::uint64_t subject_max = 0;
  // Definitions: refused.
  std::uint64_t definitions_max = 0;
  std::uint64_t definitions_bytes_max = 0;
  std::uint64_t pattern_bytes_max = 0;
  std::uint64_t pattern_memory_max = 0;
  // App API: refused; a page ends early.
  std::uint64_t batch_messages_max = 0;
  std::uint64_t batch_bytes_max = 0;
  std::uint64_t history_page_max = 0;
  std::uint64_t history_page_bytes_max = 0;
  std::uint64_t app_streams_max = 0;
  // Channels and the log: messages evicted by a cap, heads and epochs forgotten, keys refused.
  std::uint64_t channel_messages_max = 0;
  std::uint64_t channel_bytes_max = 0;
  std::uint64_t log_bytes_max = 0;
  std::uint64_t forgotten_heads_max = 0;
  std::uint64_t forgotten_head_ttl_ms = 0;
  std::uint64_t idempotency_keys_per_channel_max = 0;
  std::uint64_t older_epochs_max = 0;
  // The link.
  std::uint64_t link_frame_bytes_max = 0;
  std::uint64_t link_outbox_bytes_max = 0;
  std::uint64_t link_control_bytes_max = 0;
  std::uint64_t link_pump_bytes = 0;
  std::uint64_t link_edges_max = 0;
  std::uint64_t link_pending_requests_max = 0;
  std::uint64_t link_wait_ms = 0;
  std::uint64_t link_lost_serve_ms = 0;
  std::uint64_t definitions_apply_wait_ms = 0;
  // The edge's fan-out.
  std::uint64_t tail_cache_messages_max = 0;
  std::uint64_t tail_cache_bytes_max = 0;
  std::uint64_t tail_caches_bytes_max = 0;
  std::uint64_t feeds_max = 0;
  std::uint64_t fetches_per_feed_max = 0;
  // One client.
  std::uint64_t outbox_bytes_max = 0;
  std::uint64_t control_outbox_bytes_max = 0;
  std::uint64_t subscriptions_per_connection_max = 0;
  std::uint64_t connections_max = 0;
  std::uint64_t fragments_max = 0;
  std::uint64_t pongs_pending_max = 0;
  std::uint64_t auth_envelope_ms = 0;
  std::uint64_t empty_connection_ms = 0;
  std::uint64_t stream_progress_ms = 0;
  std::uint64_t close_handshake_ms = 0;
  // Authorization.
  std::uint64_t authorize_timeout_ms = 0;
  std::uint64_t authorize_concurrency_max = 0;
  std::uint64_t authorize_waiting_max = 0;
  std::uint64_t authorize_cache_max = 0;
  std::uint64_t authorize_cache_ms_max = 0;
  std::uint64_t authorize_reply_bytes_max = 0;
  std::uint64_t api_key_failures_max = 0;
  // HTTP, towards clients and towards the app behind.
  std::uint64_t http_connections_max = 0;
  std::uint64_t http_head_bytes_max = 0;
  std::uint64_t http_headers_max = 0;
  std::uint64_t http_url_bytes_max = 0;
  std::uint64_t http_head_ms = 0;
  std::uint64_t http_idle_ms = 0;
  std::uint64_t http_body_progress_ms = 0;
  std::uint64_t http_write_progress_ms = 0;
  std::uint64_t upstream_connections_max = 0;
  std::uint64_t upstream_idle_max = 0;
  std::uint64_t upstream_waiting_max = 0;
  std::uint64_t upstream_connect_ms = 0;
  std::uint64_t upstream_wait_ms = 0;
  std::uint64_t upstream_idle_ms = 0;
};

}  // namespace tako
