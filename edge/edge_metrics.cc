// One line per counter: its name, what it counts, where it is kept.
#include "edge/edge_metrics.h"

#include "common/config/http_metrics.h"

namespace tako::edge {
namespace {

Metrics::Read read_of(const std::uint64_t& value) {
  return [&value] { return static_cast<double>(value); };
}

void register_sessions(Metrics& metrics, const EdgeCounters& counters) {
  metrics.counter("tako_edge_websockets_opened_total", "WebSockets opened.",
                  counters.websockets_opened);
  metrics.counter("tako_edge_event_streams_opened_total", "Event streams opened.",
                  counters.event_streams_opened);
  metrics.counter("tako_edge_subscriptions_started_total", "Subscriptions that stood.",
                  counters.subscriptions_started);
  metrics.counter("tako_edge_subscriptions_resumed_total",
                  "Subscriptions that went on at a cursor with nothing missing.",
                  counters.subscriptions_resumed);
  metrics.counter("tako_edge_subscriptions_refused_total", "Subscriptions refused, of any cause.",
                  counters.subscriptions_refused);
  metrics.counter("tako_edge_refused_by_app_total", "Refused by the app's authorize callback.",
                  counters.refused_by_app);
  metrics.counter("tako_edge_refused_by_origin_total", "Refused for their web origin.",
                  counters.refused_by_origin);
  metrics.counter("tako_edge_refused_cursors_total", "Cursors answered with 410 or 4410.",
                  counters.refused_cursors);
  metrics.counter("tako_edge_envelopes_missing_total", "Closed 4401 for want of a tako.auth frame.",
                  counters.envelopes_missing);
  metrics.counter("tako_edge_lifetimes_over_total", "Connections that reached their lifetime.",
                  counters.lifetimes_over);
  metrics.counter("tako_edge_authorizations_expired_total", "Authorizations that ran out.",
                  counters.authorizations_expired);
  metrics.counter("tako_edge_permissions_renewed_total", "Permissions that the app gave again.",
                  counters.permissions_renewed);
  metrics.counter("tako_edge_permissions_revoked_total", "Permissions met by a disconnect.",
                  counters.permissions_revoked);
  metrics.counter("tako_edge_silent_dropped_total", "Clients silent for two keepalive intervals.",
                  counters.silent_dropped);
  metrics.counter("tako_edge_keepalives_sent_total", "Pings and keepalive comments.",
                  counters.keepalives_sent);
  metrics.counter("tako_edge_client_messages_total", "Messages published for clients.",
                  counters.client_messages);
  metrics.counter("tako_edge_client_messages_refused_total", "Client messages refused.",
                  counters.client_messages_refused);
  const std::string limited = "tako_edge_rate_limited_total";
  const std::string limited_help = "Client messages refused for a clientRate, by whose it is.";
  metrics.counter(limited, limited_help, counters.rate_limited_by_connection,
                  {{"by", "connection"}});
  metrics.counter(limited, limited_help, counters.rate_limited_by_subject, {{"by", "subject"}});
  metrics.counter(limited, limited_help, counters.rate_limited_by_channel, {{"by", "channel"}});
  metrics.counter("tako_edge_history_reads_total", "Pages of history served.",
                  counters.history_reads);
  metrics.counter("tako_edge_presence_reads_total", "Pages of presence asked for.",
                  counters.presence_reads);
  metrics.counter("tako_edge_drained_total", "Clients told to come back by a drain.",
                  counters.drained);
  metrics.counter("tako_edge_rejudged_total", "Live subscriptions judged by new definitions.",
                  counters.rejudged);
  metrics.counter("tako_edge_ended_by_definitions_total", "Subscriptions ended by new definitions.",
                  counters.ended_by_definitions);
}

void register_server(Metrics& metrics, const ServerSideCounters& counters) {
  metrics.gauge("tako_edge_websockets", "WebSockets open.", read_of(counters.websockets_open));
  metrics.gauge("tako_edge_event_streams", "Event streams open.",
                read_of(counters.event_streams_open));
  metrics.counter("tako_edge_frames_sent_total", "Frames queued for clients.",
                  counters.frames_sent);
  metrics.counter("tako_edge_bytes_sent_total", "Bytes that the kernel took for clients.",
                  counters.bytes_sent);
  metrics.counter("tako_edge_writes_total", "Gathered writes to clients.", counters.writes);
  metrics.counter("tako_edge_messages_received_total", "Messages from WebSocket clients.",
                  counters.messages_received);
  metrics.counter("tako_edge_protocol_violations_total", "Clients that broke RFC 6455.",
                  counters.protocol_violations);
  metrics.counter("tako_edge_clients_lost_total", "Client connections that broke.",
                  counters.clients_lost);
  metrics.counter("tako_edge_handshakes_refused_total", "WebSocket handshakes refused.",
                  counters.handshakes_refused);
  metrics.counter("tako_edge_hidden_paths_refused_total",
                  "Requests for what is only between edge and app.", counters.hidden_paths_refused);
  metrics.counter("tako_edge_api_calls_total", "Calls of /_tako/api.", counters.api_calls);
  metrics.counter("tako_edge_api_keys_refused_total", "Calls of /_tako/api with a wrong key.",
                  counters.api_keys_refused);
  metrics.counter("tako_edge_forwarded_ignored_total",
                  "Requests whose forwarded headers came from an untrusted peer.",
                  counters.forwarded_ignored);
}

void register_upstream(Metrics& metrics, const ServerSideCounters& counters) {
  metrics.counter("tako_edge_proxied_requests_total", "Requests passed to the app.",
                  counters.proxied_requests);
  metrics.counter("tako_edge_proxy_failures_total", "Proxied requests answered 502, 503 or 504.",
                  counters.proxy_failures);
  metrics.counter("tako_edge_proxy_cut_short_total", "Responses that the app broke off.",
                  counters.proxy_cut_short);
  metrics.counter("tako_edge_proxy_cancelled_total", "Proxied requests whose client left first.",
                  counters.proxy_cancelled);
  metrics.gauge("tako_edge_tunnels", "Upgraded connections to the app.",
                read_of(counters.tunnels_open));
  metrics.counter("tako_edge_tunnels_opened_total", "Upgrades passed to the app.",
                  counters.tunnels_opened);
  metrics.counter("tako_edge_authorize_calls_total", "Authorize calls sent to apps.",
                  counters.authorize_calls);
  metrics.counter("tako_edge_authorize_merged_total", "Answered by an equal call in flight.",
                  counters.authorize_merged);
  metrics.counter("tako_edge_authorize_kept_total", "Answered by a kept answer.",
                  counters.authorize_kept);
  metrics.counter("tako_edge_webhooks_posted_total", "Batches of events posted to apps.",
                  counters.webhooks_posted);
  metrics.counter("tako_edge_webhooks_failed_total", "Batches that were not answered with 2xx.",
                  counters.webhooks_failed);
  metrics.counter("tako_edge_authorize_failures_total", "Authorize calls without an answer.",
                  counters.authorize_failures);
  metrics.counter("tako_edge_dispatch_calls_total", "Dispatch calls sent to apps.",
                  counters.dispatch_calls);
  const std::string answers = "tako_edge_dispatch_answers_total";
  const std::string answers_help = "What apps decided about messages.";
  metrics.counter(answers, answers_help, counters.dispatch_fanouts, {{"action", "fanout"}});
  metrics.counter(answers, answers_help, counters.dispatch_drops, {{"action", "drop"}});
  metrics.counter(answers, answers_help, counters.dispatch_rejections, {{"action", "reject"}});
  metrics.counter("tako_edge_dispatch_failures_total",
                  "Messages that no app decided about: no answer, or not as agreed.",
                  counters.dispatch_failures);
}

void register_fanout(Metrics& metrics, const FanoutCounters& counters) {
  metrics.counter("tako_edge_fanout_messages_total", "Messages from the broker.",
                  counters.messages_received);
  metrics.counter("tako_edge_fanout_deliveries_total", "Frames given to subscribers.",
                  counters.frames_delivered);
  metrics.counter("tako_edge_fanout_encodings_total", "Messages encoded to a wire form.",
                  counters.frames_encoded);
  metrics.counter("tako_edge_ephemeral_dropped_total",
                  "Ephemeral messages not given to subscribers that were behind.",
                  counters.ephemeral_dropped);
  metrics.counter("tako_edge_conflated_total", "Messages passed over by the policy latest.",
                  counters.conflated);
  metrics.counter("tako_edge_gaps_told_total", "Gaps told to subscribers.", counters.gaps_told);
  metrics.counter("tako_edge_slow_disconnected_total",
                  "Subscribers closed by the policy disconnect.", counters.slow_disconnected);
  metrics.counter("tako_edge_histories_lost_total", "Channels whose history the broker lost.",
                  counters.histories_lost);
  metrics.counter("tako_edge_holes_from_broker_total", "Holes in what the broker sent; a defect.",
                  counters.holes_from_broker);
  metrics.counter("tako_edge_fetches_total", "Fetches of older messages.", counters.fetches);
  metrics.counter("tako_edge_fetches_merged_total", "Fetches answered by another in flight.",
                  counters.fetches_merged);
  metrics.counter("tako_edge_resumed_from_cache_total", "Cursors judged without asking the broker.",
                  counters.resumed_from_cache);
  metrics.gauge("tako_edge_channels", "Channels subscribed at the broker.",
                read_of(counters.feeds));
  metrics.gauge("tako_edge_subscribers", "Subscriptions of clients.",
                read_of(counters.subscribers));
  metrics.gauge("tako_edge_tail_cache_bytes", "Recent messages kept.",
                read_of(counters.cached_bytes));
}

void register_link(Metrics& metrics, const BrokerLink& link) {
  const BrokerLinkCounters& counters = link.counters();
  metrics.gauge("tako_edge_link_up", "1 while linked to the broker.",
                [&link] { return link.is_linked() ? 1.0 : 0.0; });
  metrics.gauge("tako_edge_link_pending_requests", "Requests waiting for the broker.",
                [&link] { return static_cast<double>(link.pending_requests()); });
  metrics.counter("tako_edge_links_made_total", "Links that stood.", counters.links_made);
  metrics.counter("tako_edge_links_lost_total", "Links that broke.", counters.links_lost);
  metrics.counter("tako_edge_links_refused_total", "Links that the broker refused.",
                  counters.links_refused);
  metrics.counter("tako_edge_link_frames_received_total", "Frames from the broker.",
                  counters.frames_received);
  metrics.counter("tako_edge_link_frames_sent_total", "Frames to the broker.",
                  counters.frames_sent);
  metrics.counter("tako_edge_link_malformed_frames_total", "Frames that could not be read.",
                  counters.malformed_frames);
}

void register_http(Metrics& metrics, const http::ServerCounters& counters) {
  register_http_limits(metrics, counters);
  metrics.counter("tako_edge_http_connections_total", "HTTP connections accepted.",
                  counters.connections);
  metrics.counter("tako_edge_http_connections_refused_total",
                  "HTTP connections refused at the limit.", counters.connections_refused);
  metrics.counter("tako_edge_http_requests_total", "HTTP requests.", counters.requests);
  metrics.counter("tako_edge_http_requests_malformed_total", "HTTP requests refused by the parser.",
                  counters.requests_malformed);
}

}  // namespace

void register_edge_metrics(Metrics& metrics, const EdgeCounters& sessions,
                           const ServerSideCounters& server, const FanoutCounters& fanout,
                           const BrokerLink& link, const http::ServerCounters& http) {
  register_sessions(metrics, sessions);
  register_server(metrics, server);
  register_upstream(metrics, server);
  register_fanout(metrics, fanout);
  register_link(metrics, link);
  register_http(metrics, http);
}

void register_presence_metrics(Metrics& metrics, const PresenceCounters& counters) {
  metrics.gauge("tako_edge_presence_channels", "Channels whose presence the broker is told of.",
                read_of(counters.feeds));
  metrics.gauge("tako_edge_presence_watchers", "Subscriptions that are told of presence.",
                read_of(counters.watchers));
  metrics.gauge("tako_edge_presence_listed", "Subscriptions that are listed as members.",
                read_of(counters.listed));
  metrics.counter("tako_edge_presence_lists_total", "Whole lists from the broker.",
                  counters.lists_received);
  metrics.counter("tako_edge_presence_changes_total", "Frames of changes from the broker.",
                  counters.changes_received);
  metrics.counter("tako_edge_presence_deliveries_total", "Presence frames given to watchers.",
                  counters.frames_told);
  metrics.counter("tako_edge_presence_encodings_total", "Presence frames made.",
                  counters.frames_encoded);
  metrics.counter("tako_edge_presence_lists_told_total",
                  "Whole lists given to watchers that came, or did not keep up.",
                  counters.lists_told);
  metrics.counter("tako_edge_presence_refused_total", "Subscriptions that the broker did not list.",
                  counters.refused);
  metrics.counter("tako_edge_presence_holes_total",
                  "Changes that did not follow the list; a defect. It was asked for again.",
                  counters.holes_from_broker);
  metrics.gauge("tako_edge_presence_goodbyes_kept",
                "Ends that the broker is told when there is a link again.",
                read_of(counters.goodbyes_kept));
}

void register_handoff_metrics(Metrics& metrics, const HandoffCounters& counters) {
  metrics.counter("tako_edge_handoff_given_total", "Clients handed over to a successor.",
                  counters.given);
  metrics.counter("tako_edge_handoff_taken_total", "Clients taken over from a predecessor.",
                  counters.taken);
  metrics.counter("tako_edge_handoff_taken_back_total",
                  "Clients that were about to be handed over, and served on.", counters.taken_back);
  metrics.counter("tako_edge_handoff_refused_total",
                  "Clients that the successor could not go on with.", counters.refused);
  metrics.counter("tako_edge_handoff_failed_total", "Handoffs that ended before their end.",
                  counters.failed);
  metrics.counter("tako_edge_handoff_peers_refused_total",
                  "Strangers and garbage on the handoff socket.", counters.peers_refused);
}

}  // namespace tako::edge
