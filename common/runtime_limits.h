// RuntimeLimits: the bounds that an operator may change; limits.h has the defaults and the reasons.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/limits.h"

namespace tako {

// Passed by const reference to those who hold a bound; outlives them all. The names are those of
// the section [limits] in the configuration file and of LimitCounters (limit_counters.h). What is
// missing here, but in limits.h, is fixed: part of a protocol, or of a buffer's layout.
struct RuntimeLimits {
  // Names and messages.
  std::size_t message_bytes_max = limits::kMessageDataBytesMax;
  std::size_t client_message_bytes_max = limits::kClientMessageBytesMax;

  // Definitions.
  std::size_t definitions_max = limits::kDefinitionsMax;
  std::size_t definitions_bytes_max = limits::kDefinitionsBytesMax;

  // App API.
  std::size_t batch_messages_max = limits::kBatchMessagesMax;
  std::size_t batch_bytes_max = limits::kBatchBytesMax;
  std::size_t history_page_max = limits::kHistoryPageMax;
  std::size_t history_page_bytes_max = limits::kHistoryPageBytesMax;
  std::size_t app_streams_max = limits::kAppStreamsMax;

  // Channels and the log.
  std::size_t channel_messages_max = limits::kChannelMessagesMax;
  std::size_t channel_bytes_max = limits::kChannelBytesMax;
  std::size_t log_bytes_max = limits::kLogBytesMax;
  std::size_t log_messages_max = limits::kLogMessagesMax;
  std::size_t log_hot_bytes_max = limits::kLogHotBytesMax;
  std::size_t log_pending_bytes_max = limits::kLogPendingBytesMax;
  std::size_t forgotten_heads_max = limits::kForgottenHeadsMax;
  std::int64_t forgotten_head_ttl_ms = limits::kForgottenHeadTtlMs;
  std::size_t idempotency_keys_per_channel_max = limits::kIdempotencyKeysPerChannelMax;
  std::size_t idempotency_keys_max = limits::kIdempotencyKeysMax;
  std::size_t older_epochs_max = limits::kOlderEpochsMax;

  // Presence.
  std::size_t presence_all_members_max = limits::kPresenceAllMembersMax;
  std::size_t presence_sessions_max = limits::kPresenceSessionsMax;

  // The link.
  std::size_t link_outbox_bytes_max = limits::kLinkOutboxBytesMax;
  std::size_t link_control_bytes_max = limits::kLinkControlBytesMax;
  std::size_t link_pump_bytes = limits::kLinkPumpBytes;
  std::size_t link_cold_reads_max = limits::kLinkColdReadsMax;
  std::size_t link_edges_max = limits::kLinkEdgesMax;
  std::size_t link_pending_requests_max = limits::kLinkPendingRequestsMax;
  std::size_t link_backlog_bytes_max = limits::kLinkBacklogBytesMax;
  std::int64_t link_wait_ms = limits::kLinkWaitMs;
  std::int64_t link_restart_wait_ms = limits::kLinkRestartWaitMs;
  std::int64_t link_leave_ms = limits::kLinkLeaveMs;
  std::int64_t link_lost_serve_ms = limits::kLinkLostServeMs;
  std::int64_t definitions_apply_wait_ms = limits::kDefinitionsApplyWaitMs;

  // Permissions that the app takes back.
  std::int64_t revocation_apply_wait_ms = limits::kRevocationApplyWaitMs;
  std::size_t revocations_max = limits::kRevocationsMax;
  std::int64_t revocation_keep_ms = limits::kRevocationKeepMs;
  std::size_t bans_max = limits::kBansMax;

  // The handoff between edges.
  std::size_t handoff_frame_bytes_max = limits::kHandoffFrameBytesMax;
  std::int64_t handoff_step_ms = limits::kHandoffStepMs;
  std::int64_t handoff_link_ms = limits::kHandoffLinkMs;

  // The edge's fan-out.
  std::size_t tail_cache_messages_max = limits::kTailCacheMessagesMax;
  std::size_t tail_cache_bytes_max = limits::kTailCacheBytesMax;
  std::size_t tail_caches_bytes_max = limits::kTailCachesBytesMax;
  std::size_t feeds_max = limits::kFeedsMax;
  std::size_t fetches_per_feed_max = limits::kFetchesPerFeedMax;
  std::int64_t feed_linger_ms = limits::kFeedLingerMs;

  // One client.
  std::size_t outbox_bytes_max = limits::kOutboxBytesMax;
  std::size_t control_outbox_bytes_max = limits::kControlOutboxBytesMax;
  std::size_t subscriptions_per_connection_max = limits::kSubscriptionsPerConnectionMax;
  std::size_t connections_max = limits::kConnectionsMax;
  std::size_t fragments_max = limits::kFragmentsMax;
  std::size_t pongs_pending_max = limits::kPongsPendingMax;
  std::size_t client_rate_refusals_max = limits::kClientRateRefusalsMax;
  std::size_t client_rate_buckets_max = limits::kClientRateBucketsMax;
  std::int64_t auth_envelope_ms = limits::kAuthEnvelopeMs;
  std::int64_t empty_connection_ms = limits::kEmptyConnectionMs;
  std::int64_t stream_progress_ms = limits::kStreamProgressMs;
  std::int64_t close_handshake_ms = limits::kCloseHandshakeMs;

  // Authorization.
  std::int64_t authorize_timeout_ms = limits::kAuthorizeTimeoutMs;
  std::size_t authorize_concurrency_max = limits::kAuthorizeConcurrencyMax;
  std::size_t authorize_waiting_max = limits::kAuthorizeWaitingMax;
  std::size_t authorize_cache_max = limits::kAuthorizeCacheMax;
  std::int64_t authorize_cache_ms_max = limits::kAuthorizeCacheMsMax;
  std::size_t authorize_reply_bytes_max = limits::kAuthorizeReplyBytesMax;
  std::int64_t dispatch_timeout_ms = limits::kDispatchTimeoutMs;
  std::size_t dispatch_concurrency_max = limits::kDispatchConcurrencyMax;
  std::size_t dispatch_waiting_max = limits::kDispatchWaitingMax;
  std::size_t dispatch_bytes_max = limits::kDispatchBytesMax;
  std::size_t api_key_failures_max = limits::kApiKeyFailuresMax;

  // Webhooks.
  std::size_t webhook_events_max = limits::kWebhookEventsMax;
  std::size_t webhook_bytes_max = limits::kWebhookBytesMax;
  std::int64_t webhook_age_ms = limits::kWebhookAgeMs;
  std::int64_t webhook_lease_ms = limits::kWebhookLeaseMs;
  std::int64_t webhook_timeout_ms = limits::kWebhookTimeoutMs;

  // HTTP, towards clients and towards the app behind.
  std::size_t http_connections_max = limits::kHttpConnectionsMax;
  std::int64_t http_head_ms = limits::kHttpHeadMs;
  std::int64_t http_idle_ms = limits::kHttpIdleMs;
  std::int64_t http_body_progress_ms = limits::kHttpBodyProgressMs;
  std::int64_t http_write_progress_ms = limits::kHttpWriteProgressMs;
  std::size_t upstream_connections_max = limits::kUpstreamConnectionsMax;
  std::size_t upstream_idle_max = limits::kUpstreamIdleMax;
  std::size_t upstream_waiting_max = limits::kUpstreamWaitingMax;
  std::int64_t upstream_connect_ms = limits::kUpstreamConnectMs;
  std::int64_t upstream_wait_ms = limits::kUpstreamWaitMs;
  std::int64_t upstream_head_ms = limits::kUpstreamHeadMs;
  std::int64_t upstream_idle_ms = limits::kUpstreamIdleMs;
};

}  // namespace tako
