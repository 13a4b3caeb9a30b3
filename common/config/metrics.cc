// Collects registered values into prometheus-cpp's families and prints them.
#include "common/config/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
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

constexpr LimitName kLimitNames[] = {
#define TAKO_NAME(name) {#name, &LimitCounters::name},
    TAKO_LIMIT_COUNTERS(TAKO_NAME)
#undef TAKO_NAME
};

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
  for (const LimitName& name : kLimitNames) limit(name.name, counters.*name.member);
}

void Metrics::limit(std::string_view name, const std::uint64_t& count) {
  TAKO_CHECK(std::ranges::find(kLimitNames, name, &LimitName::name) != std::end(kLimitNames));
  limit_series(name).counts.push_back(&count);
}

Metrics::LimitSeries& Metrics::limit_series(std::string_view name) {
  const auto found = std::ranges::find(limits_, name, &LimitSeries::name);
  if (found != limits_.end()) return *found;
  LimitSeries& added = limits_.emplace_back(LimitSeries{std::string(name), {}});
  const auto read = [&added] {
    std::uint64_t sum = 0;
    for (const std::uint64_t* part : added.counts) sum += *part;
    return static_cast<double>(sum);
  };
  counter("tako_limit_hits_total", "How often a bound was reached (docs/limits.md).", read,
          {{"limit", added.name}});
  return added;
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
