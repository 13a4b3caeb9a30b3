// One line per counter: its name, what it counts, where it is kept.
#include "broker/broker_metrics.h"

#include <string>

#include "common/config/http_metrics.h"

namespace tako::broker {
namespace {

void register_log(Metrics& metrics, ChannelTable& channels) {
  const auto stat = [&channels](auto LogStats::* member) {
    return [&channels, member] { return static_cast<double>(channels.log().stats().*member); };
  };
  metrics.counter("tako_broker_log_appended_total", "Messages stored.",
                  stat(&LogStats::appended_total));
  metrics.counter("tako_broker_log_expired_total", "Messages that left their replay window.",
                  stat(&LogStats::expired_total));
  metrics.gauge("tako_broker_log_messages", "Messages retained.", stat(&LogStats::messages));
  metrics.gauge("tako_broker_log_bytes", "Bytes of messages retained.", stat(&LogStats::bytes));
  metrics.gauge("tako_broker_log_quiet_heads", "Remembered heads of quiet channels.",
                stat(&LogStats::quiet_heads));
  metrics.gauge("tako_broker_log_hot_bytes", "Bytes of the disk log's messages in memory.",
                stat(&LogStats::hot_bytes));
  metrics.gauge("tako_broker_log_pending_bytes", "Bytes that wait to be written to the disk log.",
                stat(&LogStats::pending_bytes));
  metrics.gauge("tako_broker_log_segments", "Segment files of the disk log.",
                stat(&LogStats::segments));
  metrics.gauge("tako_broker_log_disk_bytes", "Bytes of those files.", stat(&LogStats::disk_bytes));
  metrics.counter("tako_broker_log_written_bytes_total", "Bytes written to the disk log.",
                  stat(&LogStats::written_bytes_total));
  metrics.counter("tako_broker_log_writes_total", "Rounds written to the disk log.",
                  stat(&LogStats::writes_total));
  metrics.counter("tako_broker_log_syncs_total", "Syncs of the disk log.",
                  stat(&LogStats::syncs_total));
  metrics.counter("tako_broker_log_cold_reads_total", "Messages read from disk.",
                  stat(&LogStats::cold_reads_total));
  metrics.counter("tako_broker_log_moved_total",
                  "Records carried forward so that an old segment could go.",
                  stat(&LogStats::moved_total));
  metrics.counter("tako_broker_log_corrupt_total",
                  "Places in the disk log that did not match their checksum.",
                  stat(&LogStats::corrupt_total));
}

void register_channels(Metrics& metrics, ChannelTable& channels) {
  metrics.gauge("tako_broker_channels", "Channels with messages or subscribers.",
                [&channels] { return static_cast<double>(channels.size()); });
  metrics.counter("tako_broker_channels_created_total", "Channels made.",
                  channels.counters().created_total);
  metrics.counter("tako_broker_channels_forgotten_total", "Channels forgotten.",
                  channels.counters().forgotten_total);
  metrics.gauge("tako_broker_idempotency_keys", "Idempotency keys remembered.",
                [&channels] { return static_cast<double>(channels.idempotency_keys()); });
}

void register_publisher(Metrics& metrics, const PublishCounters& counters) {
  metrics.counter("tako_broker_published_total", "Messages published and stored.",
                  counters.published_total);
  metrics.counter("tako_broker_published_ephemeral_total", "Ephemeral messages published.",
                  counters.ephemeral_total);
  metrics.counter("tako_broker_published_repeated_total",
                  "Publishes whose idempotency key was known.", counters.repeated_total);
  metrics.counter("tako_broker_publish_refused_total", "Publishes refused.",
                  counters.refused_total);
}

void register_links(Metrics& metrics, const EdgeRegistry& edges, const LinkServer& links) {
  const LinkCounters& counters = edges.counters();
  metrics.gauge("tako_broker_edges", "Linked edges.",
                [&edges] { return static_cast<double>(edges.edges()); });
  metrics.gauges("tako_broker_edge_channels", "Channels that an edge is subscribed to.", [&edges] {
    std::vector<std::pair<Metrics::Labels, double>> series;
    for (const EdgeInfo& edge : edges.list()) {
      series.push_back({{{"edge", edge.name}}, static_cast<double>(edge.channels)});
    }
    return series;
  });
  metrics.counter("tako_broker_link_frames_in_total", "Frames from edges.",
                  counters.frames_in_total);
  metrics.counter("tako_broker_link_frames_out_total", "Frames to edges.",
                  counters.frames_out_total);
  metrics.counter("tako_broker_link_bytes_in_total", "Bytes from edges.", counters.bytes_in_total);
  metrics.counter("tako_broker_link_bytes_out_total", "Bytes to edges.", counters.bytes_out_total);
  metrics.counter("tako_broker_link_records_out_total", "Messages sent to edges.",
                  counters.records_out_total);
  metrics.counter("tako_broker_ephemeral_dropped_total",
                  "Ephemeral messages not sent to an edge that was behind.",
                  counters.ephemeral_dropped_total);
  metrics.counter("tako_broker_gaps_total", "Gaps told to edges.", counters.gaps_total);
  metrics.counter("tako_broker_link_protocol_errors_total", "Links closed for what an edge sent.",
                  counters.protocol_errors_total);
  metrics.counter("tako_broker_links_refused_total", "Links refused for their version.",
                  counters.refused_total);
  metrics.counter("tako_broker_link_strangers_total", "Links refused for their user.",
                  [&links] { return static_cast<double>(links.strangers_refused()); });
}

void register_api(Metrics& metrics, const ApiServer& api) {
  register_http_limits(metrics, api.counters());
  metrics.counter("tako_broker_api_connections_total", "Connections to the app socket.",
                  api.counters().connections);
  metrics.counter("tako_broker_api_requests_total", "Requests on the app socket.",
                  api.counters().requests);
  metrics.gauge("tako_broker_app_streams", "Open streams on the app socket.",
                [&api] { return static_cast<double>(api.streams().open.size()); });
  metrics.counter("tako_broker_app_stream_ephemeral_dropped_total",
                  "Ephemeral messages not given to an app stream that was behind.",
                  api.streams().ephemeral_dropped_total);
}

void register_state(Metrics& metrics, const StateStore& state) {
  metrics.counter("tako_broker_state_writes_total", "Writes of the broker's own state.",
                  state.counters().writes_total);
  metrics.counter("tako_broker_state_rows_total", "Rows put and erased by them.",
                  state.counters().rows_total);
  metrics.counter("tako_broker_state_failures_total",
                  "Writes of it that failed; each is tried again.",
                  state.counters().failures_total);
  metrics.gauge("tako_broker_state_waiting", "Rows of it that wait to be written.",
                [&state] { return static_cast<double>(state.waiting()); });
}

void register_presence(Metrics& metrics, const PresenceTable& presence) {
  const PresenceCounters& counters = presence.counters();
  metrics.gauge("tako_broker_presence_members", "Members of all channels.",
                [&presence] { return static_cast<double>(presence.members()); });
  metrics.gauge("tako_broker_presence_channels",
                "Channels with members, or with clients that are counted.",
                [&presence] { return static_cast<double>(presence.channels()); });
  metrics.counter("tako_broker_presence_enters_total", "Members that entered a channel.",
                  counters.enters_total);
  metrics.counter("tako_broker_presence_updates_total", "Members whose data or info changed.",
                  counters.updates_total);
  metrics.counter("tako_broker_presence_leaves_total", "Members that left a channel.",
                  counters.leaves_total);
  metrics.counter("tako_broker_presence_refused_total", "Sessions that were not listed.",
                  counters.refused_total);
  metrics.counter("tako_broker_presence_lists_total", "Whole lists told to edges.",
                  counters.lists_out_total);
  metrics.counter("tako_broker_presence_changes_total", "Frames of changes told to edges.",
                  counters.changes_out_total);
  metrics.counter("tako_broker_presence_counts_total", "Counts told to edges.",
                  counters.counts_out_total);
}

void register_webhooks(Metrics& metrics, const WebhookDispatch& webhooks) {
  const WebhookCounters& counters = webhooks.counters();
  metrics.gauge("tako_broker_webhook_events", "Events that apps are still to be told of.",
                [&webhooks] { return static_cast<double>(webhooks.events()); });
  metrics.counter("tako_broker_webhook_events_total", "Events for apps.", counters.events_total);
  metrics.counter("tako_broker_webhook_lost_total", "Events that were dropped.",
                  [&webhooks] { return static_cast<double>(webhooks.lost()); });
  metrics.counter("tako_broker_webhook_batches_total", "Batches given to edges to be posted.",
                  counters.batches_total);
  metrics.counter("tako_broker_webhook_failures_total", "Batches that no app has taken.",
                  counters.batches_failed_total);
}

}  // namespace

void register_broker_metrics(Metrics& metrics, const MeteredParts& parts) {
  register_log(metrics, parts.channels);
  register_channels(metrics, parts.channels);
  register_publisher(metrics, parts.publisher.counters());
  register_links(metrics, parts.edges, parts.links);
  register_api(metrics, parts.api);
  register_state(metrics, parts.state);
  register_presence(metrics, parts.presence);
  register_webhooks(metrics, parts.webhooks);
}

}  // namespace tako::broker
