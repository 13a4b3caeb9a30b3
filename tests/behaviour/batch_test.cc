// Batches of the app API: answers by position, and what atomic means.
#include <doctest/doctest.h>

#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kFeed = "/v1/channels/feed/messages";

Headers key(std::string_view value) { return {{"Idempotency-Key", std::string(value)}}; }

std::size_t stored(Cluster& tako) { return tako.api("GET", kFeed).json()["messages"].size(); }

}  // namespace

TEST_CASE("a batch is answered by position, and one bad entry does not spoil the others") {
  Cluster tako(with_definitions());
  const HttpResponse response = tako.api("POST", "/v1/batch", R"({"messages":[
      {"channel":"feed","type":"t","data":1},
      {"channel":"nope","type":"t","data":2},
      {"channel":"chat","params":{"roomId":"7"},"type":"t","data":3},
      {"channel":"feed","type":"t","data":4,"idempotencyKey":"k"},
      {"channel":"feed","type":"t","data":4,"idempotencyKey":"k"}]})");
  CHECK(response.status == 200);
  const Json results = response.json()["results"];
  REQUIRE(results.size() == 5);
  CHECK(results[0]["data"].number() == 1);
  CHECK(results[1]["error"]["code"].string() == "channel-unknown");
  CHECK(results[2]["channel"].string() == "chat");
  CHECK(results[3]["id"].string() == results[4]["id"].string());
  CHECK(stored(tako) == 2);
}

TEST_CASE("an atomic batch is all or nothing, of one channel, and delivered together") {
  Cluster tako(with_definitions());
  const auto batch = [&tako](std::string_view messages, Headers headers = {}) {
    return tako.api("POST", "/v1/batch",
                    R"({"atomic":true,"messages":[)" + std::string(messages) + "]}",
                    std::move(headers));
  };
  const std::string_view good =
      R"({"channel":"feed","type":"t","data":1},{"channel":"feed","type":"t","data":2})";
  const HttpResponse first = batch(good, key("b1"));
  CHECK(first.status == 200);
  CHECK(first.json()["results"].size() == 2);
  const HttpResponse again = batch(good, key("b1"));
  CHECK(again.json()["results"][1]["id"].string() == first.json()["results"][1]["id"].string());
  CHECK(stored(tako) == 2);
  CHECK(batch(R"({"channel":"feed","type":"t","data":3},{"channel":"feed","data":4})").status ==
        400);
  check_refused(
      batch(R"({"channel":"feed","type":"t","data":3},{"channel":"wire","type":"t","data":4})"),
      400, "batch-invalid");
  CHECK(stored(tako) == 2);
}

TEST_CASE("a batch of more than 1,000 messages, an empty body and other shapes are refused") {
  Cluster tako(with_definitions());
  std::string many = R"({"channel":"feed","type":"t","data":1})";
  for (int entry = 1; entry < 1000; ++entry) many += R"(,{"channel":"feed","type":"t","data":1})";
  const auto status = [&tako](const std::string& body) {
    return tako.api("POST", "/v1/batch", body).status;
  };
  CHECK(status(R"({"messages":[)" + many + "]}") == 200);
  CHECK(stored(tako) == 100);  // The page's default; all of them are there:
  CHECK(tako.api("GET", kFeed + "?_limit=1000").json()["messages"].size() == 1000);
  CHECK(status(R"({"messages":[)" + many + R"(,{"channel":"feed","type":"t","data":1}]})") == 400);
  for (const char* bad : {"{}", "[]", R"({"messages":{}})", "x", R"({"messages":[],"atomic":1})"}) {
    CAPTURE(bad);
    check_refused(tako.api("POST", "/v1/batch", bad), 400, "batch-invalid");
  }
  CHECK(tako.api("GET", kFeed + "?_limit=1000").json()["messages"].size() == 1000);
}

TEST_CASE("an entry that is no message is told so in its place, with the catalogue's words") {
  Cluster tako(with_definitions());
  const std::string large(1'048'577, 'x');
  const HttpResponse response = tako.api(
      "POST", "/v1/batch",
      R"({"messages":[1,{"channel":"feed","type":"t"},{"channel":"feed","type":"tako.x","data":1},
          {"channel":"feed","type":"t","data":")" +
          large + R"("},{"channel":"feed","type":"t","data":5}]})");
  CHECK(response.status == 200);
  const Json results = response.json()["results"];
  REQUIRE(results.size() == 5);
  const char* codes[] = {"message-malformed", "message-malformed", "bad-request",
                         "payload-too-large"};
  for (std::size_t index = 0; index < 4; ++index) {
    CHECK(results[index]["error"]["code"].string() == codes[index]);
    CHECK_FALSE(results[index]["error"]["hint"].string().empty());
  }
  CHECK(results[4]["data"].number() == 5);
  CHECK(stored(tako) == 1);
}

TEST_CASE("a batch above 4 MiB is refused whole") {
  Cluster tako(with_definitions());
  std::string messages;
  for (int entry = 0; entry < 5; ++entry) {
    if (entry > 0) messages += ',';
    messages += R"({"channel":"feed","type":"t","data":")" + std::string(900'000, 'x') + "\"}";
  }
  check_refused(tako.api("POST", "/v1/batch", R"({"messages":[)" + messages + "]}"), 413,
                "payload-too-large");
  CHECK(stored(tako) == 0);
}

TEST_CASE("nothing of others comes between the messages of an atomic batch") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  std::jthread single([&tako] { tako.publish_numbers("feed", 60); });
  std::string entries = R"({"channel":"feed","type":"batch","data":0})";
  for (int entry = 1; entry < 5; ++entry) {
    entries += R"(,{"channel":"feed","type":"batch","data":)" + std::to_string(entry) + "}";
  }
  for (int batch = 0; batch < 20; ++batch) {
    CHECK(tako.api("POST", "/v1/batch", R"({"atomic":true,"messages":[)" + entries + "]}").status ==
          200);
  }
  int inside = 0;  // How much of a batch has come.
  for (int message = 0; message < 160; ++message) {
    const Json received = client.next_message().json();
    const bool is_batch = received["type"].string() == "batch";
    REQUIRE((is_batch || inside == 0));
    if (!is_batch) continue;
    REQUIRE(received["data"].number() == inside);
    inside = (inside + 1) % 5;
  }
}
