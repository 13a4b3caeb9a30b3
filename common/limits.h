// Every bound of the system: its unit, its reason, and what happens at it (docs/limits.md is the
// same table for operators; a test drives each row to its bound). Each has a counter
// (limit_counters.h), but those of the last section, which nobody can reach.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tako::limits {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

// Names and messages. At the bound: the request is refused with the error's code.
inline constexpr std::size_t kChannelNameMax = 200;               // characters
inline constexpr std::size_t kChannelKeyBytesMax = 8 * kKiB;      // with its params: params-invalid
inline constexpr std::size_t kMessageTypeMax = 128;               // characters
inline constexpr std::size_t kMessageDataBytesMax = 1 * kMiB;     // publish, app API: 413
inline constexpr std::size_t kClientMessageBytesMax = 64 * kKiB;  // from a browser: close 1009
inline constexpr std::size_t kQueryPairsMax = 64;       // pairs in a query: params-invalid
inline constexpr std::size_t kJsonDepthMax = 64;        // nesting: bad-request
inline constexpr std::size_t kIdempotencyKeyMax = 256;  // bytes
inline constexpr std::size_t kSubjectMax = 256;         // bytes of an authorize reply's subject

// Definitions. At the bound: PUT is refused with definition-invalid.
inline constexpr std::size_t kDefinitionsMax = 1'000;  // per app
inline constexpr std::size_t kDefinitionsBytesMax = 1 * kMiB;
inline constexpr std::int64_t kDefinitionMsMax = 10LL * 365 * 24 * 3600 * 1000;  // any *Ms member
inline constexpr std::size_t kPatternBytesMax = 1 * kKiB;                        // of one `pattern`
inline constexpr std::size_t kPatternMemoryMax = 256 * kKiB;                     // RE2 program
inline constexpr std::size_t kPatternsMax = 1'000;  // of all schemas of an app

inline constexpr std::int64_t kPresenceMembersMax = 100'000;  // any membersMax
inline constexpr std::int64_t kPresenceDataBytesMax = 4'096;  // any dataBytesMax
inline constexpr std::int64_t kClientRateMax = 1'000'000;     // any member of clientRate

// App API. At the bound: 413 or batch-invalid.
inline constexpr std::size_t kBatchMessagesMax = 1'000;
inline constexpr std::size_t kBatchBytesMax = 4 * kMiB;
inline constexpr std::size_t kHistoryPageMax = 1'000;          // messages of one page
inline constexpr std::size_t kHistoryPageBytesMax = 2 * kMiB;  // a page ends early, `next` goes on
inline constexpr std::size_t kChannelsPageMax = 1'000;  // channels of one page: `next` goes on
inline constexpr std::size_t kChannelsPageBytesMax = 2 * kMiB;  // a page ends early, as above

// Channels and the log, at the broker.
inline constexpr std::size_t kChannelMessagesMax = 10'000;  // retained per channel: oldest go
inline constexpr std::size_t kChannelBytesMax = 16 * kMiB;  // retained per channel: oldest go
inline constexpr std::size_t kLogBytesMax = 512 * kMiB;     // all channels: the fullest give way
inline constexpr std::size_t kLogMessagesMax = 4'000'000;   // all channels: the fullest give way
inline constexpr std::size_t kLogHotBytesMax = 64 * kMiB;   // in memory; older are read from disk
inline constexpr std::size_t kLogPendingBytesMax = 64 * kMiB;  // not written yet: 503
inline constexpr std::size_t kForgottenHeadsMax = 100'000;     // quiet channels' remembered heads
inline constexpr std::int64_t kForgottenHeadTtlMs = 24LL * 3600 * 1000;
inline constexpr std::size_t kIdempotencyKeysPerChannelMax = 10'000;  // then 429
inline constexpr std::size_t kIdempotencyKeysMax = 1'000'000;         // of all channels: then 429
inline constexpr std::size_t kOlderEpochsMax = 8;  // per channel that still continue
inline constexpr std::size_t kAppStreamsMax = 64;  // GET …/stream at once on the app socket

// Presence, at the broker. At the bound: the session is not listed, and told so (presence-full).
inline constexpr std::size_t kPresenceListBytesMax = 4 * kMiB;  // of a channel: one item of a link
inline constexpr std::size_t kPresenceAllMembersMax = 1'000'000;  // of all channels
inline constexpr std::size_t kPresenceSessionsMax = 1'000;        // of one member
inline constexpr std::size_t kPresencePageMax = 1'000;  // members of one page: `_limit` above: 400
inline constexpr std::size_t kPresencePageBytesMax = 2 * kMiB;  // a page ends early, `next` goes on

// The link between an edge and the broker.
inline constexpr std::size_t kLinkFrameBytesMax = 8 * kMiB;    // larger: the link is closed
inline constexpr std::size_t kLinkOutboxBytesMax = 8 * kMiB;   // full: the pump waits
inline constexpr std::size_t kLinkControlBytesMax = 4 * kMiB;  // replies: the link is closed above
inline constexpr std::size_t kLinkPumpBytes = 256 * kKiB;      // one channel's share per round
inline constexpr std::size_t kLinkColdReadsMax = 16;  // channels read from disk: others wait
inline constexpr std::size_t kLinkEdgesMax = 256;     // links at once: refused above
inline constexpr std::size_t kLinkPendingRequestsMax = 10'000;   // fetches + publishes + calls: 503
inline constexpr std::size_t kLinkPendingBytesMax = 64 * kMiB;   // of those requests: 503
inline constexpr std::size_t kLinkBacklogBytesMax = 128 * kMiB;  // unread by the broker: closed
inline constexpr std::int64_t kLinkWaitMs = 1'000;          // a request waits this long for a link
inline constexpr std::int64_t kLinkRestartWaitMs = 10'000;  // after the broker's goodbye: so long
inline constexpr std::int64_t kLinkLeaveMs = 1'000;  // its goodbye: then it goes without an answer
inline constexpr std::int64_t kLinkLostServeMs = 5'000;  // then non-public channels stop serving
inline constexpr std::int64_t kDefinitionsApplyWaitMs = 1'000;  // then the edges are named pending

// Permissions that the app takes back.
inline constexpr std::int64_t kRevocationApplyWaitMs = 1'000;  // then the edges are named pending
inline constexpr std::size_t kRevocationsMax = 10'000;     // kept for edges that link: oldest go
inline constexpr std::int64_t kRevocationKeepMs = 60'000;  // and so long; then edges ask anew
inline constexpr std::size_t kBansMax = 10'000;            // at once: 503
inline constexpr std::int64_t kBanMsMax = 24LL * 3600 * 1000;  // of one: bad-request
inline constexpr std::size_t kRevocationReasonMax = 256;       // bytes: bad-request

// The handoff of an edge's clients to its successor. At the bound the handoff ends; whoever has not
// moved yet is served on by the one that has it.
inline constexpr std::size_t kHandoffFrameBytesMax = 64 * kMiB;  // a client above it is drained
inline constexpr std::int64_t kHandoffStepMs = 2'000;            // the other side's next word
inline constexpr std::int64_t kHandoffLinkMs = 10'000;  // the successor's link to the broker

// The edge's fan-out.
inline constexpr std::size_t kTailCacheMessagesMax = 1'000;     // per channel: older are fetched
inline constexpr std::size_t kTailCacheBytesMax = 1 * kMiB;     // per channel
inline constexpr std::size_t kTailCachesBytesMax = 128 * kMiB;  // all channels: coldest are dropped
inline constexpr std::size_t kFeedsMax = 200'000;      // channels subscribed at one edge: 503
inline constexpr std::size_t kFetchesPerFeedMax = 4;   // in flight; others wait merged
inline constexpr std::int64_t kFeedLingerMs = 15'000;  // a channel without subscribers is kept
inline constexpr std::int64_t kJoinWaitMs = 5'000;     // a linked broker's answer: 503, 4503

// One client.
inline constexpr std::size_t kOutboxBytesMax = 256 * kKiB;        // the pump stops for this client
inline constexpr std::size_t kControlOutboxBytesMax = 64 * kKiB;  // acks, pongs: close 4408
inline constexpr std::size_t kSubscriptionsPerConnectionMax = 100;
inline constexpr std::size_t kConnectionsMax = 100'000;        // per edge: 503 + Retry-After
inline constexpr std::size_t kFragmentsMax = 16'384;           // of one message: close 1009
inline constexpr std::size_t kPongsPendingMax = 60;            // unread pongs: close 4408
inline constexpr std::size_t kPublishesPerConnectionMax = 64;  // unanswered: rate-limited, 4429
inline constexpr std::size_t kClientRateRefusalsMax = 100;     // within a minute: close 4429
inline constexpr std::size_t kClientRateBucketsMax = 300'000;  // per edge: the idlest is forgotten
inline constexpr std::int64_t kRewindMessagesMax = 10'000;     // of a rewind: refused above
inline constexpr std::int64_t kAuthEnvelopeMs = 5'000;
inline constexpr std::int64_t kEmptyConnectionMs = 10'000;   // rich, no subscription: 4401
inline constexpr std::int64_t kStreamProgressMs = 60'000;    // no write progress: dropped
inline constexpr std::size_t kLateInputBytesMax = 1 * kMiB;  // after our close: read no further
inline constexpr std::int64_t kCloseHandshakeMs = 5'000;     // then the TCP connection ends

// Authorization and the app behind.
inline constexpr std::int64_t kAuthorizeTimeoutMs = 5'000;   // 503, 4503
inline constexpr std::size_t kAuthorizeConcurrencyMax = 64;  // calls in flight; more wait
inline constexpr std::size_t kAuthorizeWaitingMax = 20'000;  // 503, 4503
inline constexpr std::size_t kAuthorizeCacheMax = 10'000;    // answers kept: oldest go
inline constexpr std::int64_t kAuthorizeCacheMsMax = 60'000;
inline constexpr std::size_t kAuthorizeReplyBytesMax = 64 * kKiB;
inline constexpr std::int64_t kDispatchTimeoutMs = 5'000;    // told unavailable
inline constexpr std::size_t kDispatchConcurrencyMax = 64;   // calls in flight; more wait
inline constexpr std::size_t kDispatchWaitingMax = 10'000;   // told limit-reached
inline constexpr std::size_t kDispatchBytesMax = 64 * kMiB;  // of all that wait: limit-reached
inline constexpr std::size_t kDispatchReasonBytesMax = 500;  // of a rejection: cut
inline constexpr std::size_t kApiKeyFailuresMax = 20;        // per IP and minute: 429

// Webhooks: events that an app is still to be told of. At the bound: the oldest go, and it is told.
inline constexpr std::size_t kWebhookEventsMax = 10'000;         // per app
inline constexpr std::size_t kWebhookBytesMax = 16 * kMiB;       // per app
inline constexpr std::int64_t kWebhookAgeMs = 3'600'000;         // older than that: they go
inline constexpr std::int64_t kWebhookLeaseMs = 30'000;          // an edge's: then another posts
inline constexpr std::int64_t kWebhookTimeoutMs = 10'000;        // the app's answer: posted again
inline constexpr std::size_t kWebhookReplyBytesMax = 64 * kKiB;  // of that answer: likewise

// uv: sockets and the loop (common/uv).
inline constexpr std::size_t kAcceptsPerTurn = 64;     // the rest waits for the next loop turn
inline constexpr std::int64_t kAcceptRetryMs = 100;    // pause when out of file descriptors
inline constexpr std::size_t kWritePiecesMax = 1'024;  // IOV_MAX: the rest goes in the next turn

// HTTP (common/http). Server: at the bound the named status, then the connection is closed.
inline constexpr std::size_t kHttpHeadBytesMax = 16 * kKiB;          // 431
inline constexpr std::size_t kHttpHeadersMax = 100;                  // 431
inline constexpr std::size_t kHttpUrlBytesMax = 8 * kKiB;            // 414
inline constexpr std::size_t kHttpChunkOverheadBytesMax = 4 * kKiB;  // between body bytes: 400
inline constexpr std::size_t kHttpPipelineBytesMax = 64 * kKiB;  // behind a request: reading stops
inline constexpr std::size_t kHttpWriteHighBytes = 256 * kKiB;   // waiting to be sent: writers wait
inline constexpr std::size_t kHttpDiscardBytesMax = 64 * kKiB;   // unread body: closed above
inline constexpr std::size_t kHttpLingerBytesMax = 1 * kMiB;     // read after our FIN, then closed
inline constexpr std::size_t kHttpConnectionsMax = 20'000;       // HTTP connections at once: 503
inline constexpr std::size_t kHttpRefusingMax = 256;  // told 503 at once; more: closed untold
inline constexpr std::int64_t kHttpHeadMs = 10'000;   // 408
inline constexpr std::int64_t kHttpIdleMs = 60'000;   // closed silently
inline constexpr std::int64_t kHttpBodyProgressMs = 30'000;   // 408
inline constexpr std::int64_t kHttpWriteProgressMs = 60'000;  // reset
inline constexpr std::int64_t kHttpLingerMs = 2'000;          // closed
inline constexpr std::size_t kUpstreamConnectionsMax = 256;   // per origin: requests wait
inline constexpr std::size_t kUpstreamIdleMax = 32;           // kept for reuse: closed above
inline constexpr std::size_t kUpstreamWaitingMax = 1'024;     // 503
inline constexpr std::int64_t kUpstreamConnectMs = 2'000;     // 504
inline constexpr std::int64_t kUpstreamWaitMs = 5'000;        // 504
inline constexpr std::int64_t kUpstreamHeadMs = 60'000;       // from the request's end: 504
inline constexpr std::int64_t kUpstreamIdleMs = 4'000;        // under Node's 5 s keep-alive

// No bounds: sizes, shares and hints. Nobody is refused, cut off or made to wait by them, so there
// is nothing to count. (tests/lint/limit_tests.mjs holds every constant above to its counter.)
inline constexpr std::size_t kPresenceMembersDefault = 10'000;     // of a channel, unless it says
inline constexpr std::size_t kPresenceDataDefault = 1'024;         // bytes of one, unless it says
inline constexpr std::int64_t kClientRateConnectionDefault = 100;  // messages a second
inline constexpr std::int64_t kClientRateSubjectDefault = 200;
inline constexpr std::int64_t kClientRateChannelDefault = 5'000;
inline constexpr std::size_t kPresencePageDefault = 100;       // members, when `_limit` is absent
inline constexpr std::size_t kHistoryPageDefault = 100;        // messages, when `_limit` is absent
inline constexpr std::size_t kAppStreamPullBytes = 64 * kKiB;  // read from the log at once
inline constexpr std::size_t kLinkFrameBytesGoal = 1 * kMiB;   // a frame is closed above, not cut
inline constexpr std::size_t kReceiveBufferBytes = 64 * kKiB;  // of one read; one buffer per loop
inline constexpr std::int64_t kHttpRetryAfterMs = 1'000;       // told with a 503 at a limit
// Queues of the kernel, which counts them itself. Backlog: when it is full (or net.core.somaxconn,
// which may be less), SYNs are sent again. Unsent (TCP_NOTSENT_LOWAT): a slow reader's share there;
// then the kernel takes no more, and its outbox fills, which has a bound.
inline constexpr int kListenBacklog = 4'096;
inline constexpr int kSocketUnsentBytesMax = 128 * 1024;

}  // namespace tako::limits
