// The table of limits; docs/limits.md tells the same for operators.
#include "common/config/limit_keys.h"

#include <array>

#include "common/limits.h"

namespace tako::config {
namespace {

using L = RuntimeLimits;
using enum LimitScope;

// Ranges end where a value could no longer be meant, or would no longer fit: a stored message and a
// page must fit into a link's frame (limits::kLinkFrameBytesMax) with room for the envelope.
constexpr std::int64_t kCountMax = 10'000'000;
constexpr std::int64_t kFrameShare = limits::kLinkFrameBytesMax / 2;
constexpr std::int64_t kBytesMax = 1LL << 40U;
constexpr std::int64_t kBufferMin = 1'024;
constexpr std::int64_t kFrameMax = 1LL << 30U;  // its length is 32 bits
constexpr std::int64_t kTimeMax = 7LL * 24 * 3600 * 1000;

constexpr std::array kLimitKeys{
    LimitKey{"message_bytes_max", &L::message_bytes_max, 1, kFrameShare,
             "data of one message that the app publishes", App},
    LimitKey{"client_message_bytes_max", &L::client_message_bytes_max, 1, kFrameShare,
             "one message from a client"},
    LimitKey{"definitions_max", &L::definitions_max, 1, 100'000, "definitions of one app", App},
    LimitKey{"definitions_bytes_max", &L::definitions_bytes_max, 64, kFrameShare,
             "body of PUT /v1/definitions", App},
    LimitKey{"batch_messages_max", &L::batch_messages_max, 1, 100'000, "messages of one batch",
             App},
    LimitKey{"batch_bytes_max", &L::batch_bytes_max, 64, kFrameShare, "body of a batch", App},
    LimitKey{"history_page_max", &L::history_page_max, 1, 100'000, "messages of one page"},
    LimitKey{"history_page_bytes_max", &L::history_page_bytes_max, kBufferMin, kFrameShare,
             "data of one page; a fuller one ends early"},
    LimitKey{"app_streams_max", &L::app_streams_max, 0, kCountMax,
             "event streams at once on the app socket"},
    LimitKey{"channel_messages_max", &L::channel_messages_max, 1, kCountMax,
             "messages retained per channel"},
    LimitKey{"channel_bytes_max", &L::channel_bytes_max, kBufferMin, kBytesMax,
             "bytes retained per channel"},
    LimitKey{"log_bytes_max", &L::log_bytes_max, kBufferMin, kBytesMax,
             "bytes retained over all channels"},
    LimitKey{"log_messages_max", &L::log_messages_max, 1, 1'000'000'000,
             "messages retained over all channels"},
    LimitKey{"log_hot_bytes_max", &L::log_hot_bytes_max, 0, kBytesMax,
             "bytes of the disk log's messages that are in memory too"},
    LimitKey{"log_pending_bytes_max", &L::log_pending_bytes_max, kBufferMin, kBytesMax,
             "bytes that wait to be written to the disk log"},
    LimitKey{"forgotten_heads_max", &L::forgotten_heads_max, 0, kCountMax,
             "quiet channels whose head is remembered"},
    LimitKey{"forgotten_head_ttl_ms", &L::forgotten_head_ttl_ms, 0, 365LL * 24 * 3600 * 1000,
             "how long such a head is remembered"},
    LimitKey{"idempotency_keys_per_channel_max", &L::idempotency_keys_per_channel_max, 1, kCountMax,
             "idempotency keys that a channel remembers"},
    LimitKey{"idempotency_keys_max", &L::idempotency_keys_max, 1, kCountMax,
             "idempotency keys of all channels"},
    LimitKey{"older_epochs_max", &L::older_epochs_max, 0, 64,
             "older epochs per channel whose cursors still continue"},
    LimitKey{"presence_all_members_max", &L::presence_all_members_max, 0, kCountMax,
             "members of all channels"},
    LimitKey{"presence_sessions_max", &L::presence_sessions_max, 1, 1'000'000,
             "sessions over which one member is in a channel"},
    LimitKey{"link_outbox_bytes_max", &L::link_outbox_bytes_max, kBufferMin, kBytesMax,
             "messages waiting for one edge's link"},
    LimitKey{"link_control_bytes_max", &L::link_control_bytes_max, kBufferMin, kBytesMax,
             "replies waiting for one edge's link"},
    LimitKey{"link_pump_bytes", &L::link_pump_bytes, kBufferMin, kFrameShare,
             "one channel's share of a link per round"},
    LimitKey{"link_cold_reads_max", &L::link_cold_reads_max, 1, 10'000,
             "channels of one edge that are read from disk at once"},
    LimitKey{"link_edges_max", &L::link_edges_max, 1, 65'536, "edges linked at once"},
    LimitKey{"link_pending_requests_max", &L::link_pending_requests_max, 1, kCountMax,
             "requests of one edge that wait for the broker"},
    LimitKey{"link_backlog_bytes_max", &L::link_backlog_bytes_max, kBufferMin, kBytesMax,
             "what the broker has not read of one edge's link"},
    LimitKey{"link_wait_ms", &L::link_wait_ms, 0, kTimeMax, "how long a request waits for a link"},
    LimitKey{"link_restart_wait_ms", &L::link_restart_wait_ms, 0, kTimeMax,
             "how long a request waits for a broker that said goodbye"},
    LimitKey{"link_leave_ms", &L::link_leave_ms, 0, kTimeMax,
             "how long a broker that ends waits for its edges' answer"},
    LimitKey{"link_lost_serve_ms", &L::link_lost_serve_ms, 0, kTimeMax,
             "how long non-public channels are served without a link"},
    LimitKey{"definitions_apply_wait_ms", &L::definitions_apply_wait_ms, 0, 60'000,
             "how long PUT /v1/definitions waits for the edges"},
    LimitKey{"handoff_frame_bytes_max", &L::handoff_frame_bytes_max, kBufferMin, kFrameMax,
             "what moves to another edge at once; a client with more is drained"},
    LimitKey{"handoff_step_ms", &L::handoff_step_ms, 1, 60'000,
             "how long one side of a handoff waits for the other"},
    LimitKey{"handoff_link_ms", &L::handoff_link_ms, 1, kTimeMax,
             "how long an edge that takes over may take to link to the broker"},
    LimitKey{"tail_cache_messages_max", &L::tail_cache_messages_max, 1, kCountMax,
             "messages cached per channel at an edge"},
    LimitKey{"tail_cache_bytes_max", &L::tail_cache_bytes_max, kBufferMin, kBytesMax,
             "bytes cached per channel at an edge"},
    LimitKey{"tail_caches_bytes_max", &L::tail_caches_bytes_max, kBufferMin, kBytesMax,
             "bytes cached at an edge over all channels"},
    LimitKey{"feeds_max", &L::feeds_max, 1, kCountMax, "channels subscribed at one edge"},
    LimitKey{"fetches_per_feed_max", &L::fetches_per_feed_max, 1, 1'000,
             "fetches of one channel in flight"},
    LimitKey{"feed_linger_ms", &L::feed_linger_ms, 0, kTimeMax,
             "how long an edge keeps a channel without subscribers"},
    LimitKey{"outbox_bytes_max", &L::outbox_bytes_max, kBufferMin, kBytesMax,
             "unsent messages per client; the pump waits above"},
    LimitKey{"control_outbox_bytes_max", &L::control_outbox_bytes_max, kBufferMin, kBytesMax,
             "unsent acks, errors and pongs per client"},
    LimitKey{"subscriptions_per_connection_max", &L::subscriptions_per_connection_max, 1, kCountMax,
             "channels over one connection"},
    LimitKey{"connections_max", &L::connections_max, 1, kCountMax, "client connections per edge"},
    LimitKey{"fragments_max", &L::fragments_max, 1, kCountMax, "fragments of one client message"},
    LimitKey{"pongs_pending_max", &L::pongs_pending_max, 1, kCountMax,
             "pongs that a client has not read"},
    LimitKey{"auth_envelope_ms", &L::auth_envelope_ms, 1, kTimeMax,
             "how long a client may take to send tako.auth"},
    LimitKey{"empty_connection_ms", &L::empty_connection_ms, 1, kTimeMax,
             "how long a connection may have no subscription"},
    LimitKey{"stream_progress_ms", &L::stream_progress_ms, 1, kTimeMax,
             "how long a client may take no bytes at all"},
    LimitKey{"close_handshake_ms", &L::close_handshake_ms, 1, kTimeMax,
             "how long a client may take to answer a close"},
    LimitKey{"authorize_timeout_ms", &L::authorize_timeout_ms, 1, kTimeMax,
             "how long the app may take to authorize"},
    LimitKey{"authorize_concurrency_max", &L::authorize_concurrency_max, 1, 100'000,
             "authorize calls in flight"},
    LimitKey{"authorize_waiting_max", &L::authorize_waiting_max, 0, kCountMax,
             "authorize calls that wait for their turn"},
    LimitKey{"authorize_cache_max", &L::authorize_cache_max, 0, kCountMax,
             "authorize answers kept (ttlMs)"},
    LimitKey{"authorize_cache_ms_max", &L::authorize_cache_ms_max, 0, kTimeMax,
             "how long an authorize answer is kept at most"},
    LimitKey{"authorize_reply_bytes_max", &L::authorize_reply_bytes_max, 64, kFrameShare,
             "body of an authorize answer"},
    LimitKey{"api_key_failures_max", &L::api_key_failures_max, 1, kCountMax,
             "wrong app keys per client address and minute"},
    LimitKey{"http_connections_max", &L::http_connections_max, 1, kCountMax,
             "HTTP connections at once"},
    LimitKey{"http_head_ms", &L::http_head_ms, 1, kTimeMax,
             "how long a request's head may take to arrive"},
    LimitKey{"http_idle_ms", &L::http_idle_ms, 1, kTimeMax,
             "how long an idle HTTP connection is kept"},
    LimitKey{"http_body_progress_ms", &L::http_body_progress_ms, 1, kTimeMax,
             "how long a body may bring no byte"},
    LimitKey{"http_write_progress_ms", &L::http_write_progress_ms, 1, kTimeMax,
             "how long an answer may find no room"},
    LimitKey{"upstream_connections_max", &L::upstream_connections_max, 1, 65'536,
             "connections to the app behind"},
    LimitKey{"upstream_idle_max", &L::upstream_idle_max, 0, 65'536,
             "idle connections to the app that are kept"},
    LimitKey{"upstream_waiting_max", &L::upstream_waiting_max, 0, kCountMax,
             "requests that wait for such a connection"},
    LimitKey{"upstream_connect_ms", &L::upstream_connect_ms, 1, kTimeMax,
             "how long connecting to the app may take"},
    LimitKey{"upstream_wait_ms", &L::upstream_wait_ms, 1, kTimeMax,
             "how long a request waits for a connection"},
    LimitKey{"upstream_head_ms", &L::upstream_head_ms, 1, kTimeMax,
             "how long the app may take to begin an answer"},
    LimitKey{"upstream_idle_ms", &L::upstream_idle_ms, 1, kTimeMax,
             "how long an idle connection to the app is kept"},
};
static_assert(kLimitKeys.size() * sizeof(std::uint64_t) == sizeof(RuntimeLimits),
              "every member of RuntimeLimits has its key");

}  // namespace

Slot LimitKey::slot(RuntimeLimits& limits) const {
  return std::visit([&](auto pointer) { return Slot(&(limits.*pointer)); }, member);
}

std::span<const LimitKey> limit_keys() { return kLimitKeys; }

}  // namespace tako::config
