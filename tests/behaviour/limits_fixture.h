// Starts a cluster with lowered limits and reads their counters.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "tests/behaviour/fixtures.h"

namespace tako::test {

// Both processes get `--limit NAME=VALUE` for each of `limits`.
inline ClusterOptions with_limits(std::initializer_list<std::string_view> limits,
                                  ClusterOptions options = with_definitions()) {
  for (const std::string_view limit : limits) {
    for (auto* arguments : {&options.broker_arguments, &options.edge_arguments}) {
      arguments->insert(arguments->end(), {"--limit", std::string(limit)});
    }
  }
  return options;
}

// Channels `m…` that are public and take clients' messages.
inline constexpr std::string_view kMany =
    R"([{"name":"m*","auth":false,"transport":"ws","handlers":{"say":"relay"}}])";

inline ClusterOptions many(std::initializer_list<std::string_view> limits) {
  return with_limits(limits, with_definitions(kMany));
}

inline std::string hits_series(std::string_view limit) {
  return "tako_limit_hits_total{limit=\"" + std::string(limit) + "\"}";
}

// How often this bound was reached, in the process that holds it.
inline double edge_hits(Cluster& tako, std::string_view limit) {
  return metric(tako.edge_admin(), hits_series(limit));
}
inline double broker_hits(Cluster& tako, std::string_view limit) {
  return metric(tako.broker_admin(), hits_series(limit));
}

inline void wait_for_edge_hits(Cluster& tako, std::string_view limit, double count = 1) {
  wait_for_metric(tako.edge_admin(), hits_series(limit), count);
}
inline void wait_for_broker_hits(Cluster& tako, std::string_view limit, double count = 1) {
  wait_for_metric(tako.broker_admin(), hits_series(limit), count);
}

// Publishes {"type":"t","data":"xx…"} with that many bytes of data in all.
inline HttpResponse publish_bytes(Cluster& tako, std::string_view channel, std::size_t data_bytes,
                                  Headers headers = {}) {
  return tako.api("POST", "/v1/channels/" + std::string(channel) + "/messages",
                  R"({"type":"t","data":")" + std::string(data_bytes - 2, 'x') + "\"}",
                  std::move(headers));
}

inline std::size_t retained(Cluster& tako, std::string_view channel) {
  return tako.api("GET", "/v1/channels/" + std::string(channel) + "/messages?_limit=1000")
      .json()["messages"]
      .size();
}

}  // namespace tako::test
