// Limits of the fan-out, of one client, and of asking the app: each driven to its bound.
#include <doctest/doctest.h>
#include <signal.h>

#include <thread>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

constexpr std::string_view kMany =
    R"([{"name":"m*","auth":false,"transport":"ws","handlers":{"say":"relay"}}])";

ClusterOptions many(std::initializer_list<std::string_view> limits) {
  return with_limits(limits, with_definitions(kMany));
}

WsClient open_rich(Cluster& tako, const std::string& path, int receive_buffer = 0) {
  WsClient client(tako.edge(), path, {.subprotocol = "tako.v1", .receive_buffer = receive_buffer});
  REQUIRE(client.status() == 101);
  CHECK(client.next_json()["type"].string() == "tako.ready");
  return client;
}

int sse_status(Cluster& tako, std::string_view token) {
  return SseClient(tako.edge(), channel_path("chat", "roomId=1"),
                   {{"Authorization", "Bearer " + std::string(token)}})
      .status();
}

// A subscriber that stays keeps the channel's feed alive at the edge.
void check_replay(Cluster& tako, std::string_view channel, int count) {
  SseClient client(tako.edge(), channel_path(channel), last_event_id("0"));
  for (int offset = 1; offset <= count; ++offset) {
    REQUIRE(client.next_message().id->starts_with(std::to_string(offset) + "-"));
  }
}

}  // namespace

TEST_CASE("tail_cache_messages_max") {
  Cluster tako(many({"tail_cache_messages_max=5"}));
  SseClient stays(tako.edge(), channel_path("m"));
  static_cast<void>(stays.opening_id());
  tako.publish_numbers("m", 20);
  CHECK(stays.next_data(20).back() == "20");
  check_replay(tako, "m", 20);  // What the cache no longer has is fetched.
  CHECK(hits(tako, "tail_cache_messages_max") >= 15);
}

TEST_CASE("tail_cache_bytes_max") {
  Cluster tako(many({"tail_cache_bytes_max=2048"}));
  SseClient stays(tako.edge(), channel_path("m"));
  static_cast<void>(stays.opening_id());
  for (int number = 0; number < 20; ++number) CHECK(publish_bytes(tako, "m", 500).status == 201);
  check_replay(tako, "m", 20);
  CHECK(hits(tako, "tail_cache_bytes_max") >= 15);
}

TEST_CASE("tail_caches_bytes_max") {
  Cluster tako(many({"tail_caches_bytes_max=4096"}));
  SseClient one(tako.edge(), channel_path("m1"));
  SseClient two(tako.edge(), channel_path("m2"));
  static_cast<void>(one.opening_id());
  static_cast<void>(two.opening_id());
  for (int number = 0; number < 10; ++number) {
    CHECK(publish_bytes(tako, "m1", 500).status == 201);
    CHECK(publish_bytes(tako, "m2", 500).status == 201);
  }
  check_replay(tako, "m1", 10);
  check_replay(tako, "m2", 10);
  CHECK(hits(tako, "tail_caches_bytes_max") >= 1);
}

TEST_CASE("feeds_max") {
  Cluster tako(many({"feeds_max=1"}));
  SseClient first(tako.edge(), channel_path("m1"));
  static_cast<void>(first.opening_id());
  const SseClient second(tako.edge(), channel_path("m2"));
  CHECK(second.status() == 503);
  CHECK(second.response().error_code() == "limit-reached");
  CHECK(second.response().has_header("retry-after"));
  CHECK(SseClient(tako.edge(), channel_path("m1")).status() == 200);
  CHECK(hits(tako, "feeds_max") == 1);
}

TEST_CASE("fetches_per_feed_max") {
  Cluster tako(many({"fetches_per_feed_max=1", "tail_cache_messages_max=1"}));
  SseClient stays(tako.edge(), channel_path("m"));
  static_cast<void>(stays.opening_id());
  const auto ids = tako.publish_numbers("m", 20);
  CHECK(stays.next_data(20).back() == "20");
  tako.broker().signal(SIGSTOP);
  std::vector<std::unique_ptr<HttpConnection>> readers;
  for (int number = 0; number < 4; ++number) {
    readers.push_back(std::make_unique<HttpConnection>(tako.edge()));
    readers.back()->send({.target = channel_path("m"),
                          .headers = last_event_id(ids[static_cast<std::size_t>(number)])});
  }
  wait_for_metric(tako.edge_admin(), "tako_limit_hits_total{limit=\"fetches_per_feed_max\"}", 1);
  tako.broker().signal(SIGCONT);
  for (int number = 0; number < 4; ++number) {
    HttpStream& stream = readers[static_cast<std::size_t>(number)]->stream();
    const auto head = stream.read_head();
    REQUIRE(head.has_value());
    stream.begin_body(Framing::of_response(*head, "GET"));
    std::string body;
    while (body.find("\"data\":20}") == std::string::npos) body += *stream.read_body_some();
    CHECK(body.find("\"data\":" + std::to_string(number + 2) + "}") != std::string::npos);
  }
}

TEST_CASE("outbox_bytes_max") {
  Cluster tako(many({"outbox_bytes_max=4096"}));
  SseClient stalled(tako.edge(), channel_path("m"), {}, 4096);
  static_cast<void>(stalled.opening_id());
  for (int number = 0; number < 100; ++number)
    CHECK(publish_bytes(tako, "m", 50'000).status == 201);
  wait_for_hits(tako, "outbox_bytes_max");
  for (int offset = 1; offset <= 100; ++offset) {
    REQUIRE(stalled.next_message().id->starts_with(std::to_string(offset) + "-"));
  }
}

TEST_CASE("control_outbox_bytes_max") {
  Cluster tako(many({"control_outbox_bytes_max=4096"}));
  WsClient client = open_rich(tako, channel_path("m"), 4096);
  std::jthread sender([&client] {  // Every message is answered with an error that nobody reads.
    std::string burst;
    for (int number = 0; number < 50'000; ++number) {
      burst += encode_frame({.payload = R"({"type":"unnamed","data":1,"ref":"r"})"});
    }
    client.socket().offer(burst, std::chrono::seconds(2));
  });
  wait_for_hits(tako, "control_outbox_bytes_max");
  sender.join();
  CHECK(client.wait_for_close().code == 4408);
}

TEST_CASE("subscriptions_per_connection_max") {
  Cluster tako(many({"subscriptions_per_connection_max=2"}));
  WsClient client = open_rich(tako, channel_path("m1"));
  const auto subscribe = [&client](std::string_view name) {
    client.send_text(R"({"type":"tako.subscribe","data":{"channel":")" + std::string(name) +
                     "\"}}");
    return client.next_json();
  };
  CHECK(subscribe("m2")["type"].string() == "tako.ready");
  CHECK(subscribe("m3")["data"]["code"].string() == "limit-reached");
  CHECK(hits(tako, "subscriptions_per_connection_max") == 1);
}

TEST_CASE("connections_max") {
  Cluster tako(many({"connections_max=2"}));
  SseClient one(tako.edge(), channel_path("m"));
  WsClient two(tako.edge(), channel_path("m"));
  static_cast<void>(one.opening_id());
  CHECK(two.status() == 101);
  const SseClient stream(tako.edge(), channel_path("m"));
  CHECK(stream.status() == 503);
  CHECK(stream.response().has_header("retry-after"));
  const WsClient socket(tako.edge(), channel_path("m"));
  CHECK(socket.status() == 503);
  CHECK(socket.response().has_header("retry-after"));
  CHECK(hits(tako, "connections_max") == 2);
  one.close();
  wait_until("room for another",
             [&] { return SseClient(tako.edge(), channel_path("m")).status() == 200; });
}

TEST_CASE("fragments_max") {
  Cluster tako(many({"fragments_max=4"}));
  WsClient client(tako.edge(), channel_path("m"));
  client.send({.fin = false, .payload = "{"});
  for (int number = 0; number < 4; ++number) {
    client.send({.fin = false, .opcode = kWsContinuation, .payload = " "});
  }
  CHECK(client.wait_for_close().code == 1009);
  CHECK(hits(tako, "fragments_max") == 1);
}

TEST_CASE("pongs_pending_max") {
  Cluster tako(many({"pongs_pending_max=10"}));
  WsClient client(tako.edge(), channel_path("m"), {.receive_buffer = 4096});
  REQUIRE(client.status() == 101);
  std::jthread sender([&client] {
    std::string burst;
    for (int number = 0; number < 50'000; ++number) {
      burst += encode_frame({.opcode = kWsPing, .payload = std::string(125, 'p')});
    }
    client.socket().offer(burst, std::chrono::seconds(2));
  });
  wait_for_hits(tako, "pongs_pending_max");
  sender.join();
  CHECK(client.wait_for_close().code == 4408);
}

TEST_CASE("publishes_per_connection_max") {
  Cluster tako(many({}));
  WsClient rich = open_rich(tako, channel_path("m"));
  WsClient plain(tako.edge(), channel_path("m"));
  plain.send_text(R"({"type":"say","data":0})");
  CHECK(plain.next_json()["data"].number() == 0);
  CHECK(rich.next_json()["data"].number() == 0);
  tako.broker().signal(SIGSTOP);
  for (int number = 1; number <= 65; ++number) {
    const std::string data = std::to_string(number);
    rich.send_text(R"({"type":"say","data":)" + data + R"(,"ref":)" + data + "}");
    plain.send_text(R"({"type":"say","data":)" + data + "}");
  }
  const Json error = rich.next_json();
  CHECK(error["type"].string() == "tako.error");
  CHECK(error["data"]["code"].string() == "rate-limited");
  CHECK(error["data"]["ref"].number() == 65);
  CHECK(plain.wait_for_close().code == 4429);
  tako.broker().signal(SIGCONT);
  CHECK(hits(tako, "publishes_per_connection_max") == 2);
}

TEST_CASE("auth_envelope_ms") {
  Cluster tako(with_limits({"auth_envelope_ms=200"}));
  WsClient client(tako.edge(), channel_path("chat", "roomId=1"));
  CHECK(client.wait_for_close().code == 4401);
  CHECK(hits(tako, "auth_envelope_ms") == 1);
}

TEST_CASE("empty_connection_ms") {
  Cluster tako(many({"empty_connection_ms=200"}));
  WsClient client(tako.edge(), "/_tako/channels", {.subprotocol = "tako.v1"});
  CHECK(client.wait_for_close().code == 4401);
  CHECK(hits(tako, "empty_connection_ms") == 1);
}

TEST_CASE("stream_progress_ms") {
  Cluster tako(many({"stream_progress_ms=300"}));
  SseClient stalled(tako.edge(), channel_path("m"), {}, 4096);
  static_cast<void>(stalled.opening_id());
  for (int number = 0; number < 100; ++number)
    CHECK(publish_bytes(tako, "m", 50'000).status == 201);
  wait_for_hits(tako, "stream_progress_ms");
  CHECK(stalled.ends());
}

TEST_CASE("close_handshake_ms") {
  Cluster tako(many({"close_handshake_ms=200"}));
  WsClient client(tako.edge(), channel_path("m"));
  client.send({.opcode = kWsBinary, .payload = "x"});
  CHECK(client.wait_for_close().code == 1003);
  CHECK(client.stream().closed_by_peer());  // Without an answer to the close.
  CHECK(hits(tako, "close_handshake_ms") == 1);
}

TEST_CASE("authorize_timeout_ms") {
  Cluster tako(with_limits({"authorize_timeout_ms=200"}));
  tako.app().authorize_with({.never = true});
  CHECK(sse_status(tako, "good") == 503);
  CHECK(hits(tako, "authorize_timeout_ms") == 1);
}

TEST_CASE("authorize_concurrency_max") {
  Cluster tako(with_limits({"authorize_concurrency_max=1"}));
  tako.app().authorize_with({.delay = Duration(200)});
  std::jthread other([&tako] { CHECK(sse_status(tako, "one") == 200); });
  CHECK(sse_status(tako, "two") == 200);
  other.join();
  CHECK(hits(tako, "authorize_concurrency_max") == 1);
}

TEST_CASE("authorize_waiting_max") {
  Cluster tako(with_limits({"authorize_concurrency_max=1", "authorize_waiting_max=0"}));
  tako.app().authorize_with({.never = true});
  SUBCASE("a stream is told 503") {
    HttpConnection first(tako.edge());
    first.send({.target = channel_path("chat", "roomId=1"), .headers = kGoodToken});
    static_cast<void>(tako.app().wait_for_authorize_calls(1));
    const SseClient second(tako.edge(), channel_path("chat", "roomId=1"),
                           {{"Authorization", "Bearer other"}});
    CHECK(second.status() == 503);
    CHECK(second.response().has_header("retry-after"));
  }
  SUBCASE("a WebSocket is closed 4503") {
    WsClient first(tako.edge(), channel_path("chat", "roomId=1"), {.headers = kGoodToken});
    static_cast<void>(tako.app().wait_for_authorize_calls(1));
    WsClient second(tako.edge(), channel_path("chat", "roomId=1"),
                    {.headers = {{"Authorization", "Bearer other"}}});
    CHECK(second.wait_for_close().code == 4503);
  }
  CHECK(hits(tako, "authorize_waiting_max") == 1);
}

TEST_CASE("authorize_cache_max") {
  Cluster tako(with_limits({"authorize_cache_max=1"}));
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":60000})"});
  CHECK(sse_status(tako, "one") == 200);
  CHECK(sse_status(tako, "two") == 200);
  CHECK(sse_status(tako, "two") == 200);
  CHECK(tako.app().authorize_count() == 2);
  CHECK(sse_status(tako, "one") == 200);  // The oldest went.
  CHECK(tako.app().authorize_count() == 3);
  CHECK(hits(tako, "authorize_cache_max") >= 1);
}

TEST_CASE("authorize_cache_ms_max") {
  Cluster tako(with_limits({"authorize_cache_ms_max=200"}));
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":60000})"});
  CHECK(sse_status(tako, "one") == 200);
  wait_until("the answer to be dropped",
             [&] { return sse_status(tako, "one") == 200 && tako.app().authorize_count() >= 2; });
  CHECK(hits(tako, "authorize_cache_ms_max") >= 1);
}

TEST_CASE("authorize_reply_bytes_max") {
  Cluster tako(with_limits({"authorize_reply_bytes_max=100"}));
  tako.app().authorize_with({.body = R"({"ok":true,"subject":")" + std::string(200, 's') + "\"}"});
  CHECK(sse_status(tako, "good") == 503);
  CHECK(hits(tako, "authorize_reply_bytes_max") == 1);
}

TEST_CASE("api_key_failures_max") {
  ClusterOptions options = with_limits({"api_key_failures_max=2"});
  options.edge_config = "[[apps]]\nid = \"default\"\nkeys = [{ key = \"k\", secret = \"s\" }]\n";
  Cluster tako(options);
  const auto status = [&tako](std::string_view key) {
    return http_get(tako.edge(), "/_tako/api/v1/channels",
                    {{"Authorization", "Bearer " + std::string(key)}})
        .status;
  };
  CHECK(status("k:s") == 200);
  CHECK(status("k:x") == 401);
  CHECK(status("k:x") == 401);
  CHECK(status("k:x") == 429);
  CHECK(hits(tako, "api_key_failures_max") == 1);
}
