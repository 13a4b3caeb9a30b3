// The dialect tako.v1 on one channel: its control frames, keys and acknowledgements.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const WsOptions kRich{.headers = kGoodToken, .subprotocol = "tako.v1"};

WsClient open_rich(Cluster& tako, const std::string& path) {
  WsClient client(tako.edge(), path, kRich);
  REQUIRE(client.status() == 101);
  CHECK(client.response().header("sec-websocket-protocol") == "tako.v1");
  return client;
}

}  // namespace

TEST_CASE("ready says where the subscription starts, who one is, and whether it resumed") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  const auto ids = tako.publish_numbers("chat", 3, "roomId=1");
  WsClient fresh = open_rich(tako, channel_path("chat", "roomId=1"));
  const Json ready = expect(fresh, "tako.ready");
  CHECK(ready["key"].string() == "chat?roomId=1");
  CHECK(ready["data"]["id"].string() == ids[2]);
  CHECK(ready["data"]["subject"].string() == "ann");
  CHECK_FALSE(ready["data"]["resumed"].boolean());
  WsClient resumed = open_rich(tako, channel_path("chat", "roomId=1&last_message_id=" + ids[0]));
  const Json again = expect(resumed, "tako.ready");
  CHECK(again["data"]["id"].string() == ids[0]);
  CHECK(again["data"]["resumed"].boolean());
  CHECK(resumed.next_json()["data"].number() == 2);
}

TEST_CASE("every message carries the key behind its data") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("chat", "roomId=4+2"));
  CHECK(expect(client, "tako.ready")["key"].string() == "chat?roomId=4%202");
  const std::string id = tako.publish("chat", "t", "[1]", "roomId=4%202")["id"].string();
  CHECK(client.next_data().payload ==
        R"({"id":")" + id +
            R"(","channel":"chat","type":"t","data":[1],"key":"chat?roomId=4%202"})");
}

TEST_CASE("a gap is told with its ends and its reason, and the stream goes on behind it") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("short", 5);
  WsClient client = open_rich(tako, channel_path("short", "last_message_id=" + ids[0]));
  Json frame = client.next_json();
  if (frame["type"].string() == "tako.ready") frame = client.next_json();
  CHECK(frame["type"].string() == "tako.gap");
  CHECK(frame["key"].string() == "short");
  CHECK(frame["data"]["from"].string() == ids[0]);
  CHECK(frame["data"]["to"].string() == ids[4]);
  CHECK_FALSE(frame["data"]["reason"].string().empty());
  tako.publish("short", "n", "6");
  Json next = client.next_json();
  if (next["type"].string() == "tako.ready") next = client.next_json();
  CHECK(next["data"].number() == 6);
}

TEST_CASE("a message with ref is acknowledged with its id; one without gets no ack") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text(R"({"type":"say","data":1,"ref":"r1"})");
  Json first = client.next_json();
  Json second = client.next_json();
  if (first["type"].string() != "tako.ack") std::swap(first, second);
  CHECK(first["type"].string() == "tako.ack");
  CHECK(first["data"]["ref"].string() == "r1");
  CHECK(first["data"]["id"].string() == second["id"].string());
  CHECK(first["key"].string() == "wire");
  client.send_text(R"({"type":"say","data":2})");
  CHECK(client.next_json()["data"].number() == 2);
  tako.publish("wire", "end", "3");
  CHECK(client.next_json()["data"].number() == 3);
}

TEST_CASE("with echo:false the ack is the delivery, and others get the message") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(client, "tako.ready"));
  WsClient other = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(other, "tako.ready"));
  client.send_text(R"({"type":"say","data":1,"ref":"r1","echo":false})");
  const std::string id = expect(client, "tako.ack")["data"]["id"].string();
  CHECK(other.next_json()["id"].string() == id);
  tako.publish("wire", "end", "2");
  CHECK(client.next_json()["data"].number() == 2);
  CHECK(other.next_json()["data"].number() == 2);
  WsClient resumed = open_rich(tako, channel_path("wire", "last_message_id=" + id));
  static_cast<void>(expect(resumed, "tako.ready"));
  CHECK(resumed.next_json()["data"].number() == 2);
}

TEST_CASE("an ephemeral message is acknowledged without an id") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text(R"({"type":"typing","data":true,"ref":7,"echo":false})");
  const Json ack = expect(client, "tako.ack");
  CHECK(ack["data"]["ref"].number() == 7);
  CHECK(ack["data"]["id"].is_null());
}

TEST_CASE("a repeated idempotency key is acknowledged with the first id and not delivered again") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(client, "tako.ready"));
  const std::string message =
      R"({"type":"say","data":1,"ref":"r","echo":false,"idempotencyKey":"k"})";
  client.send_text(message);
  const std::string id = expect(client, "tako.ack")["data"]["id"].string();
  client.send_text(message);
  CHECK(expect(client, "tako.ack")["data"]["id"].string() == id);
  tako.publish("wire", "end", "2");
  CHECK(client.next_json()["data"].number() == 2);
  CHECK(tako.api("GET", "/v1/channels/wire/messages").json()["messages"].size() == 2);
}

TEST_CASE("a type that no handler names is an error frame, and the connection stays") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text(R"({"type":"unnamed","data":1,"ref":"r9"})");
  const Json error = expect(client, "tako.error");
  CHECK(error["data"]["ref"].string() == "r9");
  CHECK(error["data"]["code"].string() == "type-not-allowed");
  CHECK_FALSE(error["data"]["message"].string().empty());
  CHECK_FALSE(error["data"]["hint"].string().empty());
  CHECK_FALSE(error["data"]["retryable"].boolean());
  client.send_text(R"({"type":"say","data":2})");
  CHECK(client.next_json()["data"].number() == 2);
}

TEST_CASE("bad JSON closes this dialect too") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text("{\"type\":");
  check_close(client, 4415, "message-malformed");
}

TEST_CASE("the envelope authorizes in this dialect too, and ready answers it") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), channel_path("chat", "roomId=1"), {.subprotocol = "tako.v1"});
  client.send_text(auth_envelope("Bearer bob"));
  CHECK(expect(client, "tako.ready")["data"]["subject"].string() == "bob");
}

TEST_CASE("of several offered subprotocols the one that is known is chosen; others are not named") {
  Cluster tako(with_definitions());
  WsClient several(tako.edge(), channel_path("wire"), {.subprotocol = "foo, tako.v1"});
  CHECK(several.response().header("sec-websocket-protocol") == "tako.v1");
  WsClient unknown(tako.edge(), channel_path("wire"), {.subprotocol = "foo"});
  CHECK_FALSE(unknown.response().has_header("sec-websocket-protocol"));
}

TEST_CASE("a leaving edge says when to come back, then closes 1012") {
  Cluster tako(with_definitions());
  WsClient client = open_rich(tako, channel_path("wire"));
  static_cast<void>(expect(client, "tako.ready"));
  tako.edge_process().signal(15);
  CHECK(expect(client, "tako.drain")["data"]["retryMs"].number() >= 0);
  CHECK(client.wait_for_close().code == 1012);
  CHECK(client.tcp_ends());
}
