// Collects registered values into prometheus-cpp's families and prints them.
#include "common/config/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "common/check.h"
#include "common/config/process_usage.h"
#include "common/config/version.h"

namespace tako {
namespace {

struct LimitName {
  std::string_view name;
  std::uint64_t LimitCounters::* member;
};

#define TAKO_LIMIT(name) \
  LimitName { #name, &LimitCounters::name }
constexpr std::array kLimitNames{
    TAKO_LIMIT(channel_name_max),
    TAKO_LIMIT(channel_key_bytes_max),
    TAKO_LIMIT(message_type_max),
    TAKO_LIMIT(message_bytes_max),
    TAKO_LIMIT(client_message_bytes_max),
    TAKO_LIMIT(query_pairs_max),
    TAKO_LIMIT(json_depth_max),
    TAKO_LIMIT(idempotency_key_max),
    TAKO_LIMIT(subject_max),
    TAKO_LIMIT(definitions_max),
    TAKO_LIMIT(definitions_bytes_max),
    TAKO_LIMIT(pattern_bytes_max),
    TAKO_LIMIT(pattern_memory_max),
    TAKO_LIMIT(batch_messages_max),
    TAKO_LIMIT(batch_bytes_max),
    TAKO_LIMIT(history_page_max),
    TAKO_LIMIT(history_page_bytes_max),
    TAKO_LIMIT(app_streams_max),
    TAKO_LIMIT(channel_messages_max),
    TAKO_LIMIT(channel_bytes_max),
    TAKO_LIMIT(log_bytes_max),
    TAKO_LIMIT(forgotten_heads_max),
    TAKO_LIMIT(forgotten_head_ttl_ms),
    TAKO_LIMIT(idempotency_keys_per_channel_max),
    TAKO_LIMIT(idempotency_keys_max),
    TAKO_LIMIT(older_epochs_max),
    TAKO_LIMIT(link_frame_bytes_max),
    TAKO_LIMIT(link_outbox_bytes_max),
    TAKO_LIMIT(link_control_bytes_max),
    TAKO_LIMIT(link_pump_bytes),
    TAKO_LIMIT(link_edges_max),
    TAKO_LIMIT(link_pending_requests_max),
    TAKO_LIMIT(link_wait_ms),
    TAKO_LIMIT(link_lost_serve_ms),
    TAKO_LIMIT(definitions_apply_wait_ms),
    TAKO_LIMIT(tail_cache_messages_max),
    TAKO_LIMIT(tail_cache_bytes_max),
    TAKO_LIMIT(tail_caches_bytes_max),
    TAKO_LIMIT(feeds_max),
    TAKO_LIMIT(fetches_per_feed_max),
    TAKO_LIMIT(outbox_bytes_max),
    TAKO_LIMIT(control_outbox_bytes_max),
    TAKO_LIMIT(subscriptions_per_connection_max),
    TAKO_LIMIT(connections_max),
    TAKO_LIMIT(fragments_max),
    TAKO_LIMIT(pongs_pending_max),
    TAKO_LIMIT(auth_envelope_ms),
    TAKO_LIMIT(empty_connection_ms),
    TAKO_LIMIT(stream_progress_ms),
    TAKO_LIMIT(close_handshake_ms),
    TAKO_LIMIT(authorize_timeout_ms),
    TAKO_LIMIT(authorize_concurrency_max),
    TAKO_LIMIT(authorize_waiting_max),
    TAKO_LIMIT(authorize_cache_max),
    TAKO_LIMIT(authorize_cache_ms_max),
    TAKO_LIMIT(authorize_reply_bytes_max),
    TAKO_LIMIT(api_key_failures_max),
    TAKO_LIMIT(http_connections_max),
    TAKO_LIMIT(http_head_bytes_max),
    TAKO_LIMIT(http_headers_max),
    TAKO_LIMIT(http_url_bytes_max),
    TAKO_LIMIT(http_head_ms),
    TAKO_LIMIT(http_idle_ms),
    TAKO_LIMIT(http_body_progress_ms),
    TAKO_LIMIT(http_write_progress_ms),
    TAKO_LIMIT(upstream_connections_max),
    TAKO_LIMIT(upstream_idle_max),
    TAKO_LIMIT(upstream_waiting_max),
    TAKO_LIMIT(upstream_connect_ms),
    TAKO_LIMIT(upstream_wait_ms),
    TAKO_LIMIT(upstream_idle_ms),
};
#undef TAKO_LIMIT
static_assert(kLimitNames.size() * sizeof(std::uint64_t) == sizeof(LimitCounters),
              "every bound has its series");

prometheus::ClientMetric make_metric(const Metrics::Labels& labels, double value, bool is_counter) {
  prometheus::ClientMetric metric;
  for (const auto& [name, text] : labels) metric.label.push_back({name, text});
  (is_counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

}  // namespace

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(const std::string& name, const std::string& help, Type type) {
  const auto found = std::ranges::find(families_, name, &Family::name);
  if (found == families_.end()) {
    return families_.emplace_back(Family{name, help, type, {}, nullptr});
  }
  TAKO_CHECK(found->type == type);
  return *found;
}

void Metrics::counter(const std::string& name, const std::string& help, const std::uint64_t& value,
                      Labels labels) {
  counter(name, help, [&value] { return static_cast<double>(value); }, std::move(labels));
}

void Metrics::counter(const std::string& name, const std::string& help, Read read, Labels labels) {
  family(name, help, Type::Counter).series.push_back({std::move(labels), std::move(read)});
}

void Metrics::gauge(const std::string& name, const std::string& help, Read read, Labels labels) {
  family(name, help, Type::Gauge).series.push_back({std::move(labels), std::move(read)});
}

void Metrics::gauges(const std::string& name, const std::string& help, ReadAll read_all) {
  family(name, help, Type::Gauge).read_all = std::move(read_all);
}

void Metrics::limits(const LimitCounters& counters) {
  for (const LimitName& limit : kLimitNames) {
    counter("tako_limit_hits_total", "How often a bound was reached (docs/limits.md).",
            counters.*limit.member, {{"limit", std::string(limit.name)}});
  }
}

void Metrics::process(std::string_view program) {
  gauge("tako_build_info", "Always 1; the labels say what runs.", [] { return 1.0; },
        {{"program", std::string(program)}, {"version", std::string(config::version())}});
  counter("process_cpu_seconds_total", "CPU time used, user and system.",
          [] { return config::process_usage().cpu_seconds; });
  gauge("process_resident_memory_bytes", "Memory that is resident.",
        [] { return config::process_usage().resident_bytes; });
  gauge("process_open_fds", "Open file descriptors.",
        [] { return config::process_usage().open_fds; });
  gauge("process_max_fds", "Limit of open file descriptors.",
        [] { return config::process_usage().max_fds; });
  gauge("process_start_time_seconds", "When the process started, since 1970-01-01 UTC.",
        [start = config::process_usage().start_time_seconds] { return start; });
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families;
  for (const Family& family : families_) {
    const bool is_counter = family.type == Type::Counter;
    prometheus::MetricFamily printed;
    printed.name = family.name;
    printed.help = family.help;
    printed.type = is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    for (const Series& series : family.series) {
      printed.metric.push_back(make_metric(series.labels, series.read(), is_counter));
    }
    if (family.read_all) {
      for (const auto& [labels, value] : family.read_all()) {
        printed.metric.push_back(make_metric(labels, value, is_counter));
      }
    }
    families.push_back(std::move(printed));
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace tako
