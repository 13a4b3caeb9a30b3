// Limits of one client's connection: each driven to its bound.
#include <doctest/doctest.h>
#include <signal.h>

#include <thread>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

WsClient open_rich(Cluster& tako, const std::string& path, int receive_buffer = 0) {
  WsClient client(tako.edge(), path, {.subprotocol = "tako.v1", .receive_buffer = receive_buffer});
  REQUIRE(client.status() == 101);
  CHECK(client.next_json()["type"].string() == "tako.ready");
  return client;
}

}  // namespace

TEST_CASE("outbox_bytes_max") {
  Cluster tako(many({"outbox_bytes_max=4096"}));
  SseClient stalled(tako.edge(), channel_path("m"), {}, 4096);
  static_cast<void>(stalled.opening_id());
  for (int number = 0; number < 100; ++number)
    CHECK(publish_bytes(tako, "m", 50'000).status == 201);
  wait_for_edge_hits(tako, "outbox_bytes_max");
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
  wait_for_edge_hits(tako, "control_outbox_bytes_max");
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
  CHECK(edge_hits(tako, "subscriptions_per_connection_max") == 1);
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
  CHECK(edge_hits(tako, "connections_max") == 2);
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
  CHECK(edge_hits(tako, "fragments_max") == 1);
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
  wait_for_edge_hits(tako, "pongs_pending_max");
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
  CHECK(edge_hits(tako, "publishes_per_connection_max") == 2);
}

TEST_CASE("auth_envelope_ms") {
  Cluster tako(with_limits({"auth_envelope_ms=200"}));
  WsClient client(tako.edge(), channel_path("chat", "roomId=1"));
  CHECK(client.wait_for_close().code == 4401);
  CHECK(edge_hits(tako, "auth_envelope_ms") == 1);
}

TEST_CASE("empty_connection_ms") {
  Cluster tako(many({"empty_connection_ms=200"}));
  WsClient client(tako.edge(), "/_tako/channels", {.subprotocol = "tako.v1"});
  CHECK(client.wait_for_close().code == 4401);
  CHECK(edge_hits(tako, "empty_connection_ms") == 1);
}

TEST_CASE("stream_progress_ms") {
  Cluster tako(many({"stream_progress_ms=300"}));
  SseClient stalled(tako.edge(), channel_path("m"), {}, 4096);
  static_cast<void>(stalled.opening_id());
  for (int number = 0; number < 100; ++number)
    CHECK(publish_bytes(tako, "m", 50'000).status == 201);
  wait_for_edge_hits(tako, "stream_progress_ms");
  CHECK(stalled.ends());
}

TEST_CASE("close_handshake_ms") {
  Cluster tako(many({"close_handshake_ms=200"}));
  WsClient client(tako.edge(), channel_path("m"));
  client.send({.opcode = kWsBinary, .payload = "x"});
  CHECK(client.wait_for_close().code == 1003);
  CHECK(client.stream().closed_by_peer());  // Without an answer to the close.
  CHECK(edge_hits(tako, "close_handshake_ms") == 1);
}

TEST_CASE("late_input_bytes_max") {
  Cluster tako(many({}));
  WsClient client(tako.edge(), channel_path("m"));
  client.send({.opcode = kWsBinary, .payload = "x"});
  CHECK(client.wait_for_close().code == 1003);
  std::string flood;
  while (flood.size() < 3UL * 1024 * 1024) flood += encode_frame({.opcode = kWsPong});
  client.socket().offer(flood, std::chrono::milliseconds(300));
  wait_for_edge_hits(tako, "late_input_bytes_max");
  CHECK(client.stream().closed_by_peer());
}

TEST_CASE("write_pieces_max") {
  Cluster tako(many({"tail_cache_messages_max=5000"}));
  SseClient stays(tako.edge(), channel_path("m"));
  static_cast<void>(stays.opening_id());
  std::string batch;
  for (int number = 0; number < 1000; ++number) {
    batch += (number == 0 ? "" : ",") + std::string(R"({"channel":"m","type":"t","data":1})");
  }
  for (int round = 0; round < 2; ++round) {
    CHECK(tako.api("POST", "/v1/batch", "{\"messages\":[" + batch + "]}").status == 200);
  }
  CHECK(stays.next_data(2000).size() == 2000);
  const double before = edge_hits(tako, "write_pieces_max");
  SseClient late(tako.edge(), channel_path("m"), last_event_id("0"));  // All is there at once.
  for (int offset = 1; offset <= 2000; ++offset) {
    REQUIRE(late.next_message().id->starts_with(std::to_string(offset) + "-"));
  }
  CHECK(edge_hits(tako, "write_pieces_max") > before);
}
