// Limits of channels, the log and the link: each driven to its bound.
#include <doctest/doctest.h>
#include <signal.h>

#include <memory>
#include <set>
#include <thread>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

constexpr std::string_view kBrief =
    R"([{"name":"m*","auth":false,"transport":"ws","replayWindowMs":200}])";

int status_with(Cluster& tako, std::string_view channel, std::string_view cursor) {
  return SseClient(tako.edge(), channel_path(channel), last_event_id(cursor)).status();
}

// Every linked edge is stopped while `work` runs, so that its link can't drain.
template <typename Work>
void while_edge_is_stopped(Cluster& tako, const Work& work) {
  tako.edge_process().signal(SIGSTOP);
  work();
  tako.edge_process().signal(SIGCONT);
}

// An edge by hand (proto/link.proto) that never reads what the broker tells it.
class DeafEdge {
 public:
  explicit DeafEdge(Cluster& tako) : socket_(Socket::connect("unix:" + tako.link_path(), 4096)) {
    say(1, number(1, 1) + number(2, 1) + text(3, "deaf") + number(4, 77));  // Hello
  }
  void subscribe(std::uint32_t channel, std::string_view name) {
    say(2, number(1, channel) + text(2, "default") + text(3, name) + text(4, name));
  }
  bool is_closed() { return socket_.closed_by_peer(); }

 private:
  static std::string varint(std::uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>(value | 0x80U);
    return bytes + static_cast<char>(value);
  }
  static std::string number(unsigned field, std::uint64_t value) {
    return varint(field << 3U) + varint(value);
  }
  static std::string text(unsigned field, std::string_view bytes) {
    return varint(field << 3U | 2U) + varint(bytes.size()) + std::string(bytes);
  }
  // A frame of one item: its length, then EdgeFrame.items with that member of EdgeItem.
  void say(unsigned member, std::string_view item) {
    const std::string frame = text(1, text(member, item));
    socket_.offer(std::string{'\0', '\0', static_cast<char>(frame.size() >> 8U),
                              static_cast<char>(frame.size())} +
                  frame);
  }

  Socket socket_;
};

void publish_many(Cluster& tako, std::string_view channel, int count, std::size_t bytes) {
  for (int number = 0; number < count; ++number) {
    CHECK(publish_bytes(tako, channel, bytes).status == 201);
  }
}

}  // namespace

TEST_CASE("channel_messages_max") {
  Cluster tako(with_limits({"channel_messages_max=5"}));
  tako.publish_numbers("feed", 8);
  CHECK(retained(tako, "feed") == 5);
  CHECK(broker_hits(tako, "channel_messages_max") >= 3);
}

TEST_CASE("channel_bytes_max") {
  Cluster tako(with_limits({"channel_bytes_max=2048"}));
  publish_many(tako, "feed", 10, 500);
  CHECK(retained(tako, "feed") < 5);
  CHECK(retained(tako, "feed") > 0);
  CHECK(broker_hits(tako, "channel_bytes_max") >= 5);
}

TEST_CASE("log_bytes_max") {
  Cluster tako(with_limits({"log_bytes_max=8192"}, with_definitions(kMany)));
  publish_many(tako, "m-small", 2, 500);
  publish_many(tako, "m-full", 30, 500);
  CHECK(retained(tako, "m-small") == 2);  // The fullest gives way.
  CHECK(retained(tako, "m-full") < 16);
  CHECK(broker_hits(tako, "log_bytes_max") >= 14);
}

TEST_CASE("log_messages_max") {
  Cluster tako(with_limits({"log_messages_max=5"}, with_definitions(kMany)));
  tako.publish_numbers("m-small", 1);
  tako.publish_numbers("m-full", 8);
  CHECK(retained(tako, "m-small") + retained(tako, "m-full") == 5);
  CHECK(broker_hits(tako, "log_messages_max") == 4);
}

TEST_CASE("log_hot_bytes_max") {
  Cluster tako(with_limits({"log_hot_bytes_max=4096"}));
  publish_many(tako, "feed", 20, 1'000);
  CHECK(broker_hits(tako, "log_hot_bytes_max") >= 15);
  CHECK(metric(tako.broker_admin(), "tako_broker_log_hot_bytes") <= 4096);
  CHECK(retained(tako, "feed") == 20);  // read from disk
  CHECK(metric(tako.broker_admin(), "tako_broker_log_cold_reads_total") >= 15);
}

TEST_CASE("log_pending_bytes_max") {
  Cluster tako(with_limits({"log_pending_bytes_max=1024"}));
  std::string batch = R"({"messages":[)";
  for (int number = 0; number < 100; ++number) {
    batch += number == 0 ? "" : ",";
    batch += R"({"channel":"feed","type":"t","data":")" + std::string(1'000, 'x') + "\"}";
  }
  const Json results = tako.api("POST", "/v1/batch", batch + "]}").json()["results"];
  REQUIRE(results.size() == 100);
  std::size_t stored = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].has("error")) {
      ++stored;
    } else {
      CHECK(results[i]["error"]["code"].string() == "limit-reached");
    }
  }
  CHECK(stored > 0);
  CHECK(stored < 100);
  CHECK(retained(tako, "feed") == stored);
  CHECK(broker_hits(tako, "log_pending_bytes_max") == static_cast<double>(100 - stored));
  CHECK(publish_bytes(tako, "feed", 5'000).status == 201);  // and then it has caught up
}

TEST_CASE("link_cold_reads_max") {
  Cluster tako(
      with_limits({"log_hot_bytes_max=0", "link_cold_reads_max=1"}, with_definitions(kMany)));
  std::vector<std::unique_ptr<SseClient>> clients;
  std::string batch = R"({"messages":[)";
  for (int number = 0; number < 20; ++number) {
    const std::string channel = "m" + std::to_string(number);
    clients.push_back(std::make_unique<SseClient>(tako.edge(), channel_path(channel)));
    static_cast<void>(clients.back()->opening_id());
    batch += number == 0 ? "" : ",";
    batch += R"({"channel":")" + channel + R"(","type":"t","data":1})";
  }
  CHECK(tako.api("POST", "/v1/batch", batch + "]}").status == 200);
  for (const auto& client : clients) CHECK(client->next_message().id->starts_with("1-"));
  CHECK(broker_hits(tako, "link_cold_reads_max") >= 1);
}

TEST_CASE("forgotten_heads_max") {
  Cluster tako(with_limits({"forgotten_heads_max=1"}, with_definitions(kBrief)));
  const std::string one = tako.publish("m1", "t", "1")["id"].string();
  const std::string two = tako.publish("m2", "t", "1")["id"].string();
  wait_for_broker_hits(tako, "forgotten_heads_max");
  const std::set<int> statuses{status_with(tako, "m1", one), status_with(tako, "m2", two)};
  CHECK(statuses == std::set<int>{200, 410});  // One head is still known.
}

TEST_CASE("forgotten_head_ttl_ms") {
  Cluster tako(with_limits({"forgotten_head_ttl_ms=300"}, with_definitions(kBrief)));
  const std::string id = tako.publish("m1", "t", "1")["id"].string();
  wait_for_broker_hits(tako, "forgotten_head_ttl_ms");
  CHECK(status_with(tako, "m1", id) == 410);
}

TEST_CASE("idempotency_keys_per_channel_max") {
  Cluster tako(with_limits({"idempotency_keys_per_channel_max=2"}));
  const auto post = [&tako](std::string_view key) {
    return publish_bytes(tako, "feed", 10, {{"Idempotency-Key", std::string(key)}});
  };
  CHECK(post("a").status == 201);
  CHECK(post("b").status == 201);
  const HttpResponse refused = post("c");
  CHECK(refused.status == 429);
  CHECK(refused.error_code() == "idempotency-table-full");
  CHECK(refused.has_header("retry-after"));
  CHECK(post("a").status == 200);
  CHECK(publish_bytes(tako, "feed", 10).status == 201);
  CHECK(broker_hits(tako, "idempotency_keys_per_channel_max") == 1);
}

TEST_CASE("idempotency_keys_max") {
  Cluster tako(with_limits({"idempotency_keys_max=2"}, with_definitions(kMany)));
  const auto post = [&tako](std::string_view channel) {
    return publish_bytes(tako, channel, 10, {{"Idempotency-Key", "k"}});
  };
  CHECK(post("m1").status == 201);
  CHECK(post("m2").status == 201);
  const HttpResponse refused = post("m3");
  CHECK(refused.status == 429);
  CHECK(refused.error_code() == "idempotency-table-full");
  CHECK(refused.has_header("retry-after"));
  CHECK(post("m1").status == 200);
  CHECK(broker_hits(tako, "idempotency_keys_max") == 1);
}

TEST_CASE("link_frame_bytes_max") {
  Cluster tako(with_definitions());
  Socket stranger = Socket::connect("unix:" + tako.link_path());
  stranger.offer(std::string("\x7f\xff\xff\xff", 4) + std::string(64, 'f'));
  CHECK(stranger.closed_by_peer());
  CHECK(broker_hits(tako, "link_frame_bytes_max") == 1);
}

TEST_CASE("link_outbox_bytes_max and link_pump_bytes") {
  Cluster tako(with_limits({"link_outbox_bytes_max=65536", "link_pump_bytes=4096"}));
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  while_edge_is_stopped(tako, [&] {
    publish_many(tako, "feed", 100, 20'000);
    wait_for_broker_hits(tako, "link_outbox_bytes_max");
  });
  for (int offset = 1; offset <= 100; ++offset) {
    REQUIRE(client.next_message().id->starts_with(std::to_string(offset) + "-"));
  }
  CHECK(broker_hits(tako, "link_pump_bytes") >= 1);
}

TEST_CASE("link_control_bytes_max") {
  Cluster tako(with_limits({"link_outbox_bytes_max=65536", "link_control_bytes_max=4096"}));
  DeafEdge deaf(tako);
  deaf.subscribe(1, "feed");
  wait_until("its subscription",
             [&] { return tako.api("GET", "/v1/channels").json()["channels"].size() == 1; });
  publish_many(tako, "feed", 100, 20'000);
  wait_for_broker_hits(tako, "link_outbox_bytes_max");
  for (std::uint32_t number = 2; number < 500; ++number) deaf.subscribe(number, "wire");
  wait_for_broker_hits(tako, "link_control_bytes_max");
  CHECK(deaf.is_closed());
  CHECK(broker_hits(tako, "link_control_bytes_max") == 1);
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);  // Others stay linked.
}

TEST_CASE("link_edges_max") {
  Cluster tako(with_limits({"link_edges_max=1"}));
  const std::size_t second = tako.add_edge();
  wait_for_broker_hits(tako, "link_edges_max");
  CHECK(http_get(tako.edge_admin(second), "/readyz").status == 503);
  CHECK(http_get(tako.edge_admin(), "/readyz").status == 200);
}

TEST_CASE("link_pending_requests_max") {
  Cluster tako(with_limits({"link_pending_requests_max=1"}));
  tako.broker().signal(SIGSTOP);
  HttpConnection first(tako.edge());
  first.send({.target = "/_tako/channels/feed/messages"});
  wait_until("the second to be refused", [&] {
    HttpConnection second(tako.edge());
    second.send({.target = "/_tako/channels/wire/messages"});
    const HttpResponse response = second.read_response();
    return response.status == 503 && response.error_code() == "limit-reached";
  });
  tako.broker().signal(SIGCONT);
  CHECK(first.read_response().status == 200);
  CHECK(edge_hits(tako, "link_pending_requests_max") >= 1);
}

TEST_CASE("link_pending_bytes_max") {
  ClusterOptions options = with_definitions();
  options.edge_config = "[[apps]]\nid = \"default\"\nkeys = [{ key = \"k\", secret = \"s\" }]\n";
  Cluster tako(options);
  const std::string body(4 * 1024 * 1024 - 1024, ' ');  // No batch, but nobody reads it yet.
  const auto ask = [&](HttpConnection& connection) {
    connection.send({.method = "POST",
                     .target = "/_tako/api/v1/batch",
                     .headers = {{"Authorization", "Bearer k:s"}},
                     .body = body});
  };
  tako.broker().signal(SIGSTOP);
  std::vector<std::unique_ptr<HttpConnection>> waiting;
  for (int number = 0; number < 16; ++number) {
    waiting.push_back(std::make_unique<HttpConnection>(tako.edge()));
    ask(*waiting.back());
  }
  HttpConnection refused(tako.edge());
  ask(refused);
  const HttpResponse response = refused.read_response();
  CHECK(response.status == 503);
  CHECK(response.error_code() == "limit-reached");
  tako.broker().signal(SIGCONT);
  for (const auto& connection : waiting) CHECK(connection->read_response().status == 400);
  CHECK(edge_hits(tako, "link_pending_bytes_max") == 1);
}

TEST_CASE("join_wait_ms") {
  Cluster tako(with_definitions());
  tako.broker().signal(SIGSTOP);
  const SseClient stream(tako.edge(), channel_path("feed"));
  tako.broker().signal(SIGCONT);
  CHECK(stream.status() == 503);
  CHECK(stream.response().error_code() == "unavailable");
  CHECK(edge_hits(tako, "join_wait_ms") == 1);
}

TEST_CASE("link_wait_ms") {
  Cluster tako(with_limits({"link_wait_ms=100"}));
  tako.kill_broker();
  wait_until("the link to be down",
             [&] { return http_get(tako.edge_admin(), "/readyz").status == 503; });
  const HttpResponse response = http_get(tako.edge(), "/_tako/channels/feed/messages");
  CHECK(response.status == 503);
  CHECK(response.has_header("retry-after"));
  CHECK(edge_hits(tako, "link_wait_ms") >= 1);
}

TEST_CASE("older_epochs_max") {
  Cluster tako(with_limits({"older_epochs_max=1"}));
  std::vector<std::string> ids;
  for (int life = 0; life < 3; ++life) {
    ids.push_back(tako.publish("feed", "n", std::to_string(life))["id"].string());
    tako.restart_broker();
  }
  tako.wait_until_ready();
  CHECK(broker_hits(tako, "older_epochs_max") >= 1);
  CHECK(status_with(tako, "feed", ids[2]) == 200);
  CHECK(status_with(tako, "feed", ids[0]) == 410);
}

TEST_CASE("link_restart_wait_ms") {
  Cluster tako(with_limits({"link_wait_ms=50", "link_restart_wait_ms=1500"}));
  CHECK(tako.broker().terminate() == 0);
  wait_until("the link to be down",
             [&] { return http_get(tako.edge_admin(), "/readyz").status == 503; });
  const HttpResponse response = http_get(tako.edge(), "/_tako/channels/feed/messages");
  CHECK(response.status == 503);
  CHECK(response.has_header("retry-after"));
  CHECK(edge_hits(tako, "link_restart_wait_ms") >= 1);
  CHECK(edge_hits(tako, "link_wait_ms") == 0);
}

TEST_CASE("link_lost_serve_ms") {
  Cluster tako(with_limits({"link_lost_serve_ms=300"}));
  SseClient guarded(tako.edge(), channel_path("chat", "roomId=1"), kGoodToken);
  SseClient open(tako.edge(), channel_path("feed"));
  static_cast<void>(guarded.opening_id());
  static_cast<void>(open.opening_id());
  tako.kill_broker();
  CHECK(guarded.ends());
  CHECK(edge_hits(tako, "link_lost_serve_ms") >= 1);
  CHECK_FALSE(open.ends(std::chrono::milliseconds(500)));
}

TEST_CASE("definitions_apply_wait_ms") {
  Cluster tako(with_limits({"definitions_apply_wait_ms=200"}));
  while_edge_is_stopped(tako, [&] {
    const HttpResponse response = tako.api("PUT", "/v1/definitions", R"({"definitions":[]})");
    CHECK(response.status == 200);
    CHECK(response.json()["pending"].size() == 1);
    CHECK(response.json()["pending"][0].string() == "edge0");
  });
  CHECK(broker_hits(tako, "definitions_apply_wait_ms") == 1);
  wait_until("the edge to apply them",
             [&] { return SseClient(tako.edge(), channel_path("feed")).status() == 404; });
}
