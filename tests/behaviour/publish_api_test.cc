// The app's side of publishing: what is stored, answered, repeated and refused.
#include <doctest/doctest.h>

#include <set>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kFeed = "/v1/channels/feed/messages";

HttpResponse post(Cluster& tako, std::string body, Headers headers = {}) {
  return tako.api("POST", kFeed, std::move(body), std::move(headers));
}

Headers key(std::string_view value) { return {{"Idempotency-Key", std::string(value)}}; }

std::size_t stored(Cluster& tako) { return tako.api("GET", kFeed).json()["messages"].size(); }

}  // namespace

TEST_CASE("B1: a publish is answered 201 with the stored message, and subscribers receive it") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  const HttpResponse response = post(tako, R"({"type":"t","data":{"a":1}})");
  CHECK(response.status == 201);
  CHECK(response.header("content-type") == "application/json");
  const Json message = response.json();
  CHECK(message["channel"].string() == "feed");
  CHECK(message["type"].string() == "t");
  CHECK(message["data"] == Json::parse(R"({"a":1})"));
  CHECK(message["ack"].string() == "synced");
  const SseBlock received = client.next_message();
  CHECK(*received.id == message["id"].string());
}

TEST_CASE("B2: requests on one connection are answered in order; bad ones store nothing") {
  Cluster tako(with_definitions());
  HttpConnection connection(tako.app_socket());
  const auto request = [](std::string body) {
    return HttpRequest{.method = "POST", .target = kFeed, .body = std::move(body)};
  };
  connection.send(request(R"({"type":"t","data":1})"));
  connection.send(request(R"({"type":"t","data":)"));
  connection.send(request(R"({"data":1})"));
  connection.send(request(R"({"type":"t","data":2})"));
  CHECK(connection.read_response().status == 201);
  check_refused(connection.read_response(), 400, "message-malformed");
  check_refused(connection.read_response(), 400, "message-malformed");
  CHECK(connection.read_response().json()["data"].number() == 2);
  CHECK(stored(tako) == 2);
}

TEST_CASE("B3: ids of a channel rise by one; other channels do not count") {
  Cluster tako(with_definitions());
  for (int number = 1; number <= 5; ++number) {
    const std::string id = tako.publish("feed", "t", "1")["id"].string();
    CHECK(id.substr(0, id.find('-')) == std::to_string(number));
    tako.publish("wire", "t", "1");
  }
}

TEST_CASE("JSON data is passed on byte for byte, less the white space between tokens") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  const auto through = [&](const std::string& data) {
    tako.publish("feed", "t", data);
    const std::string line = *client.next_message().data;
    const std::size_t at = line.find("\"data\":") + 7;
    return line.substr(at, line.size() - at - 1);
  };
  for (const char* exact :
       {R"({"z":1,"a":2,"z":3})", "12345678901234567890123", "1.0e+05", "-0.0", R"("\u00e9 é \/")",
        R"({"":[{},[],null,true]})", R"("  spaces  stay  ")", "null"}) {
    CHECK(through(exact) == exact);
  }
  CHECK(through(" { \"a\" :\n1 ,\t\"b\": [ 1 , 2 ] } ") == R"({"a":1,"b":[1,2]})");
}

TEST_CASE(
    "data that is no JSON, types that are reserved or too long, and other shapes are refused") {
  Cluster tako(with_definitions());
  for (const std::string& body :
       {std::string("nonsense"), std::string("[]"), std::string(R"({"type":"t"})"),
        std::string(R"({"type":"","data":1})"), std::string(R"({"type":"tako.ready","data":1})"),
        std::string(R"({"type":7,"data":1})"), std::string(R"({"type":"t","data":01})"),
        std::string(R"({"type":"t","data":NaN})"),
        std::string("{\"type\":\"t\",\"data\":\"\xff\"}"),
        R"({"type":")" + std::string(129, 't') + R"(","data":1})"}) {
    CAPTURE(body);
    const HttpResponse response = post(tako, body);
    CHECK(response.status == 400);
    CHECK_FALSE(response.error_code().empty());
  }
  CHECK(post(tako, R"({"type":")" + std::string(128, 't') + R"(","data":1})").status == 201);
  CHECK(stored(tako) == 1);
}

TEST_CASE("a repeated Idempotency-Key is answered 200 with the first message, delivered once") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  const HttpResponse first = post(tako, R"({"type":"t","data":1})", key("k1"));
  CHECK(first.status == 201);
  const HttpResponse again = post(tako, R"({"type":"t","data":1})", key("k1"));
  CHECK(again.status == 200);
  CHECK(again.json()["id"].string() == first.json()["id"].string());
  CHECK(again.json()["data"].number() == 1);
  check_refused(post(tako, R"({"type":"t","data":2})", key("k1")), 409, "idempotency-key-reused");
  check_refused(post(tako, R"({"type":"u","data":1})", key("k1")), 409, "idempotency-key-reused");
  CHECK(post(tako, R"({"type":"t","data":3})", key("k2")).status == 201);
  CHECK(client.next_data(2) == std::vector<std::string>{"1", "3"});
}

TEST_CASE("an idempotency key lives as long as the window") {
  Cluster tako(
      {.definitions = R"([{"name":"feed","auth":false,"transport":"sse","replayWindowMs":300}])"});
  CHECK(post(tako, R"({"type":"t","data":1})", key("k")).status == 201);
  wait_until("the key to expire",
             [&] { return post(tako, R"({"type":"t","data":1})", key("k")).status == 201; });
}

TEST_CASE("a repeated message that a cap has evicted is answered with its id alone") {
  Cluster tako(with_definitions());
  const auto first =
      tako.api("POST", "/v1/channels/short/messages", R"({"type":"t","data":1})", key("k"));
  tako.publish_numbers("short", 3);
  const auto again =
      tako.api("POST", "/v1/channels/short/messages", R"({"type":"t","data":1})", key("k"));
  CHECK(again.status == 200);
  CHECK(again.json()["id"].string() == first.json()["id"].string());
  CHECK_FALSE(again.json().has("data"));
}

TEST_CASE("ephemeral messages are answered 200 without id, delivered and not stored") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  const std::string body = R"({"type":"cursor","data":[1,2],"ephemeral":true})";
  const HttpResponse response = post(tako, body);
  CHECK(response.status == 200);
  CHECK_FALSE(response.json().has("id"));
  const SseBlock block = client.next_message();
  CHECK_FALSE(block.id.has_value());
  CHECK(*block.data == R"({"channel":"feed","type":"cursor","data":[1,2]})");
  CHECK(stored(tako) == 0);
  check_refused(post(tako, body, key("k")), 400, "ephemeral-with-key");
}

TEST_CASE("binary data goes through as base64, and bad base64 is refused") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  const HttpResponse response = post(tako, R"({"type":"b","data":"AP/+gA==","encoding":"base64"})");
  CHECK(response.status == 201);
  const std::string id = response.json()["id"].string();
  CHECK(*client.next_message().data ==
        R"({"id":")" + id +
            R"(","channel":"feed","type":"b","data":"AP/+gA==","encoding":"base64"})");
  for (const char* bad : {R"({"type":"b","data":"A","encoding":"base64"})",
                          R"({"type":"b","data":"AP/+gA","encoding":"base64"})",
                          R"({"type":"b","data":"####","encoding":"base64"})",
                          R"({"type":"b","data":7,"encoding":"base64"})",
                          R"({"type":"b","data":"AA==","encoding":"rot13"})"}) {
    CAPTURE(bad);
    CHECK(post(tako, bad).status == 400);
  }
}

TEST_CASE("data up to 1 MiB is taken, more is 413") {
  Cluster tako(with_definitions());
  const auto body = [](std::size_t size) {
    return R"({"type":"t","data":")" + std::string(size - 2, 'x') + "\"}";
  };
  CHECK(post(tako, body(1'048'576)).status == 201);
  const HttpResponse refused = post(tako, body(1'048'577));
  CHECK(refused.status == 413);
  CHECK_FALSE(refused.error_code().empty());
  CHECK(stored(tako) == 1);
}

TEST_CASE("channels are listed with their params and counts, and stats add up") {
  Cluster tako(with_definitions());
  SseClient one(tako.edge(), channel_path("chat", "roomId=1"), kGoodToken);
  SseClient two(tako.edge(), channel_path("chat", "roomId=1"), kGoodToken);
  static_cast<void>(one.opening_id());
  static_cast<void>(two.opening_id());
  tako.publish("chat", "t", "1", "roomId=1");
  tako.publish_numbers("feed", 3);
  wait_until("both subscribers to be counted", [&] {
    const Json channels = tako.api("GET", "/v1/channels").json()["channels"];
    for (std::size_t index = 0; index < channels.size(); ++index) {
      const Json& channel = channels[index];
      if (channel["channel"].string() != "chat") continue;
      return channel["params"] == Json::parse(R"({"roomId":"1"})") &&
             channel["subscribers"].number() == 2 && channel["messages"].number() == 1;
    }
    return false;
  });
  const HttpResponse stats = tako.api("GET", "/v1/stats");
  CHECK(stats.status == 200);
  CHECK(stats.json().is_object());
}

TEST_CASE("errors have the catalogue's form, whatever the mistake") {
  Cluster tako(with_definitions());
  check_refused(tako.api("GET", "/v1/nothing"), 404, "not-found");
  check_refused(tako.api("DELETE", kFeed), 405, "method-not-allowed");
  check_refused(tako.api("POST", "/v1/channels/nope/messages", R"({"type":"t","data":1})"), 404,
                "channel-unknown");
  check_refused(tako.api("POST", "/v1/channels/chat/messages", R"({"type":"t","data":1})"), 400,
                "params-invalid");
  check_refused(tako.api("GET", kFeed, "", {{"Tako-App", "other"}}), 404, "app-unknown");
  CHECK(tako.api("GET", kFeed, "", {{"Tako-App", "default"}}).status == 200);
  CHECK(tako.api("GET", "/healthz").status == 200);
  CHECK(tako.api("GET", "/readyz").status == 200);
}

TEST_CASE("the stream of a channel on the app socket is what tail reads") {
  Cluster tako(with_definitions());
  tako.publish_numbers("chat", 2, "roomId=1");
  SseClient client(tako.app_socket(), "/v1/channels/chat/stream?roomId=1");
  REQUIRE(client.is_open());
  static_cast<void>(client.opening_id());
  tako.publish("chat", "n", "3", "roomId=1");
  CHECK(client.next_data(1)[0] == "3");
  SseClient resumed(tako.app_socket(), "/v1/channels/chat/stream?roomId=1", last_event_id("0"));
  CHECK(resumed.next_data(3) == std::vector<std::string>{"1", "2", "3"});
}
