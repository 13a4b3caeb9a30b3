// LimitCounters: how often each bound of limits.h was reached; `tako_limit_hits_total{limit="…"}`.
#pragma once

#include <cstdint>

// One line per bound. A macro, because the same list gives the members, and their names on
// /metrics. The names are those of RuntimeLimits, where the bound is one of them.
#define TAKO_LIMIT_COUNTERS(X)                                                                     \
  /* Names and messages: refused. */                                                               \
  X(channel_name_max)                                                                              \
  X(channel_key_bytes_max)                                                                         \
  X(message_type_max)                                                                              \
  X(message_bytes_max)                                                                             \
  X(client_message_bytes_max)                                                                      \
  X(query_pairs_max)                                                                               \
  X(json_depth_max)                                                                                \
  X(idempotency_key_max)                                                                           \
  X(subject_max)                                                                                   \
  /* Definitions: refused. */                                                                      \
  X(definitions_max)                                                                               \
  X(definitions_bytes_max)                                                                         \
  X(pattern_bytes_max)                                                                             \
  X(pattern_memory_max)                                                                            \
  X(patterns_max)                                                                                  \
  X(definition_ms_max)                                                                             \
  X(presence_members_max)                                                                          \
  X(presence_data_bytes_max)                                                                       \
  X(client_rate_max)                                                                               \
  /* App API: refused; a page ends early. */                                                       \
  X(batch_messages_max)                                                                            \
  X(batch_bytes_max)                                                                               \
  X(history_page_max)                                                                              \
  X(history_page_bytes_max)                                                                        \
  X(channels_page_max)                                                                             \
  X(channels_page_bytes_max)                                                                       \
  X(app_streams_max)                                                                               \
  /* Channels and the log: messages evicted by a cap, heads and epochs forgotten, keys refused. */ \
  X(channel_messages_max)                                                                          \
  X(channel_bytes_max)                                                                             \
  X(log_bytes_max)                                                                                 \
  X(log_messages_max)                                                                              \
  X(log_hot_bytes_max)                                                                             \
  X(log_pending_bytes_max)                                                                         \
  X(forgotten_heads_max)                                                                           \
  X(forgotten_head_ttl_ms)                                                                         \
  X(idempotency_keys_per_channel_max)                                                              \
  X(idempotency_keys_max)                                                                          \
  X(older_epochs_max)                                                                              \
  /* Presence: not listed; a page ends early. */                                                   \
  X(presence_list_bytes_max)                                                                       \
  X(presence_all_members_max)                                                                      \
  X(presence_sessions_max)                                                                         \
  X(presence_page_max)                                                                             \
  X(presence_page_bytes_max)                                                                       \
  /* The link. */                                                                                  \
  X(link_frame_bytes_max)                                                                          \
  X(link_outbox_bytes_max)                                                                         \
  X(link_control_bytes_max)                                                                        \
  X(link_pump_bytes)                                                                               \
  X(link_cold_reads_max)                                                                           \
  X(link_edges_max)                                                                                \
  X(link_pending_requests_max)                                                                     \
  X(link_pending_bytes_max)                                                                        \
  X(link_backlog_bytes_max)                                                                        \
  X(link_wait_ms)                                                                                  \
  X(link_restart_wait_ms)                                                                          \
  X(link_leave_ms)                                                                                 \
  X(link_lost_serve_ms)                                                                            \
  X(definitions_apply_wait_ms)                                                                     \
  /* Permissions that the app takes back. */                                                       \
  X(revocation_apply_wait_ms)                                                                      \
  X(revocations_max)                                                                               \
  X(revocation_keep_ms)                                                                            \
  X(bans_max)                                                                                      \
  X(ban_ms_max)                                                                                    \
  X(revocation_reason_max)                                                                         \
  /* The handoff between edges. */                                                                 \
  X(handoff_frame_bytes_max)                                                                       \
  X(handoff_step_ms)                                                                               \
  X(handoff_link_ms)                                                                               \
  /* The edge's fan-out. */                                                                        \
  X(tail_cache_messages_max)                                                                       \
  X(tail_cache_bytes_max)                                                                          \
  X(tail_caches_bytes_max)                                                                         \
  X(feeds_max)                                                                                     \
  X(join_wait_ms)                                                                                  \
  X(fetches_per_feed_max)                                                                          \
  X(feed_linger_ms)                                                                                \
  /* One client. */                                                                                \
  X(outbox_bytes_max)                                                                              \
  X(control_outbox_bytes_max)                                                                      \
  X(subscriptions_per_connection_max)                                                              \
  X(connections_max)                                                                               \
  X(fragments_max)                                                                                 \
  X(pongs_pending_max)                                                                             \
  X(publishes_per_connection_max)                                                                  \
  X(client_rate_refusals_max)                                                                      \
  X(client_rate_buckets_max)                                                                       \
  X(rewind_messages_max)                                                                           \
  X(auth_envelope_ms)                                                                              \
  X(empty_connection_ms)                                                                           \
  X(stream_progress_ms)                                                                            \
  X(close_handshake_ms)                                                                            \
  X(late_input_bytes_max)                                                                          \
  X(write_pieces_max)                                                                              \
  /* Authorization. */                                                                             \
  X(authorize_timeout_ms)                                                                          \
  X(authorize_concurrency_max)                                                                     \
  X(authorize_waiting_max)                                                                         \
  X(authorize_cache_max)                                                                           \
  X(authorize_cache_ms_max)                                                                        \
  X(authorize_reply_bytes_max)                                                                     \
  X(dispatch_timeout_ms)                                                                           \
  X(dispatch_concurrency_max)                                                                      \
  X(dispatch_waiting_max)                                                                          \
  X(dispatch_bytes_max)                                                                            \
  X(dispatch_reason_bytes_max)                                                                     \
  X(api_key_failures_max)                                                                          \
  /* Webhooks: events go, or are posted again. */                                                  \
  X(webhook_events_max)                                                                            \
  X(webhook_bytes_max)                                                                             \
  X(webhook_age_ms)                                                                                \
  X(webhook_lease_ms)                                                                              \
  X(webhook_timeout_ms)                                                                            \
  X(webhook_reply_bytes_max)                                                                       \
  /* HTTP, towards clients and towards the app behind. */                                          \
  X(http_connections_max)                                                                          \
  X(http_head_bytes_max)                                                                           \
  X(http_headers_max)                                                                              \
  X(http_url_bytes_max)                                                                            \
  X(http_head_ms)                                                                                  \
  X(http_idle_ms)                                                                                  \
  X(http_body_progress_ms)                                                                         \
  X(http_write_progress_ms)                                                                        \
  X(http_refusing_max)                                                                             \
  X(http_chunk_overhead_bytes_max)                                                                 \
  X(http_pipeline_bytes_max)                                                                       \
  X(http_write_high_bytes)                                                                         \
  X(http_discard_bytes_max)                                                                        \
  X(http_linger_bytes_max)                                                                         \
  X(http_linger_ms)                                                                                \
  X(accepts_per_turn)                                                                              \
  X(accept_retry_ms)                                                                               \
  X(upstream_connections_max)                                                                      \
  X(upstream_idle_max)                                                                             \
  X(upstream_waiting_max)                                                                          \
  X(upstream_connect_ms)                                                                           \
  X(upstream_wait_ms)                                                                              \
  X(upstream_head_ms)                                                                              \
  X(upstream_idle_ms)

namespace tako {

// One per process, written on its loop with a plain `++`.
struct LimitCounters {
#define TAKO_MEMBER(name) std::uint64_t name = 0;
  TAKO_LIMIT_COUNTERS(TAKO_MEMBER)
#undef TAKO_MEMBER
};

// Names one bound: what an Error carries from the code that knows the bound to the one that counts.
using LimitCounter = std::uint64_t LimitCounters::*;

}  // namespace tako
