// Many channels over one connection of the dialect tako.v1: subscribing, leaving, and limits.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const WsOptions kRich{.headers = kGoodToken, .subprotocol = "tako.v1"};

Json subscribe(WsClient& client, std::string_view data) {
  client.send_text(R"({"type":"tako.subscribe","data":)" + std::string(data) + "}");
  return expect(client, "tako.ready");
}

}  // namespace

TEST_CASE("one connection subscribes to many channels and gets each one's messages by key") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), "/_tako/channels", {.subprotocol = "tako.v1"});
  REQUIRE(client.status() == 101);
  CHECK(subscribe(client, R"({"channel":"wire"})")["key"].string() == "wire");
  const Json room =
      subscribe(client, R"({"channel":"chat","params":{"roomId":"7"},"token":"Bearer good"})");
  CHECK(room["key"].string() == "chat?roomId=7");
  CHECK(room["data"]["subject"].string() == "ann");
  tako.publish("wire", "t", "1");
  CHECK(client.next_json()["key"].string() == "wire");
  tako.publish("chat", "t", "2", "roomId=7");
  CHECK(client.next_json()["key"].string() == "chat?roomId=7");
  client.send_text(R"({"type":"say","data":3,"key":"chat?roomId=7"})");
  const Json said = client.next_json();
  CHECK(said["key"].string() == "chat?roomId=7");
  CHECK(said["subject"].string() == "ann");
}

TEST_CASE("answers to subscribe and unsubscribe carry the ref; nobody is null as a subject") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), "/_tako/channels", kRich);
  client.send_text(R"({"type":"tako.subscribe","data":{"channel":"wire"},"ref":"s1"})");
  const Json ready = expect(client, "tako.ready");
  CHECK(ready["data"]["ref"].string() == "s1");
  CHECK(ready["data"]["subject"].is_null());
  client.send_text(R"({"type":"tako.subscribe","data":{"channel":"nope"},"ref":"s2"})");
  CHECK(expect(client, "tako.error")["data"]["ref"].string() == "s2");
  client.send_text(R"({"type":"tako.unsubscribe","data":{"key":"wire"},"ref":"u1"})");
  const Json ack = expect(client, "tako.ack");
  CHECK(ack["data"]["ref"].string() == "u1");
  CHECK(ack["key"].string() == "wire");
}

TEST_CASE("a subscription that new definitions end is an error frame; the others go on") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), "/_tako/channels", kRich);
  static_cast<void>(subscribe(client, R"({"channel":"wire"})"));
  static_cast<void>(subscribe(client, R"({"channel":"short"})"));
  tako.put_definitions(R"([{"name":"wire","auth":false,"transport":"ws"}])");
  const Json error = expect(client, "tako.error");
  CHECK(error["key"].string() == "short");
  CHECK(error["data"]["code"].string() == "channel-unknown");
  tako.publish("wire", "t", "1");
  CHECK(client.next_json()["data"].number() == 1);
}

TEST_CASE("a subscribe resumes at its lastMessageId, and unsubscribe ends only that channel") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("wire", 2);
  WsClient client(tako.edge(), "/_tako/channels", kRich);
  static_cast<void>(subscribe(client, R"({"channel":"short"})"));
  static_cast<void>(
      subscribe(client, R"({"channel":"wire","lastMessageId":)" + json_string(ids[0]) + "}"));
  CHECK(client.next_json()["data"].number() == 2);
  client.send_text(R"({"type":"tako.unsubscribe","data":{"key":"wire"}})");
  // Frames are handled in order: the answer to what was sent behind it shows that it was done.
  client.send_text(R"({"type":"say","data":0,"key":"wire","ref":"gone"})");
  Json frame = client.next_json();
  while (frame["type"].string() != "tako.error") frame = client.next_json();
  CHECK(frame["data"]["code"].string() == "subscription-unknown");
  tako.publish("wire", "t", "3");
  tako.publish("short", "t", "4");
  CHECK(client.next_json()["data"].number() == 4);
}

TEST_CASE("a refused subscribe is an error frame, and the connection stays") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), "/_tako/channels", {.subprotocol = "tako.v1"});
  static_cast<void>(subscribe(client, R"({"channel":"wire"})"));
  const auto refused = [&client](std::string_view data) {
    client.send_text(R"({"type":"tako.subscribe","data":)" + std::string(data) + "}");
    return expect(client, "tako.error")["data"]["code"].string();
  };
  CHECK(refused(R"({"channel":"nope"})") == "channel-unknown");
  CHECK(refused(R"({"channel":"chat","params":{},"token":"good"})") == "params-invalid");
  CHECK(refused(R"({"channel":"chat","params":{"roomId":7},"token":"good"})") == "params-invalid");
  CHECK(refused(R"({"channel":"chat","params":{"roomId":"7"},"token":"bad"})") ==
        "verify-rejected");
  CHECK(refused(R"({"channel":"feed"})") == "transport-not-enabled");
  CHECK(refused(R"({"channel":"wire","lastMessageId":"abc"})") != "");
  CHECK(refused(R"({"channel":"short","lastMessageId":"abc"})") == "cursor-malformed");
  CHECK(refused(R"({"channel":"wire"})") == "subscription-exists");
  tako.publish("wire", "t", "1");
  CHECK(client.next_json()["data"].number() == 1);
}

TEST_CASE("subscriptions per connection are limited; one given up makes room") {
  Cluster tako({.definitions = R"([{"name":"c*","auth":false,"transport":"ws"}])"});
  WsClient client(tako.edge(), "/_tako/channels", kRich);
  for (int number = 0; number < 100; ++number) {
    static_cast<void>(subscribe(client, R"({"channel":"c)" + std::to_string(number) + "\"}"));
  }
  client.send_text(R"({"type":"tako.subscribe","data":{"channel":"c100"}})");
  CHECK(expect(client, "tako.error")["data"]["code"].string() == "limit-reached");
  client.send_text(R"({"type":"tako.unsubscribe","data":{"key":"c7"}})");
  static_cast<void>(subscribe(client, R"({"channel":"c100"})"));
}

TEST_CASE("a connection without any subscription is closed with 4401") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), "/_tako/channels", {.subprotocol = "tako.v1"});
  CHECK(client.wait_for_close(std::chrono::seconds(30)).code == 4401);
}

TEST_CASE("a connection that gave up its last subscription is closed with 4401 too") {
  ClusterOptions options = with_definitions();
  options.edge_arguments = {"--limit", "empty_connection_ms=200"};
  Cluster tako(options);
  WsClient client(tako.edge(), "/_tako/channels", kRich);
  static_cast<void>(subscribe(client, R"({"channel":"wire"})"));
  client.send_text(R"({"type":"tako.unsubscribe","data":{"key":"wire"}})");
  check_close(client, 4401, "auth-frame-missing");
}

TEST_CASE("the bare route needs the dialect") {
  Cluster tako(with_definitions());
  CHECK(WsClient(tako.edge(), "/_tako/channels").status() == 400);
  const HttpResponse plain = http_get(tako.edge(), "/_tako/channels");
  CHECK(plain.status == 400);
  CHECK(plain.error_code() == "handshake-invalid");
  CHECK(plain.error_message().find("tako.v1") != std::string::npos);
  CHECK(http_get(tako.edge(), "/_tako/channels/").status == 404);  // A channel without a name.
}
