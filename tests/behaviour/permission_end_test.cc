// Permissions end: by their time, by what they never allowed; and are renewed in the rich dialect.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");
const WsOptions kRich{.headers = kGoodToken, .subprotocol = "tako.v1"};

// An answer of the app that allows until then.
StubReply allowed_until(std::int64_t ms) {
  return {.body = R"({"ok":true,"expiresAt":)" + std::to_string(ms) + "}"};
}

}  // namespace

TEST_CASE("an authorization that expires ends the connection, and nothing comes after it") {
  Cluster tako(with_definitions());
  tako.app().authorize_with(
      {.body = R"({"ok":true,"expiresAt":)" + std::to_string(now_ms() + 600) + "}"});
  SseClient stream(tako.edge(), kRoom, kGoodToken);
  WsClient socket(tako.edge(), kRoom, {.headers = kGoodToken});
  CHECK(stream.ends());
  check_close(socket, 1000, "connection expired");
}

TEST_CASE("an expiry in the past is a refusal") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"expiresAt":1000})"});
  SseClient stream(tako.edge(), kRoom, kGoodToken);
  CHECK((stream.status() == 403 || stream.ends()));
}

TEST_CASE("a rich client is told before its permission ends, and a new credential renews it") {
  Cluster tako(with_definitions());
  const std::int64_t end = now_ms() + 1'000;
  tako.app().authorize_with(allowed_until(end));
  WsClient client(tako.edge(), kRoom, kRich);
  static_cast<void>(expect(client, "tako.ready"));
  const Json reauth = expect(client, "tako.reauth");
  CHECK(reauth["key"].string() == "chat?roomId=1");
  CHECK(std::abs(static_cast<std::int64_t>(reauth["data"]["before"].number()) - end) < 50);
  tako.app().authorize_with(allowed_until(now_ms() + 60'000));
  client.send_text(auth_envelope("Bearer fresh"));
  CHECK(tako.app().wait_for_authorize_calls(2)[1].json()["header"]["value"].string() == "fresh");
  wait_until("the first permission to be over", [end] { return now_ms() > end + 200; });
  const std::string id = tako.publish("chat", "t", "1", "roomId=1")["id"].string();
  CHECK(client.next_json()["id"].string() == id);
}

TEST_CASE("a rich client that does not renew is closed, when that was its only channel") {
  Cluster tako(with_definitions());
  tako.app().authorize_with(allowed_until(now_ms() + 500));
  WsClient client(tako.edge(), kRoom, kRich);
  static_cast<void>(expect(client, "tako.ready"));
  static_cast<void>(expect(client, "tako.reauth"));
  check_close(client, 1000, "connection expired");
}

TEST_CASE("of several channels only that ends whose permission did") {
  Cluster tako(with_definitions());
  tako.app().authorize_with(allowed_until(now_ms() + 500));
  WsClient client(tako.edge(), channel_path("wire"), kRich);
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text(
      R"({"type":"tako.subscribe","data":{"channel":"chat","params":{"roomId":"1"}}})");
  static_cast<void>(expect(client, "tako.ready"));
  static_cast<void>(expect(client, "tako.reauth"));
  const Json error = expect(client, "tako.error");
  CHECK(error["key"].string() == "chat?roomId=1");
  CHECK(error["data"]["code"].string() == "connection-expired");
  tako.publish("chat", "t", "1", "roomId=1");
  tako.publish("wire", "t", "2");
  CHECK(client.next_json()["data"].number() == 2);
}

TEST_CASE("a renewal that the app refuses ends the channel") {
  Cluster tako(with_definitions());
  tako.app().authorize_with(allowed_until(now_ms() + 1'000));
  WsClient client(tako.edge(), kRoom, kRich);
  static_cast<void>(expect(client, "tako.ready"));
  static_cast<void>(expect(client, "tako.reauth"));
  tako.app().authorize_with({.status = 403, .body = "{}"});
  client.send_text(auth_envelope("Bearer stolen"));
  check_close(client, 4403, "verify-rejected");
}

TEST_CASE("rights bound what a subject may do, over every route") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"rights":["connect"]})"});
  WsClient socket(tako.edge(), kRoom, {.headers = kGoodToken, .subprotocol = "tako.v1"});
  CHECK(socket.next_json()["type"].string() == "tako.ready");
  socket.send_text(R"({"type":"say","data":1,"ref":"r"})");
  const Json error = socket.next_json();
  CHECK(error["type"].string() == "tako.error");
  CHECK(tako.api("GET", "/v1/channels/chat/messages?roomId=1").json()["messages"].size() == 0);
  tako.app().authorize_with({.body = R"({"ok":true,"rights":["subscribe"]})"});
  const std::string messages = "/_tako/channels/chat/messages?roomId=1";
  const HttpResponse history = http_get(tako.edge(), messages, kGoodToken);
  CHECK(history.status == 403);
  CHECK(history.error_code() == "forbidden");
  CHECK(http(tako.edge(), {.method = "POST",
                           .target = messages,
                           .headers = kGoodToken,
                           .body = R"({"type":"say","data":1})"})
            .status == 403);
  CHECK(SseClient(tako.edge(), kRoom, kGoodToken).status() == 200);
}
