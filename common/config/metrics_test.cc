// What /metrics prints.
#include "common/config/metrics.h"

#include <doctest/doctest.h>

namespace tako {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("registered counters are read when asked for") {
  Metrics metrics;
  std::uint64_t accepted = 1;
  std::uint64_t refused = 0;
  metrics.counter("tako_edge_connections_total", "Connections.", accepted, {{"how", "accepted"}});
  metrics.counter("tako_edge_connections_total", "Connections.", refused, {{"how", "refused"}});
  accepted += 41;
  ++refused;
  const std::string text = metrics.text();
  CHECK(has_line(text, "# TYPE tako_edge_connections_total counter"));
  CHECK(has_line(text, R"(tako_edge_connections_total{how="accepted"} 42)"));
  CHECK(has_line(text, R"(tako_edge_connections_total{how="refused"} 1)"));
  // One family, however many series.
  const std::string type = "# TYPE tako_edge_connections_total";
  CHECK(text.find(type) == text.rfind(type));
}

TEST_CASE("gauges are computed, and series may come and go") {
  Metrics metrics;
  std::vector<std::string> edges{"a", "b"};
  metrics.gauge("tako_broker_edges", "Linked edges.",
                [&] { return static_cast<double>(edges.size()); });
  metrics.gauges("tako_broker_outbox_bytes", "Unsent, per edge.", [&] {
    std::vector<std::pair<Metrics::Labels, double>> all;
    for (const std::string& edge : edges) all.push_back({{{"edge", edge}}, 5.0});
    return all;
  });
  CHECK(has_line(metrics.text(), "tako_broker_edges 2"));
  CHECK(has_line(metrics.text(), R"(tako_broker_outbox_bytes{edge="b"} 5)"));
  edges.pop_back();
  CHECK(has_line(metrics.text(), "tako_broker_edges 1"));
  CHECK_FALSE(has_line(metrics.text(), R"(tako_broker_outbox_bytes{edge="b"} 5)"));
}

TEST_CASE("a label's value can't end its quotes") {
  Metrics metrics;
  metrics.gauge("g", "h", [] { return 1.0; }, {{"name", "a\"} 5\nforged 1"}});
  CHECK(has_line(metrics.text(), "g{name=\"a\\\"} 5\\nforged 1\"} 1"));
}

TEST_CASE("every bound has its series, from the start") {
  Metrics metrics;
  LimitCounters counters;
  metrics.limits(counters);
  counters.outbox_bytes_max = 3;
  CHECK(has_line(metrics.text(), R"(tako_limit_hits_total{limit="outbox_bytes_max"} 3)"));
  CHECK(has_line(metrics.text(), R"(tako_limit_hits_total{limit="connections_max"} 0)"));
}

TEST_CASE("hits of a bound may come from several parts") {
  Metrics metrics;
  LimitCounters counters;
  std::uint64_t first = 1;
  std::uint64_t second = 2;
  metrics.limit("http_idle_ms", first);
  metrics.limits(counters);
  metrics.limit("http_idle_ms", second);
  counters.http_idle_ms = 4;
  first += 8;
  CHECK(has_line(metrics.text(), R"(tako_limit_hits_total{limit="http_idle_ms"} 15)"));
}

TEST_CASE("the process tells what it is and uses") {
  Metrics metrics;
  metrics.process("tako-test");
  const std::string text = metrics.text();
  CHECK(text.find(R"(tako_build_info{program="tako-test",version=")") != std::string::npos);
  CHECK(text.find("\nprocess_resident_memory_bytes ") != std::string::npos);
  CHECK(text.find("\nprocess_open_fds 0\n") == std::string::npos);
  CHECK(text.find("\nprocess_start_time_seconds 0\n") == std::string::npos);
}

}  // namespace
}  // namespace tako
