// WebSocket, plain dialect: handshake, credentials, messages both ways, and every close.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");

void check_close(WsClient& client, int code, std::string_view reason) {
  REQUIRE(client.status() == 101);
  const WsEnd end = client.wait_for_close();
  CHECK(end.code == code);
  CHECK(end.reason == reason);
  CHECK(client.tcp_ends());
}

// Open to the public channel of with_channel().
WsClient open_c(Cluster& tako) {
  WsClient client(tako.edge(), channel_path("c"));
  REQUIRE(client.status() == 101);
  return client;
}

}  // namespace

TEST_CASE("X1: the accept key of RFC 6455; a wrong version and a missing key are HTTP errors") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("wire"));
  CHECK(client.status() == 101);
  CHECK(client.response().header("sec-websocket-accept") == kWsAccept);
  CHECK(client.response().header("upgrade") == "websocket");
  CHECK_FALSE(client.response().has_header("sec-websocket-protocol"));
  WsClient old(tako.edge(), channel_path("wire"), {.version = "12"});
  CHECK(old.status() == 426);
  CHECK(old.response().header("sec-websocket-version") == "13");
  CHECK(WsClient(tako.edge(), channel_path("wire"), {.key = ""}).status() == 400);
  CHECK(WsClient(tako.edge(), channel_path("wire"), {.key = "c2hvcnQ="}).status() == 400);
}

TEST_CASE("X2: a WebSocket to an SSE channel is closed with a code that a browser can read") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("feed"));
  check_close(client, 4406, "transport-not-enabled");
}

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

TEST_CASE("X4: with a refused header the upgrade is done, then closed 4403") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), kRoom, {.headers = {{"Authorization", "Bearer bad"}}});
  check_close(client, 4403, "verify-rejected");
}

TEST_CASE("X5: without a header the envelope's token is asked for, and messages flow") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), kRoom);
  client.send_text(auth_envelope("Bearer good"));
  settle(client);
  const Json call = tako.app().authorize_calls().at(0).json();
  CHECK(call["operation"].string() == "connect");
  CHECK(call["header"] == Json::parse(R"({"scheme":"Bearer","value":"good"})"));
}

TEST_CASE("X6: an envelope that the app refuses is 4403, a channel that it does not know 4404") {
  Cluster tako(with_definitions());
  for (const auto& [status, code, reason] :
       {std::tuple{403, 4403, "verify-rejected"}, std::tuple{401, 4403, "verify-rejected"},
        std::tuple{404, 4404, "channel-unknown"}, std::tuple{500, 4503, "unavailable"}}) {
    CAPTURE(status);
    tako.app().authorize_with({.status = status, .body = "{}"});
    WsClient client(tako.edge(), kRoom);
    client.send_text(auth_envelope("Bearer good"));
    check_close(client, code, reason);
  }
}

TEST_CASE("X7: no frame for 5 s is 4401") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), kRoom);
  check_close(client, 4401, "auth-frame-missing");
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("X8: a first frame that is no envelope is 4400") {
  Cluster tako(with_definitions());
  for (const char* frame :
       {"hello", R"({"type":"say","data":1})", "{}", "[]", R"({"type":"tako.auth","token":7})"}) {
    CAPTURE(frame);
    WsClient client(tako.edge(), kRoom);
    client.send_text(frame);
    check_close(client, 4400, "auth-frame-malformed");
  }
}

TEST_CASE("X9: a ping before the envelope is answered and the wait goes on") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), kRoom);
  client.send({.opcode = kWsPing, .payload = "early"});
  const auto pong = client.next_frame();
  REQUIRE(pong.has_value());
  CHECK(pong->opcode == kWsPong);
  CHECK(pong->payload == "early");
  client.send_text(auth_envelope("Bearer good"));
  settle(client);
}

TEST_CASE("X10: a second envelope is ignored and not broadcast") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), kRoom, {.headers = kGoodToken});
  settle(client);
  client.send_text(auth_envelope("Bearer other"));
  client.send_text(R"({"type":"say","data":2})");
  CHECK(client.next_json()["data"].number() == 2);
  CHECK(tako.app().authorize_count() == 1);
}

TEST_CASE(
    "X11: last_message_id resumes, abc is 4411, the envelope's lastMessageId goes before it") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("chat", 3, "roomId=1");
  WsClient resumed(tako.edge(), kRoom + "&last_message_id=" + ids[0], {.headers = kGoodToken});
  CHECK(resumed.next_json()["data"].number() == 2);
  CHECK(resumed.next_json()["data"].number() == 3);
  tako.publish("chat", "n", "4", "roomId=1");
  CHECK(resumed.next_json()["data"].number() == 4);

  WsClient malformed(tako.edge(), kRoom + "&last_message_id=abc", {.headers = kGoodToken});
  check_close(malformed, 4411, "cursor-malformed");

  WsClient by_envelope(tako.edge(), kRoom + "&last_message_id=" + ids[0]);
  by_envelope.send_text(auth_envelope("Bearer good", ",\"lastMessageId\":" + json_string(ids[1])));
  CHECK(by_envelope.next_json()["data"].number() == 3);
  WsClient by_number(tako.edge(), kRoom);
  by_number.send_text(auth_envelope("Bearer good", ",\"lastMessageId\":0"));
  CHECK(by_number.next_json()["data"].number() == 1);
}

TEST_CASE("X12: a stale cursor is 101 and then 4410") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("short", 5);
  WsClient client(tako.edge(), channel_path("short", "last_message_id=" + ids[0]));
  check_close(client, 4410, "replay-too-old");
}

TEST_CASE("X13: an empty ping each keepalive interval; a client's ping gets its payload back") {
  Cluster tako(with_channel(R"("keepaliveIntervalMs":300)"));
  WsClient client = open_c(tako);
  for (int round = 0; round < 4; ++round) {  // Two silent intervals would be the end.
    const auto ping = client.next_frame();
    REQUIRE(ping.has_value());
    CHECK(ping->opcode == kWsPing);
    CHECK(ping->payload.empty());
    client.send({.opcode = kWsPong});
  }
  client.send({.opcode = kWsPing, .payload = "x"});
  auto frame = client.next_frame();
  while (frame && frame->opcode == kWsPing) frame = client.next_frame();
  REQUIRE(frame.has_value());
  CHECK(frame->opcode == kWsPong);
  CHECK(frame->payload == "x");
}

TEST_CASE("a client that answers nothing for two keepalive intervals is dropped") {
  Cluster tako(with_channel(R"("keepaliveIntervalMs":200)"));
  WsClient client = open_c(tako);
  CHECK(client.stream().closed_by_peer());
}

TEST_CASE("X14: a binary frame is 1003") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  client.send({.opcode = kWsBinary, .payload = "{}"});
  check_close(client, 1003, "unsupported frame");
}

TEST_CASE("X15: the lifetime's end is 1000") {
  Cluster tako(with_channel(R"("maxConnectionLifetimeMs":400)"));
  WsClient client = open_c(tako);
  check_close(client, 1000, "connection expired");
}

TEST_CASE("X16: a client's close is answered with its own code, then TCP ends") {
  Cluster tako(with_channel(""));
  for (const std::uint16_t code : {std::uint16_t{1000}, std::uint16_t{1001}, std::uint16_t{4999}}) {
    WsClient client = open_c(tako);
    client.send_close(code, "bye");
    CHECK(client.wait_for_close().code == code);
    CHECK(client.stream().closed_by_peer());
  }
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
    REQUIRE(client.wait_for_close().code == 4415);
  }
}

TEST_CASE("X19: bad params are 101 and then 4422") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("chat", "roomId="), {.headers = kGoodToken});
  check_close(client, 4422, "params-invalid");
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE(
    "X20: a cookie suffices where the definition names it, and is missed where it alone does") {
  Cluster tako(with_definitions());
  const Headers cookie{{"Cookie", "a=b; sid=s%20=1; c=d"}, same_origin(tako.edge())};
  WsClient by_cookie(tako.edge(), channel_path("ck"), {.headers = cookie});
  settle(by_cookie);
  CHECK(tako.app().authorize_calls().at(0).json()["cookie"].string() == "s%20=1");
  WsClient without(tako.edge(), channel_path("ck"), {.headers = {same_origin(tako.edge())}});
  REQUIRE(without.status() == 101);
  CHECK(without.wait_for_close().code == 4401);
  WsClient both(tako.edge(), channel_path("both"), {.headers = cookie});
  static_cast<void>(tako.app().wait_for_authorize_calls(2));  // Without any envelope.
}

TEST_CASE("an unknown channel is 101 and then 4404") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("nope"));
  check_close(client, 4404, "channel-unknown");
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

TEST_CASE("a leaving edge closes with 1012") {
  Cluster tako(with_channel(""));
  WsClient client = open_c(tako);
  settle(client);
  tako.edge_process().signal(15);
  const WsEnd end = client.wait_for_close();
  CHECK(end.code == 1012);
  CHECK(end.reason == "restarting");
  CHECK(client.tcp_ends());
  CHECK(tako.edge_process().wait_for_exit() == 0);
}
