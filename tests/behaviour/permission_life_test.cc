// The life of a permission: renewed in place with what is at hand or a fresh token, or over in
// time.
#include <doctest/doctest.h>

#include <atomic>

#include "tests/behaviour/fixtures.h"
#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");
const WsOptions kPlain{.headers = kGoodToken};
const WsOptions kRich{.headers = kGoodToken, .subprotocol = "tako.v1"};

StubReply ann_until(std::int64_t ms) {
  return {.body = R"({"ok":true,"subject":"ann","expiresAt":)" + std::to_string(ms) + "}"};
}

// Allows ann for so long from each call on.
void allow_for(StubApp& app, std::int64_t ms) {
  app.on_authorize([ms](const Json&) { return ann_until(now_ms() + ms); });
}

void wait_past(std::int64_t ms) {
  wait_until("the first permission to be over", [ms] { return now_ms() > ms; });
}

void publish(Cluster& tako, std::string_view data) { tako.publish("chat", "t", data, "roomId=1"); }

}  // namespace

TEST_CASE("plain clients are asked about again before the end, and go on with nothing missing") {
  Cluster tako(with_definitions());
  allow_for(tako.app(), 3'600);
  WsClient socket(tako.edge(), kRoom, kPlain);
  settle(socket);
  SseClient stream(tako.edge(), kRoom, kGoodToken);
  static_cast<void>(stream.opening_id());
  const std::int64_t first_end = now_ms() + 3'600;
  publish(tako, "1");
  wait_past(first_end + 300);
  publish(tako, "2");
  for (const int number : {1, 2}) {
    CHECK(socket.next_json()["data"].number() == number);
    CHECK(stream.next_message().json()["data"].number() == number);
  }
  CHECK(tako.app().authorize_count() >= 4);
  CHECK(metric(tako.edge_admin(), "tako_edge_permissions_renewed_total") >= 2);
}

TEST_CASE("a cookie is renewed by itself in the rich dialect: the client is asked for nothing") {
  Cluster tako(with_definitions());
  allow_for(tako.app(), 3'000);
  WsClient client(
      tako.edge(), channel_path("ck"),
      {.headers = {{"Cookie", "sid=s"}, same_origin(tako.edge())}, .subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  wait_past(now_ms() + 3'500);
  tako.publish("ck", "t", "1");
  CHECK(client.next_json()["data"].number() == 1);
}

TEST_CASE("a rich client that says nothing is renewed with its old token, if the app agrees") {
  Cluster tako(with_definitions());
  allow_for(tako.app(), 3'000);
  WsClient client(tako.edge(), kRoom, kRich);
  static_cast<void>(expect(client, "tako.ready"));
  static_cast<void>(expect(client, "tako.reauth"));
  static_cast<void>(tako.app().wait_for_authorize_calls(2));
  static_cast<void>(expect(client, "tako.reauth"));  // Of the second permission.
}

TEST_CASE("a fresh token that is another subject's ends the subscription") {
  Cluster tako(with_definitions());
  tako.app().on_authorize([](const Json& call) -> StubReply {
    if (call["header"]["value"].string() == "good") return ann_until(now_ms() + 10'000);
    return {.body = R"({"ok":true,"subject":"bob"})"};
  });
  WsClient client(tako.edge(), kRoom, kRich);
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text(auth_envelope("Bearer bobs"));
  check_close(client, 4403, "verify-rejected");
}

TEST_CASE("a no to a plain client ends it at once, not at the end of its time") {
  Cluster tako(with_definitions());
  tako.app().authorize_with(ann_until(now_ms() + 6'000));
  WsClient socket(tako.edge(), kRoom, kPlain);
  settle(socket);
  SseClient stream(tako.edge(), kRoom, kGoodToken);
  static_cast<void>(stream.opening_id());
  tako.app().authorize_with({.status = 403, .body = "{}"});
  check_close(socket, 4403, "verify-rejected");
  CHECK(stream.ends());
}

TEST_CASE("with the app down a permission ends at its time, on every edge") {
  ClusterOptions options = with_definitions();
  options.edges = 2;
  Cluster tako(options);
  const std::int64_t end = now_ms() + 4'000;
  tako.app().authorize_with(ann_until(end));
  WsClient plain(tako.edge(0), kRoom, kPlain);
  WsClient rich(tako.edge(1), kRoom, kRich);
  SseClient stream(tako.edge(1), kRoom, kGoodToken);
  settle(plain);
  static_cast<void>(expect(rich, "tako.ready"));
  static_cast<void>(stream.opening_id());
  tako.app().stop();
  check_close(plain, 1000, "connection expired");
  check_close(rich, 1000, "connection expired");
  CHECK(stream.ends());
  CHECK(now_ms() >= end - 10);  // Not before; how soon behind it is permission_test.cc's.
  tako.app().start();
}

TEST_CASE("a client that was handed over is renewed and expires as if it had not been") {
  Cluster tako(with_definitions());
  const std::int64_t end = now_ms() + 6'000;
  std::atomic<std::int64_t> allowed_until = end;
  tako.app().on_authorize([&](const Json&) { return ann_until(allowed_until); });
  WsClient plain(tako.edge(), kRoom, kPlain);
  settle(plain);
  WsClient rich(tako.edge(), kRoom, kRich);
  static_cast<void>(expect(rich, "tako.ready"));
  tako.take_over();
  CHECK(tako.app().authorize_count() == 2);
  allowed_until = end + 2'000;  // Half-way to the first end both are asked about.
  static_cast<void>(expect(rich, "tako.reauth"));
  static_cast<void>(tako.app().wait_for_authorize_calls(4));
  wait_past(end + 200);
  publish(tako, "1");
  CHECK(plain.next_json()["data"].number() == 1);
  CHECK(rich.next_json()["data"].number() == 1);
  tako.app().stop();
  check_close(plain, 1000, "connection expired");
  tako.app().start();
}

TEST_CASE("a right that is missing is told as forbidden, over every route") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"subject":"ann","rights":["publish"]})"});
  SseClient stream(tako.edge(), kRoom, kGoodToken);
  check_refused(stream.response(), 403, "forbidden");
  WsClient socket(tako.edge(), kRoom, kPlain);
  CHECK(socket.wait_for_close().code == 4403);
  WsClient rich(tako.edge(), channel_path("wire"),
                {
                    .subprotocol = "tako.v1",
                });
  static_cast<void>(expect(rich, "tako.ready"));
}
