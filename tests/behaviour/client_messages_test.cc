// What a client may publish over a WebSocket of the plain dialect, and how the rest is refused.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");

}  // namespace

TEST_CASE("X3: with an allowed header a message goes to all, the sender included") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient ann(tako.edge(), kRoom, {.headers = kGoodToken});
  WsClient bob(tako.edge(), kRoom, {.headers = {{"Authorization", "Bearer bob"}}});
  SseClient listener(tako.edge(), kRoom, kGoodToken);
  static_cast<void>(listener.opening_id());
  bob.send_text(R"({"type":"say","data":"settled"})");
  CHECK(bob.next_json()["data"].string() == "settled");
  static_cast<void>(listener.next_message());
  ann.send_text(R"({"type":"say","data":{"z":1, "a":2},"extra":true})");
  const SseBlock heard = listener.next_message();
  CHECK(*heard.data ==
        R"({"id":")" + *heard.id +
            R"(","channel":"chat","type":"say","data":{"z":1,"a":2},"subject":"ann"})");
  CHECK(bob.next_data().payload == *heard.data);
  std::string own = ann.next_data().payload;
  if (own != *heard.data) own = ann.next_data().payload;  // Bob's settling message came first.
  CHECK(own == *heard.data);
}

TEST_CASE("X14: a binary frame is 1003") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  client.send({.opcode = kWsBinary, .payload = "{}"});
  check_close(client, 1003, "unsupported frame");
}

TEST_CASE("X17: fragments are put together; an unmasked frame is 1002") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  client.send({.fin = false, .payload = R"({"type":"sa)"});
  client.send({.opcode = kWsPing, .payload = "between"});
  client.send({.fin = false, .opcode = kWsContinuation, .payload = R"(y","da)"});
  client.send({.opcode = kWsContinuation, .payload = R"(ta":7})"});
  const auto pong = client.next_frame();
  REQUIRE(pong.has_value());
  CHECK(pong->payload == "between");
  CHECK(client.next_json()["data"].number() == 7);
  client.send({.masked = false, .payload = R"({"type":"say","data":8})"});
  CHECK(client.wait_for_close().code == 1002);
}

TEST_CASE("X18: bad JSON, missing members and types that no handler names are 4415") {
  Cluster tako(with_channel(""));
  for (const char* frame : {R"({"type":"say"})", R"({"data":1})", R"({"type":7,"data":1})",
                            "{\"type\":\"say\",", "", "[]", R"({"type":"","data":1})",
                            R"({"type":"tako.x","data":1})", R"({"type":"unnamed","data":1})"}) {
    CAPTURE(frame);
    WsClient client = open_c(tako);
    client.send_text(frame);
    check_close(client, 4415, "message-malformed");
  }
}

TEST_CASE("an ephemeral message comes without an id and is not stored") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  settle(client);
  client.send_text(R"({"type":"typing","data":true})");
  const Json typing = client.next_json();
  CHECK_FALSE(typing.has("id"));
  CHECK(typing["type"].string() == "typing");
  const Json history = tako.api("GET", "/v1/channels/c/messages").json();
  CHECK(history["messages"].size() == 1);
}

TEST_CASE("the sender's echo is not to be declined where it is the only acknowledgement") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  client.send_text(R"({"type":"say","data":1,"ref":"r","echo":false})");
  CHECK(client.next_data().payload.ends_with(R"("channel":"c","type":"say","data":1})"));
}

TEST_CASE("a client that has no right to publish is closed with 4403, and nothing is stored") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"rights":["connect"]})"});
  WsClient client(tako.edge(), kRoom, {.headers = kGoodToken});
  client.send_text(R"({"type":"say","data":1})");
  check_close(client, 4403, "verify-rejected");
  CHECK(tako.api("GET", "/v1/channels/chat/messages?roomId=1").json()["messages"].size() == 0);
}

TEST_CASE("a repeated idempotency key is delivered once, to the sender too") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  for (int copy = 0; copy < 3; ++copy) {
    client.send_text(R"({"type":"say","data":1,"idempotencyKey":"k"})");
  }
  client.send_text(R"({"type":"say","data":2})");
  CHECK(client.next_json()["data"].number() == 1);
  CHECK(client.next_json()["data"].number() == 2);
}

TEST_CASE("when the broker does not answer a message the connection is closed with 4503") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  settle(client);
  tako.kill_broker();
  client.send_text(R"({"type":"say","data":1})");
  check_close(client, 4503, "unavailable");
}
