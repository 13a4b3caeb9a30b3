// Starting earlier than now: by number, by time, on every way that subscribes; and the seam to what
// is older.
#include <doctest/doctest.h>

#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

std::vector<double> numbers(WsClient& client, std::size_t count) {
  std::vector<double> out;
  while (out.size() < count) out.push_back(client.next_json()["data"].number());
  return out;
}

std::vector<double> range(int first, int last) {
  std::vector<double> out;
  for (int i = first; i <= last; ++i) out.push_back(i);
  return out;
}

WsClient bare(Cluster& tako) {
  return WsClient(tako.edge(), "/_tako/channels", {.subprotocol = "tako.v1"});
}

void subscribe(WsClient& client, std::string_view rewind) {
  client.send_text(R"({"type":"tako.subscribe","ref":1,"data":{"channel":"wire","rewind":)" +
                   std::string(rewind) + "}}");
}

}  // namespace

TEST_CASE("by number, over a plain and a rich WebSocket and an event stream, then live") {
  Cluster tako(with_definitions());
  const std::vector<std::string> ids = tako.publish_numbers("wire", 10);
  WsClient plain(tako.edge(), channel_path("wire", "_rewind=3"));
  CHECK(numbers(plain, 3) == range(8, 10));
  SseClient stream(tako.edge(), channel_path("wire", "_rewind=3"));
  CHECK(stream.opening_id() == ids[6]);
  CHECK(stream.next_data(3) == std::vector<std::string>{"8", "9", "10"});
  WsClient by_url(tako.edge(), channel_path("wire", "_rewind=3"), {.subprotocol = "tako.v1"});
  const Json ready = expect(by_url, "tako.ready")["data"];
  CHECK(ready["id"].string() == ids[6]);
  CHECK_FALSE(ready["resumed"].boolean());
  CHECK(numbers(by_url, 3) == range(8, 10));
  WsClient rich = bare(tako);
  subscribe(rich, "3");
  CHECK(expect(rich, "tako.ready")["data"]["id"].string() == ids[6]);
  CHECK(numbers(rich, 3) == range(8, 10));
  static_cast<void>(tako.publish("wire", "n", "11"));
  for (WsClient* client : {&plain, &by_url, &rich}) CHECK(numbers(*client, 1) == range(11, 11));
  CHECK(stream.next_data(1) == std::vector<std::string>{"11"});
}

TEST_CASE("more than there are, or than are retained, is all of them, without complaint") {
  Cluster tako(with_definitions());
  const std::vector<std::string> ids = tako.publish_numbers("short", 10);  // Keeps two.
  for (const char* rewind : {"2", "3", "10000", "1h"}) {
    CAPTURE(rewind);
    SseClient stream(tako.edge(), channel_path("short", "_rewind=" + std::string(rewind)));
    CHECK(stream.opening_id() == ids[7]);
    CHECK(stream.next_data(2) == std::vector<std::string>{"9", "10"});
  }
  WsClient plain(tako.edge(), channel_path("short", "_rewind=500"));
  CHECK(numbers(plain, 2) == range(9, 10));
  // Nothing at all is no complaint either.
  SseClient empty(tako.edge(), channel_path("wire", "_rewind=5"));
  static_cast<void>(empty.opening_id());
  tako.publish_numbers("wire", 1);
  CHECK(empty.next_data(1) == std::vector<std::string>{"1"});
}

TEST_CASE("more than one page of messages, all of them once") {
  Cluster tako(with_definitions());
  tako.publish_numbers("wire", 1'500);
  WsClient client = bare(tako);
  subscribe(client, "1400");
  static_cast<void>(expect(client, "tako.ready"));
  CHECK(numbers(client, 1'400) == range(101, 1'500));
}

TEST_CASE("by time: what is as young as that, from the log as from an edge's memory") {
  Cluster tako(with_definitions());
  tako.publish_numbers("wire", 3);
  const std::int64_t old = now_ms();
  wait_until("time to pass between them", [&] { return now_ms() - old >= 4'000; });
  static_cast<void>(tako.publish("wire", "n", "4"));
  const std::string fifth = tako.publish("wire", "n", "5")["id"].string();
  const std::int64_t young = now_ms();
  for (int round = 0; round < 2; ++round) {  // The second one finds the channel in memory.
    CAPTURE(round);
    const std::string between = std::to_string((now_ms() - old) / 1'000 - 1) + "s";
    SseClient stream(tako.edge(), channel_path("wire", "_rewind=" + between));
    static_cast<void>(stream.opening_id());
    CHECK(stream.next_data(2) == std::vector<std::string>{"4", "5"});
    WsClient all = bare(tako);
    subscribe(all, R"("5m")");
    static_cast<void>(expect(all, "tako.ready"));
    CHECK(numbers(all, 5) == range(1, 5));
  }
  wait_until("all to be too old", [&] { return now_ms() - young >= 1'500; });
  SseClient none(tako.edge(), channel_path("wire", "_rewind=1s"));
  CHECK(none.opening_id() == fifth);
}

TEST_CASE("a cursor is stronger; a browser's own reconnect goes on where it was") {
  Cluster tako(with_definitions());
  const std::vector<std::string> ids = tako.publish_numbers("wire", 5);
  SseClient stream(tako.edge(), channel_path("wire", "_rewind=5"), last_event_id(ids[3]));
  CHECK(stream.opening_id() == ids[3]);
  CHECK(stream.next_data(1) == std::vector<std::string>{"5"});
  WsClient client = bare(tako);
  client.send_text(
      R"({"type":"tako.subscribe","data":{"channel":"wire","rewind":5,"lastMessageId":")" + ids[3] +
      "\"}}");
  CHECK(expect(client, "tako.ready")["data"]["resumed"].boolean());
  CHECK(numbers(client, 1) == range(5, 5));
}

TEST_CASE("what is no rewind is refused, and told what is one") {
  Cluster tako(with_definitions());
  for (const char* text : {"x", "-1", "1.5", "5d", "10001", ""}) {
    CAPTURE(text);
    const HttpResponse refused =
        http(tako.edge(), {.target = channel_path("wire", "_rewind=" + std::string(text))});
    check_refused(refused, 400, "message-malformed");
    CHECK(refused.error_message().contains("\"5m\""));
    WsClient socket(tako.edge(), channel_path("wire", "_rewind=" + std::string(text)));
    check_close(socket, 4415, "message-malformed");
  }
  WsClient client = bare(tako);
  for (const char* json : {"-1", "true", R"("soon")", "10001"}) {
    CAPTURE(json);
    subscribe(client, json);
    const Json error = expect(client, "tako.error")["data"];
    CHECK(error["code"].string() == "message-malformed");
    CHECK(error["message"].string().contains("\"90s\""));
  }
}

TEST_CASE("what is older than a subscription's start joins it without a gap or a repeat") {
  Cluster tako(with_definitions());
  tako.publish_numbers("wire", 20);
  std::jthread publisher([&tako] {
    for (int i = 21; i <= 60; ++i) static_cast<void>(tako.publish("wire", "n", std::to_string(i)));
  });
  WsClient client = bare(tako);
  subscribe(client, "5");
  std::string until = expect(client, "tako.ready")["data"]["id"].string();
  std::vector<double> all;
  std::string option = "_until=";
  while (!until.empty()) {
    const Json page =
        http(tako.edge(), {.target = "/_tako/channels/wire/messages?_limit=7&" + option + until})
            .json();
    std::vector<double> older;
    for (std::size_t i = 0; i < page["messages"].size(); ++i) {
      older.push_back(page["messages"][i]["data"].number());
    }
    all.insert(all.begin(), older.begin(), older.end());
    until = page["prev"].is_null() ? "" : page["prev"].string();
    option = "_before=";
  }
  while (all.empty() || all.back() < 60) all.push_back(client.next_json()["data"].number());
  CHECK(all == range(1, 60));
  const Json by_app = tako.api("GET", "/v1/channels/wire/messages?_limit=2&_until=" +
                                          tako.publish("wire", "n", "61")["id"].string())
                          .json();
  CHECK(by_app["messages"][1]["data"].number() == 61);
}
