// The bounds of clients' messages and of where they start, each driven by real processes.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

constexpr std::string_view kDesk = R"([
  {"name":"desk","auth":false,"transport":"ws","handlers":{"ask":"dispatch","say":"relay"},
   "clientRate":{"connection":1,"subject":0,"channel":0}},
  {"name":"free","auth":false,"transport":"ws","handlers":{"ask":"dispatch","say":"relay"}}])";

ClusterOptions desk(std::initializer_list<std::string_view> limits) {
  return with_limits(limits, with_definitions(kDesk));
}

WsClient open_free(Cluster& tako, std::string_view name = "free") {
  WsClient client(tako.edge(), channel_path(name), {.subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  return client;
}

constexpr std::string_view kAsk = R"({"type":"ask","data":1,"ref":1})";
constexpr std::string_view kSay = R"({"type":"say","data":1})";

std::string next_error(WsClient& client) {
  return expect(client, "tako.error")["data"]["code"].string();
}

}  // namespace

TEST_CASE("dispatch_timeout_ms") {
  Cluster tako(desk({"dispatch_timeout_ms=200"}));
  tako.app().dispatch_with({.never = true});
  WsClient client = open_free(tako);
  client.send_text(kAsk);
  CHECK(next_error(client) == "unavailable");
  CHECK(edge_hits(tako, "dispatch_timeout_ms") == 1);
}

TEST_CASE("dispatch_concurrency_max") {
  Cluster tako(desk({"dispatch_concurrency_max=1"}));
  tako.app().dispatch_with({.body = R"({"action":"drop"})", .delay = Duration(200)});
  WsClient one = open_free(tako);
  WsClient two = open_free(tako);
  one.send_text(kAsk);
  two.send_text(kAsk);
  static_cast<void>(expect(one, "tako.ack"));
  static_cast<void>(expect(two, "tako.ack"));
  CHECK(edge_hits(tako, "dispatch_concurrency_max") == 1);
}

TEST_CASE("dispatch_waiting_max") {
  Cluster tako(desk({"dispatch_concurrency_max=1", "dispatch_waiting_max=0"}));
  tako.app().dispatch_with({.never = true});
  WsClient one = open_free(tako);
  one.send_text(kAsk);
  static_cast<void>(tako.app().wait_for_dispatch_calls(1));
  WsClient two = open_free(tako);
  two.send_text(kAsk);
  CHECK(next_error(two) == "limit-reached");
  two.send_text(kSay);  // What need not ask does not wait.
  CHECK(two.next_json()["type"].string() == "say");
  CHECK(edge_hits(tako, "dispatch_waiting_max") == 1);
}

TEST_CASE("dispatch_bytes_max") {
  Cluster tako(desk({"dispatch_bytes_max=8192"}));
  tako.app().dispatch_with({.never = true});
  WsClient client = open_free(tako);
  const std::string large = R"({"type":"ask","data":")" + std::string(4'000, 'x') + "\"}";
  client.send_text(large);
  client.send_text(large);
  CHECK(next_error(client) == "limit-reached");
  CHECK(edge_hits(tako, "dispatch_bytes_max") == 1);
}

TEST_CASE("dispatch_reason_bytes_max") {
  Cluster tako(desk({}));
  tako.app().dispatch_with(
      {.body = R"({"action":"reject","reason":")" + std::string(501, 'x') + "\"}"});
  WsClient client = open_free(tako);
  client.send_text(kAsk);
  CHECK(expect(client, "tako.error")["data"]["message"].string() == std::string(500, 'x'));
  CHECK(edge_hits(tako, "dispatch_reason_bytes_max") == 1);
}

TEST_CASE("client_rate_refusals_max") {
  Cluster tako(desk({"client_rate_refusals_max=3"}));
  WsClient client = open_free(tako, "desk");
  for (int i = 0; i < 50; ++i) client.send_text(kSay);
  CHECK(client.wait_for_close().code == 4429);
  CHECK(edge_hits(tako, "client_rate_refusals_max") == 1);
}

TEST_CASE("client_rate_buckets_max") {
  Cluster tako(desk({"client_rate_buckets_max=3"}));
  WsClient one = open_free(tako);
  WsClient two = open_free(tako);
  for (WsClient* client : {&one, &two}) {
    for (int i = 0; i < 3; ++i) {
      client->send_text(R"({"type":"say","data":1,"ref":1,"echo":false})");
    }
  }
  WsClient desk = open_free(tako, "desk");
  desk.send_text(kSay);
  wait_for_edge_hits(tako, "client_rate_buckets_max");
  CHECK(edge_hits(tako, "client_rate_buckets_max") >= 1);
}

TEST_CASE("rewind_messages_max") {
  Cluster tako(desk({}));
  check_refused(http(tako.edge(), {.target = channel_path("free", "_rewind=10001")}), 400,
                "message-malformed");
  CHECK(SseClient(tako.edge(), channel_path("free", "_rewind=10000")).status() == 200);
  CHECK(edge_hits(tako, "rewind_messages_max") == 1);
}
