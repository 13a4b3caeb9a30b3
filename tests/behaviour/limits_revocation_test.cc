// The bounds of what the app takes back: each is driven to, and its counter read.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

HttpResponse disconnect(Cluster& tako, std::string_view subject, std::string body = "") {
  return tako.api("POST", "/v1/subjects/" + std::string(subject) + "/disconnect", std::move(body));
}

// An edge that was away while these were made, and is linked to another broker now, comes back, and
// asks about whom it serves.
void check_asked_anew(Cluster& tako, WsClient& client) {
  tako.edge_process().signal(SIGCONT);
  static_cast<void>(tako.app().wait_for_authorize_calls(2));
  tako.publish("chat", "t", "1", "roomId=1");
  CHECK(client.next_json()["data"].number() == 1);
}

}  // namespace

TEST_CASE("revocation_apply_wait_ms") {
  Cluster tako(with_limits({"revocation_apply_wait_ms=50"}));
  tako.edge_process().signal(SIGSTOP);
  const HttpResponse answer = disconnect(tako, "ann");
  tako.edge_process().signal(SIGCONT);
  CHECK(answer.status == 200);
  CHECK(answer.json()["pending"].size() == 1);
  CHECK(broker_hits(tako, "revocation_apply_wait_ms") == 1);
}

TEST_CASE("revocations_max") {
  Cluster tako(with_limits({"revocations_max=2", "revocation_apply_wait_ms=20"}));
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), channel_path("chat", "roomId=1"),
                  {.headers = kGoodToken, .subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  tako.edge_process().signal(SIGSTOP);
  tako.restart_broker();
  for (const char* subject : {"bob", "cid", "dan"}) {
    CHECK(disconnect(tako, subject).status == 200);
  }
  CHECK(broker_hits(tako, "revocations_max") == 1);
  check_asked_anew(tako, client);
}

TEST_CASE("revocation_keep_ms") {
  Cluster tako(with_limits({"revocation_keep_ms=100", "revocation_apply_wait_ms=20"}));
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), channel_path("chat", "roomId=1"),
                  {.headers = kGoodToken, .subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  tako.edge_process().signal(SIGSTOP);
  tako.restart_broker();
  CHECK(disconnect(tako, "bob").status == 200);
  wait_for_broker_hits(tako, "revocation_keep_ms");
  check_asked_anew(tako, client);
}

TEST_CASE("bans_max") {
  Cluster tako(with_limits({"bans_max=1"}));
  CHECK(disconnect(tako, "ann", R"({"banMs":60000})").status == 200);
  const HttpResponse refused = disconnect(tako, "bob", R"({"banMs":60000})");
  CHECK(refused.status == 503);
  CHECK(refused.error_code() == "limit-reached");
  CHECK(broker_hits(tako, "bans_max") == 1);
  CHECK(disconnect(tako, "bob").status == 200);
}

TEST_CASE("ban_ms_max") {
  Cluster tako(with_definitions());
  CHECK(disconnect(tako, "ann", R"({"banMs":86400000})").status == 200);
  CHECK(disconnect(tako, "ann", R"({"banMs":86400001})").status == 400);
  CHECK(broker_hits(tako, "ban_ms_max") == 1);
}

TEST_CASE("revocation_reason_max") {
  Cluster tako(with_definitions());
  const std::string longest(256, 'x');
  CHECK(disconnect(tako, "ann", R"({"reason":")" + longest + "\"}").status == 200);
  CHECK(disconnect(tako, "ann", R"({"reason":"x)" + longest + "\"}").status == 400);
  CHECK(broker_hits(tako, "revocation_reason_max") == 1);
}
