// How often the app is asked: which calls share one answer, and how long an answer is kept.
#include <doctest/doctest.h>

#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");

// Other definitions under which that room is the same channel.
constexpr std::string_view kOnlyChat = R"([{"name":"chat","auth":{},"transport":"ws",
  "paramsSchema":{"type":"object","properties":{"roomId":{"type":"string"}}}}])";

int sse_status(Cluster& tako, Headers headers = kGoodToken) {
  return SseClient(tako.edge(), kRoom, std::move(headers)).status();
}

}  // namespace

TEST_CASE("equal calls in flight are one call; different credentials are not merged") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.delay = Duration(400)});
  std::vector<std::jthread> clients;
  clients.reserve(10);
  for (int client = 0; client < 10; ++client) {
    clients.emplace_back([&tako, client] {
      const std::string token = client < 8 ? "Bearer same" : "Bearer own" + std::to_string(client);
      CHECK(sse_status(tako, {{"Authorization", token}}) == 200);
    });
  }
  clients.clear();
  CHECK(tako.app().authorize_count() >= 3);
  CHECK(tako.app().authorize_count() < 10);
}

TEST_CASE("without ttlMs every later call asks; with it the answer is kept until it ends") {
  Cluster tako(with_definitions());
  CHECK(sse_status(tako) == 200);
  CHECK(sse_status(tako) == 200);
  CHECK(tako.app().authorize_count() == 2);
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":60000})"});
  CHECK(sse_status(tako) == 200);
  CHECK(sse_status(tako) == 200);
  CHECK(tako.app().authorize_count() == 3);
  CHECK(sse_status(tako, {{"Authorization", "Bearer other"}}) == 200);
  CHECK(tako.app().authorize_count() == 4);
}

TEST_CASE("a kept answer ends with its ttlMs and with new definitions; refusals are not kept") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":60000})"});
  CHECK(sse_status(tako) == 200);
  tako.put_definitions(kDefinitions);  // The same set: nothing is new.
  CHECK(sse_status(tako) == 200);
  CHECK(tako.app().authorize_count() == 1);
  tako.put_definitions(kOnlyChat);
  CHECK(sse_status(tako) == 200);
  CHECK(tako.app().authorize_count() == 2);

  tako.put_definitions(kDefinitions);
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":200})"});
  CHECK(sse_status(tako) == 200);
  wait_until("the kept answer to end",
             [&] { return sse_status(tako) == 200 && tako.app().authorize_count() >= 4; });

  const Headers other{{"Authorization", "Bearer refused"}};
  tako.app().authorize_with({.body = R"({"ok":false,"ttlMs":60000})"});
  CHECK(sse_status(tako, other) == 403);
  tako.app().authorize_with({});
  CHECK(sse_status(tako, other) == 200);
}

TEST_CASE("an answer is kept no longer than the permission that it gives") {
  Cluster tako(with_definitions());
  tako.app().authorize_with(
      {.body = R"({"ok":true,"ttlMs":60000,"expiresAt":)" + std::to_string(now_ms() + 500) + "}"});
  CHECK(sse_status(tako) == 200);
  tako.app().authorize_with({});
  wait_until("the app to be asked again",
             [&] { return sse_status(tako) == 200 && tako.app().authorize_count() == 2; });
}

TEST_CASE("a kept answer is of one operation, one channel and one address") {
  ClusterOptions options = with_definitions();
  options.edge_config = "trusted_proxies = [\"127.0.0.1/32\"]\n";
  Cluster tako(options);
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":60000})"});
  const auto asked_by = [&tako](const std::function<void()>& work) {
    const std::size_t before = tako.app().authorize_count();
    work();
    return tako.app().authorize_count() - before;
  };
  const auto from = [&tako](std::string_view ip) {
    Headers headers = kGoodToken;
    headers.push_back({"X-Forwarded-For", std::string(ip)});
    CHECK(sse_status(tako, headers) == 200);
  };
  CHECK(asked_by([&] { from("192.0.2.1"); }) == 1);
  CHECK(asked_by([&] { from("192.0.2.1"); }) == 0);
  CHECK(asked_by([&] { from("192.0.2.2"); }) == 1);
  CHECK(asked_by([&] {
          Headers headers = kGoodToken;
          headers.push_back({"X-Forwarded-For", "192.0.2.1"});
          CHECK(http_get(tako.edge(), "/_tako/channels/chat/messages?roomId=1", headers).status ==
                200);
          CHECK(SseClient(tako.edge(), channel_path("chat", "roomId=2"), headers).status() == 200);
        }) == 2);
}

TEST_CASE("calls without a credential share no answer, neither in flight nor kept") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"ttlMs":60000})", .delay = Duration(200)});
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int number = 0; number < 3; ++number) {
    clients.push_back(std::make_unique<WsClient>(tako.edge(), kRoom));
    clients.back()->send_text(R"({"type":"tako.auth"})");
  }
  static_cast<void>(tako.app().wait_for_authorize_calls(3));
  for (const auto& client : clients) {
    client->send_text(R"({"type":"say","data":1})");
    CHECK(client->next_json()["data"].number() == 1);  // It stands: the answer came.
  }
  WsClient later(tako.edge(), kRoom);
  later.send_text(R"({"type":"tako.auth"})");
  static_cast<void>(tako.app().wait_for_authorize_calls(4));
}
