// Limits of the fan-out and of asking the app: each driven to its bound.
#include <doctest/doctest.h>
#include <signal.h>

#include <thread>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

constexpr std::string_view kKeyed = R"([{"name":"m","auth":false,"transport":"sse",
  "paramsSchema":{"type":"object","properties":{"key":{"type":"string"}}}}])";

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
  CHECK(edge_hits(tako, "tail_cache_messages_max") >= 15);
}

TEST_CASE("tail_cache_bytes_max") {
  Cluster tako(many({"tail_cache_bytes_max=2048"}));
  SseClient stays(tako.edge(), channel_path("m"));
  static_cast<void>(stays.opening_id());
  for (int number = 0; number < 20; ++number) CHECK(publish_bytes(tako, "m", 500).status == 201);
  check_replay(tako, "m", 20);
  CHECK(edge_hits(tako, "tail_cache_bytes_max") >= 15);
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
  CHECK(edge_hits(tako, "tail_caches_bytes_max") >= 1);
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
  CHECK(edge_hits(tako, "feeds_max") == 1);
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
  wait_for_edge_hits(tako, "fetches_per_feed_max");
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

TEST_CASE("link_backlog_bytes_max") {
  Cluster tako(with_limits({"link_backlog_bytes_max=65536"}, with_definitions(kKeyed)));
  SseClient stays(tako.edge(), channel_path("m"));
  static_cast<void>(stays.opening_id());
  tako.broker().signal(SIGSTOP);
  // The kernel takes some 200 KB for it first.
  std::vector<std::unique_ptr<HttpConnection>> joining;
  wait_until("the edge to give the link up", [&] {
    const std::string key = std::to_string(joining.size()) + std::string(4'000, 'k');
    joining.push_back(std::make_unique<HttpConnection>(tako.edge()));
    joining.back()->send({.target = channel_path("m", "key=" + key)});
    return edge_hits(tako, "link_backlog_bytes_max") == 1;
  });
  CHECK(joining.size() < 200);
  tako.broker().signal(SIGCONT);
  tako.edge_process().wait_for_text("the broker does not read");
  tako.publish_numbers("m", 3);  // Nobody was let go of, and nothing is missing.
  CHECK(stays.next_data(3).back() == "3");
  CHECK(SseClient(tako.edge(), channel_path("m")).status() == 200);
}

TEST_CASE("feed_linger_ms") {
  Cluster tako(many({"feed_linger_ms=100"}));
  SseClient client(tako.edge(), channel_path("m"));
  static_cast<void>(client.opening_id());
  CHECK(metric(tako.edge_admin(), "tako_edge_channels") == 1);
  CHECK(edge_hits(tako, "feed_linger_ms") == 0);
  client.close();
  wait_for_edge_hits(tako, "feed_linger_ms");
  CHECK(metric(tako.edge_admin(), "tako_edge_channels") == 0);
}

TEST_CASE("authorize_timeout_ms") {
  Cluster tako(with_limits({"authorize_timeout_ms=200"}));
  tako.app().authorize_with({.never = true});
  CHECK(sse_status(tako, "good") == 503);
  CHECK(edge_hits(tako, "authorize_timeout_ms") == 1);
}

TEST_CASE("authorize_concurrency_max") {
  Cluster tako(with_limits({"authorize_concurrency_max=1"}));
  tako.app().authorize_with({.delay = Duration(200)});
  std::jthread other([&tako] { CHECK(sse_status(tako, "one") == 200); });
  CHECK(sse_status(tako, "two") == 200);
  other.join();
  CHECK(edge_hits(tako, "authorize_concurrency_max") == 1);
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
  CHECK(edge_hits(tako, "authorize_waiting_max") == 1);
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
  CHECK(edge_hits(tako, "authorize_cache_max") >= 1);
}

TEST_CASE("authorize_cache_ms_max") {
  Cluster tako(with_limits({"authorize_cache_ms_max=200"}));
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":60000})"});
  CHECK(sse_status(tako, "one") == 200);
  wait_until("the answer to be dropped",
             [&] { return sse_status(tako, "one") == 200 && tako.app().authorize_count() >= 2; });
  CHECK(edge_hits(tako, "authorize_cache_ms_max") >= 1);
}

TEST_CASE("authorize_reply_bytes_max") {
  Cluster tako(with_limits({"authorize_reply_bytes_max=100"}));
  tako.app().authorize_with({.body = R"({"ok":true,"subject":")" + std::string(200, 's') + "\"}"});
  CHECK(sse_status(tako, "good") == 503);
  CHECK(edge_hits(tako, "authorize_reply_bytes_max") == 1);
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
  CHECK(edge_hits(tako, "api_key_failures_max") == 1);
}
