// WebSocket, plain dialect: the handshake, cursors, liveness, and the closes that follow.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");

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
  WsClient bad_envelope(tako.edge(), kRoom);
  bad_envelope.send_text(auth_envelope("Bearer good", R"(,"lastMessageId":"abc")"));
  check_close(bad_envelope, 4411, "cursor-malformed");
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

TEST_CASE("any frame shows that a client lives: one that speaks and answers no ping is kept") {
  Cluster tako(with_channel(R"("keepaliveIntervalMs":300)"));
  WsClient client = open_c(tako);
  int pings = 0;
  while (pings < 4) {
    const auto frame = client.next_frame();
    REQUIRE(frame.has_value());
    REQUIRE(frame->opcode != kWsClose);
    if (frame->opcode != kWsPing) continue;
    ++pings;
    client.send_text(R"({"type":"say","data":1})");
  }
}

TEST_CASE("X15: the lifetime's end is 1000") {
  Cluster tako(with_channel(R"("maxConnectionLifetimeMs":1000)"));
  const auto began = std::chrono::steady_clock::now();
  WsClient client = open_c(tako);
  check_close(client, 1000, "connection expired");
  // Up to a tenth early, so that clients that came together don't go together.
  CHECK(std::chrono::steady_clock::now() - began >= Duration(900));
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

TEST_CASE("X19: bad params are 101 and then 4422") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("chat", "roomId="), {.headers = kGoodToken});
  check_close(client, 4422, "params-invalid");
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("an unknown channel is 101 and then 4404") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("nope"));
  check_close(client, 4404, "channel-unknown");
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
