// Server-sent events: the form of the stream, its cursors, its keepalives and its ends.
#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

std::string retained(Cluster& tako, std::string_view channel) {
  return tako.api("GET", "/v1/channels/" + std::string(channel) + "/messages").body;
}

}  // namespace

TEST_CASE("S1: the head and the exact form of a message") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  REQUIRE(client.status() == 200);
  CHECK(client.response().header("content-type") == "text/event-stream");
  CHECK(client.response().header("cache-control") == "no-store");
  CHECK(client.response().header("x-accel-buffering") == "no");
  CHECK(client.response().header("transfer-encoding") == "chunked");
  static_cast<void>(client.opening_id());
  const std::string id = tako.publish("feed", "tick", R"({"b": 1, "a": [1, 2]})")["id"].string();
  CHECK(client.next().raw == "id: " + id + "\ndata: {\"id\":\"" + id +
                                 R"(","channel":"feed","type":"tick","data":{"b":1,"a":[1,2]}})");
}

TEST_CASE("the first block is an id without data, from which a client without messages resumes") {
  Cluster tako(with_definitions());
  SseClient first(tako.edge(), channel_path("feed"));
  const std::string start = first.opening_id();
  CHECK(start.starts_with("0-"));
  first.close();
  tako.publish_numbers("feed", 2);
  SseClient second(tako.edge(), channel_path("feed"), last_event_id(start));
  CHECK(second.opening_id() == start);
  CHECK(second.next_data(2) == std::vector<std::string>{"1", "2"});
}

TEST_CASE("S2: an idle stream gets the keepalive comment, and traffic postpones it") {
  Cluster tako(with_channel(R"("keepaliveIntervalMs":1000)"));
  SseClient client(tako.edge(), channel_path("c"));
  static_cast<void>(client.opening_id());
  for (int number = 0; number < 15; ++number) {
    tako.publish("c", "t", std::to_string(number));
    CHECK(client.next().is_message());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // Traffic over 1.5 intervals.
  }
  CHECK(client.next().raw == ": keepalive");
  CHECK(client.next().raw == ": keepalive");
}

TEST_CASE("S3: after its lifetime the stream ends, whole and without an error") {
  Cluster tako(with_channel(R"("maxConnectionLifetimeMs":400)"));
  SseClient client(tako.edge(), channel_path("c"));
  static_cast<void>(client.opening_id());
  CHECK_FALSE(client.next_or_end().has_value());
  CHECK(client.stream().body_complete());
}

TEST_CASE("S4: without a cursor nothing stored comes, only what is new") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  SseClient client(tako.edge(), channel_path("feed"));
  CHECK(client.opening_id() == ids[2]);
  tako.publish("feed", "n", "4");
  CHECK(client.next_data(1)[0] == "4");
}

TEST_CASE("S5: Last-Event-ID resumes behind it, in order, and goes on live while others publish") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  std::jthread publisher([&tako] {
    for (int number = 4; number <= 200; ++number) tako.publish("feed", "n", std::to_string(number));
  });
  SseClient client(tako.edge(), channel_path("feed"), last_event_id(ids[0]));
  CHECK(client.opening_id() == ids[0]);
  for (int number = 2; number <= 200; ++number) {
    REQUIRE(client.next_data(1)[0] == std::to_string(number));
  }
}

TEST_CASE("S6: a malformed cursor is refused in the words of its source; an empty one is none") {
  Cluster tako(with_definitions());
  const HttpResponse header = http_get(tako.edge(), channel_path("feed"), last_event_id("abc"));
  CHECK(header.status == 400);
  CHECK(header.error_code() == "cursor-malformed");
  CHECK(header.error_message() == "invalid 'Last-Event-ID' cursor");
  const HttpResponse query = http_get(tako.edge(), channel_path("feed", "last_message_id=abc"));
  CHECK(query.status == 400);
  CHECK(query.error_message() == "invalid 'last_message_id' cursor");
  CHECK(SseClient(tako.edge(), channel_path("feed"), last_event_id("")).status() == 200);
  CHECK(SseClient(tako.edge(), channel_path("feed", "last_message_id=")).status() == 200);
}

TEST_CASE("S7: of a list in Last-Event-ID the last element counts") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  SseClient client(tako.edge(), channel_path("feed"), last_event_id(ids[0] + ", " + ids[1]));
  CHECK(client.opening_id() == ids[1]);
  CHECK(client.next_data(1)[0] == "3");
}

TEST_CASE("the query's last_message_id resumes too, and the header goes before it") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  SseClient by_query(tako.edge(), channel_path("feed", "last_message_id=" + ids[0]));
  CHECK(by_query.next_data(1)[0] == "2");
  SseClient by_header(tako.edge(), channel_path("feed", "last_message_id=" + ids[0]),
                      last_event_id(ids[1]));
  CHECK(by_header.next_data(1)[0] == "3");
}

TEST_CASE("S8: a cursor older than what is retained is 410") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("short", 5);
  const HttpResponse response = http_get(tako.edge(), channel_path("short"), last_event_id(ids[0]));
  CHECK(response.status == 410);
  CHECK(response.error_code() == "replay-too-old");
  CHECK(response.error_message() == "Channel cursor is outside the replay window");
}

TEST_CASE("S9: a cursor whose own message was trimmed misses nothing and continues") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("short", 5);
  tako.publish_numbers("feed", 5);
  SseClient client(tako.edge(), channel_path("short"), last_event_id(ids[2]));
  CHECK(client.next_data(2) == std::vector<std::string>{"4", "5"});
}

TEST_CASE("S10: messages that expired unseen, and cursors of another life, are 410") {
  Cluster tako(with_channel(R"("replayWindowMs":300)"));
  const auto ids = tako.publish_numbers("c", 2);
  wait_until("the window to pass",
             [&] { return Json::parse(retained(tako, "c"))["messages"].size() == 0; });
  CHECK(SseClient(tako.edge(), channel_path("c"), last_event_id(ids[0])).status() == 410);
  CHECK(SseClient(tako.edge(), channel_path("c"), last_event_id("1-00000000")).status() == 410);
  // Nothing was missed at the head, however old it is.
  CHECK(SseClient(tako.edge(), channel_path("c"), last_event_id(ids[1])).status() == 200);
}

TEST_CASE("S11: other methods are 405 with Allow, before the app is asked") {
  Cluster tako(with_definitions());
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    CAPTURE(method);
    const HttpResponse response =
        http(tako.edge(),
             {.method = method, .target = channel_path("chat", "roomId=1"), .headers = kGoodToken});
    CHECK(response.status == 405);
    CHECK(response.error_message() == "Method not allowed");
    CHECK(response.header("allow").starts_with("GET"));
  }
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("S12: a WebSocket channel is served over SSE too") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("wire"));
  static_cast<void>(client.opening_id());
  tako.publish("wire", "t", "1");
  CHECK(client.next_data(1)[0] == "1");
}

TEST_CASE("an HTTP/1.0 client gets the stream without chunks, ended by the connection") {
  Cluster tako(with_channel(R"("maxConnectionLifetimeMs":400)"));
  HttpConnection connection(tako.edge());
  connection.send_raw("GET /_tako/channels/c HTTP/1.0\r\nHost: " + tako.edge() + "\r\n\r\n");
  const HttpResponse response = connection.read_response();
  CHECK(response.status == 200);
  CHECK_FALSE(response.has_header("transfer-encoding"));
  CHECK(response.body.starts_with("id: 0-"));
  CHECK(response.body.ends_with("\n\n"));
}

TEST_CASE("with _events=1 a gap is an event, and the stream goes on live behind it") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("short", 5);
  SseClient client(tako.edge(), channel_path("short", "_events=1"), last_event_id(ids[0]));
  REQUIRE(client.status() == 200);
  SseBlock block = client.next();
  while (!block.event) block = client.next();
  CHECK(block.event == "tako.gap");
  CHECK(block.json()["from"].string() == ids[0]);
  CHECK_FALSE(block.json()["reason"].string().empty());
  const std::string to = block.json()["to"].string();
  CHECK(to == ids[4]);
  tako.publish("short", "n", "6");
  CHECK(client.next_data(1)[0] == "6");
}

TEST_CASE("with _events=1 a temporary refusal is 200 with retry and the end") {
  Cluster tako(with_definitions());
  tako.app().stop();
  Headers headers = kGoodToken;
  CHECK(SseClient(tako.edge(), channel_path("chat", "roomId=1"), headers).status() == 503);
  SseClient client(tako.edge(), channel_path("chat", "roomId=1&_events=1"), headers);
  REQUIRE(client.is_open());
  const SseBlock block = client.next();
  REQUIRE(block.retry.has_value());
  CHECK(std::stoi(*block.retry) > 0);
  CHECK(client.ends());
}

TEST_CASE("with _events=1 a refusal that no retry mends keeps its status") {
  Cluster tako(with_definitions());
  CHECK(http_get(tako.edge(), channel_path("nope", "_events=1")).status == 404);
  CHECK(http_get(tako.edge(), channel_path("chat", "roomId=1&_events=1")).status == 401);
  CHECK(http_get(tako.edge(), channel_path("feed", "_events=1"), last_event_id("abc")).status ==
        400);
}

TEST_CASE("with _events=1 an edge that is full says when to come back, in 200 and the end") {
  ClusterOptions options = with_definitions();
  options.edge_arguments = {"--limit", "connections_max=1"};
  Cluster tako(options);
  SseClient first(tako.edge(), channel_path("feed"));
  static_cast<void>(first.opening_id());
  CHECK(http_get(tako.edge(), channel_path("feed")).status == 503);
  SseClient second(tako.edge(), channel_path("feed", "_events=1"));
  REQUIRE(second.is_open());
  const SseBlock block = second.next();
  REQUIRE(block.retry.has_value());
  CHECK(std::stoi(*block.retry) > 0);
  CHECK(second.ends());
}

TEST_CASE("text, binary and JSON with line ends stay one data line") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  tako.publish("feed", "t", "{\n  \"a\" :\r\n\t[ 1 ,\n 2 ]\n}");
  CHECK(client.next_message().data->ends_with(R"("data":{"a":[1,2]}})"));
  tako.publish("feed", "t", R"("line\nbreak\r\n id: 9")");
  const SseBlock text = client.next_message();
  CHECK(text.json()["data"].string() == "line\nbreak\r\n id: 9");
  CHECK(text.raw.find('\n') == text.raw.find("\ndata: "));
}

TEST_CASE("clients of a leaving edge are not all told to come back at the same time") {
  Cluster tako(with_definitions());
  std::vector<std::unique_ptr<SseClient>> clients;
  for (int number = 0; number < 10; ++number) {
    clients.push_back(std::make_unique<SseClient>(tako.edge(), channel_path("feed")));
    static_cast<void>(clients.back()->opening_id());
  }
  tako.edge_process().signal(15);
  std::set<std::string> times;
  for (const auto& client : clients) times.insert(client->next().retry.value());
  CHECK(times.size() > 1);
}

TEST_CASE("a leaving edge says when to come back, then ends its streams") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  tako.edge_process().signal(15);
  const SseBlock block = client.next();
  REQUIRE(block.retry.has_value());
  CHECK(std::stoi(*block.retry) >= 0);
  CHECK(client.ends());
  CHECK(tako.edge_process().wait_for_exit() == 0);
}
