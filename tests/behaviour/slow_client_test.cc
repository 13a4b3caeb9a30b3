// Slow clients: the log is their queue, the definition's policy holds, and nobody else is harmed.
#include <doctest/doctest.h>

#include <map>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

constexpr int kKernelBuffer = 4096;
constexpr std::size_t kPadding = 50'000;
// Several times what the kernel's buffers and the edge's outbox take together.
constexpr int kMessages = 150;

std::string numbered(int number) {
  return R"({"n":)" + std::to_string(number) + R"(,"pad":")" + std::string(kPadding, 'p') + "\"}";
}

void publish_padded(Cluster& tako, int first, int last) {
  for (int number = first; number <= last; ++number) {
    tako.publish("c", number % 2 == 0 ? "even" : "odd", numbered(number));
  }
}

int number_of(const Json& message) { return static_cast<int>(message["data"]["n"].number()); }

// A client that has subscribed and then reads nothing.
WsClient stalled_socket(Cluster& tako, std::string_view subprotocol = "") {
  WsClient client(tako.edge(), channel_path("c"),
                  {.subprotocol = std::string(subprotocol), .receive_buffer = kKernelBuffer});
  REQUIRE(client.status() == 101);
  if (!subprotocol.empty()) {
    CHECK(client.next_json()["type"].string() == "tako.ready");
  } else {
    client.send_text(R"({"type":"say","data":{"n":0}})");
    CHECK(number_of(client.next_json()) == 0);
  }
  return client;
}

SseClient stalled_stream(Cluster& tako, std::string_view query = "") {
  SseClient client(tako.edge(), channel_path("c", query), {}, kKernelBuffer);
  static_cast<void>(client.opening_id());
  return client;
}

}  // namespace

TEST_CASE("a client that stalls inside the window gets everything, in order, when it reads on") {
  Cluster tako(with_channel(R"("slow":"resume")"));
  WsClient socket = stalled_socket(tako);
  SseClient stream = stalled_stream(tako);
  SseClient reader(tako.edge(), channel_path("c"));
  for (int number = 1; number <= kMessages; ++number) {
    publish_padded(tako, number, number);
    REQUIRE(number_of(reader.next_message().json()) == number);  // Others are not held up.
  }
  for (int number = 1; number <= kMessages; ++number) {
    REQUIRE(number_of(socket.next_json()) == number);
    REQUIRE(number_of(stream.next_message().json()) == number);
  }
}

TEST_CASE("ephemeral messages are not kept for a client that is behind") {
  Cluster tako(with_channel(""));
  WsClient client = stalled_socket(tako);
  SseClient reader(tako.edge(), channel_path("c"));
  static_cast<void>(reader.opening_id());
  for (int number = 1; number <= kMessages; ++number) {
    publish_padded(tako, number, number);
    REQUIRE(number_of(reader.next_message().json()) == number);
  }
  CHECK(tako.api("POST", "/v1/channels/c/messages",
                 R"({"type":"cursor","data":{"n":-1},"ephemeral":true})")
            .status == 200);
  CHECK(number_of(reader.next_message().json()) == -1);
  for (int number = 1; number <= kMessages; ++number) {
    REQUIRE(number_of(client.next_json()) == number);
  }
  tako.publish("c", "end", R"({"n":9999})");
  CHECK(number_of(client.next_json()) == 9999);
}

TEST_CASE("a plain WebSocket that the window passed is closed with 4410") {
  Cluster tako(with_channel(R"("maxMessages":20)"));
  WsClient client = stalled_socket(tako);
  publish_padded(tako, 1, kMessages);
  const WsEnd end = client.wait_for_close();
  CHECK(end.code == 4410);
  CHECK(end.reason == "replay-too-old");
}

TEST_CASE("a stream that the window passed ends, and its cursor is told 410") {
  Cluster tako(with_channel(R"("maxMessages":20)"));
  SseClient client = stalled_stream(tako);
  publish_padded(tako, 1, kMessages);
  CHECK(client.ends());
  CHECK(SseClient(tako.edge(), channel_path("c"), last_event_id(client.last_id())).status() == 410);
}

TEST_CASE("a rich client that the window passed is told the gap, and goes on behind it") {
  Cluster tako(with_channel(R"("maxMessages":20)"));
  WsClient client = stalled_socket(tako, "tako.v1");
  publish_padded(tako, 1, kMessages);
  int last = 0;
  Json frame = client.next_json();
  std::string last_id;
  while (frame["type"].string() != "tako.gap") {
    CHECK(number_of(frame) == ++last);
    last_id = frame["id"].string();
    frame = client.next_json();
  }
  CHECK(frame["data"]["from"].string() == last_id);
  CHECK(frame["data"]["reason"].string() == "window-passed");
  const std::string to = frame["data"]["to"].string();
  tako.publish("c", "end", R"({"n":9999})");
  frame = client.next_json();
  CHECK(std::stoi(frame["id"].string()) == std::stoi(to) + 1);
  while (number_of(frame) != 9999) frame = client.next_json();
}

TEST_CASE("slow latest: a stalled client skips to the newest of each type") {
  Cluster tako(with_channel(R"("slow":"latest")"));
  SUBCASE("plain: in silence") {
    WsClient client = stalled_socket(tako);
    publish_padded(tako, 1, kMessages);
    std::map<std::string, int> newest;
    int count = 0;
    int previous = 0;
    while (newest["even"] != kMessages || newest["odd"] != kMessages - 1) {
      const Json message = client.next_json();
      CHECK(number_of(message) > previous);
      previous = number_of(message);
      newest[message["type"].string()] = previous;
      ++count;
    }
    CHECK(count < kMessages);
    tako.publish("c", "end", R"({"n":9999})");
    CHECK(number_of(client.next_json()) == 9999);
  }
  SUBCASE("rich: with a gap that says conflated") {
    WsClient client = stalled_socket(tako, "tako.v1");
    publish_padded(tako, 1, kMessages);
    tako.publish("c", "end", R"({"n":9999})");
    bool told = false;
    for (Json frame = client.next_json();; frame = client.next_json()) {
      if (frame["type"].string() == "end") break;
      if (frame["type"].string() == "tako.gap") {
        told = true;
        CHECK(frame["data"]["reason"].string() == "conflated");
      }
    }
    CHECK(told);
  }
  SUBCASE("a stream with _events=1: with a gap event that says conflated") {
    SseClient client = stalled_stream(tako, "_events=1");
    publish_padded(tako, 1, kMessages);
    tako.publish("c", "end", R"({"n":9999})");
    bool told = false;
    for (SseBlock block = client.next();; block = client.next()) {
      if (block.event) {
        told = true;
        CHECK(block.json()["reason"].string() == "conflated");
      } else if (block.is_message() && number_of(block.json()) == 9999) {
        break;
      }
    }
    CHECK(told);
  }
}

TEST_CASE("slow disconnect: a stalled client is closed with 4408, others read on") {
  Cluster tako(with_channel(R"("slow":"disconnect")"));
  WsClient socket = stalled_socket(tako);
  SseClient stream = stalled_stream(tako);
  SseClient reader(tako.edge(), channel_path("c"));
  for (int number = 1; number <= kMessages; ++number) {
    publish_padded(tako, number, number);
    REQUIRE(number_of(reader.next_message().json()) == number);
  }
  const WsEnd end = socket.wait_for_close();
  CHECK(end.code == 4408);
  CHECK(end.reason == "too-slow");
  CHECK(stream.ends());
}

TEST_CASE("a thousand pings without reading the pongs is the end, and nobody else notices") {
  Cluster tako(with_channel(""));
  WsClient flooder = stalled_socket(tako);
  WsClient other = stalled_socket(tako);
  const std::string ping = encode_frame({.opcode = kWsPing, .payload = std::string(125, 'p')});
  std::string burst;
  for (int number = 0; number < 1000; ++number) burst += ping;
  // Never reads: the edge stops taking pings, or hangs up, before it holds many megabytes for it.
  std::size_t taken = 0;
  for (int round = 0; round < 400; ++round) {
    const std::size_t now = flooder.socket().offer(burst, std::chrono::milliseconds(500));
    taken += now;
    if (now < burst.size()) break;
  }
  CHECK(taken < 400 * burst.size());
  other.send_text(R"({"type":"say","data":{"n":5}})");
  CHECK(number_of(other.next_json()) == 5);
}

TEST_CASE("a stalled client does not keep the edge from leaving") {
  Cluster tako(with_channel(""));
  WsClient client = stalled_socket(tako);
  publish_padded(tako, 1, kMessages);
  CHECK(tako.edge_process().terminate() == 0);
}
