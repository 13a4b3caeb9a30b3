// The bounds of webhooks: each is driven to, and its counter read.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

constexpr std::string_view kLobby = R"([
  {"name":"lobby","auth":false,"transport":"ws","presence":{"graceMs":0},"webhooks":true}])";

ClusterOptions lobby(std::initializer_list<std::string_view> limits) {
  return with_limits(limits, with_definitions(kLobby));
}

// Somebody comes and goes: two events, told to nobody while the app does not take them.
void come_and_go(Cluster& tako, double events) {
  {
    const SseClient client(tako.edge(), channel_path("lobby"));
    CHECK(client.status() == 200);
    wait_for_metric(tako.broker_admin(), "tako_broker_webhook_events_total", events - 1);
  }
  wait_for_metric(tako.broker_admin(), "tako_broker_webhook_events_total", events);
}

}  // namespace

TEST_CASE("webhook_events_max") {
  Cluster tako(lobby({"webhook_events_max=1"}));
  tako.app().stop();
  come_and_go(tako, 2);
  come_and_go(tako, 4);
  CHECK(broker_hits(tako, "webhook_events_max") >= 2);
  CHECK(metric(tako.broker_admin(), "tako_broker_webhook_lost_total") >= 2);
  tako.app().start();
}

TEST_CASE("webhook_bytes_max") {
  Cluster tako(lobby({"webhook_bytes_max=1024"}));
  tako.app().stop();
  for (int round = 1; round <= 8; ++round) come_and_go(tako, 2 * round);
  CHECK(broker_hits(tako, "webhook_bytes_max") >= 1);
  tako.app().start();
}

TEST_CASE("webhook_age_ms") {
  Cluster tako(lobby({"webhook_age_ms=50"}));
  tako.app().stop();
  come_and_go(tako, 2);
  wait_for_broker_hits(tako, "webhook_age_ms", 2);
  CHECK(broker_hits(tako, "webhook_age_ms") >= 2);
  tako.app().start();
}

TEST_CASE("webhook_lease_ms") {
  Cluster tako(lobby({"webhook_lease_ms=100"}));
  tako.app().on_call("/channels/events", [](const Json&) { return StubReply{.never = true}; });
  come_and_go(tako, 2);
  wait_for_broker_hits(tako, "webhook_lease_ms", 2);
  CHECK(broker_hits(tako, "webhook_lease_ms") >= 2);
}

TEST_CASE("webhook_timeout_ms") {
  Cluster tako(lobby({"webhook_timeout_ms=100"}));
  tako.app().on_call("/channels/events", [](const Json&) { return StubReply{.never = true}; });
  come_and_go(tako, 2);
  wait_for_edge_hits(tako, "webhook_timeout_ms");
  CHECK(edge_hits(tako, "webhook_timeout_ms") >= 1);
}

TEST_CASE("webhook_reply_bytes_max") {
  Cluster tako(with_definitions(kLobby));
  std::atomic<bool> is_chatty = true;
  tako.app().on_call("/channels/events", [&is_chatty](const Json&) {
    return StubReply{.body = is_chatty ? std::string(70'000, ' ') + "{}" : "{}"};
  });
  come_and_go(tako, 2);
  wait_for_edge_hits(tako, "webhook_reply_bytes_max");
  CHECK(edge_hits(tako, "webhook_reply_bytes_max") >= 1);
  is_chatty = false;
  wait_until("the app to have it",
             [&] { return metric(tako.broker_admin(), "tako_broker_webhook_events") == 0; });
}
