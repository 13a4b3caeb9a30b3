// The message routes of the edge: history in pages by cursor and by time, and publishing by POST.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

std::string messages_path(std::string_view name, std::string_view query = "") {
  std::string path = "/_tako/channels/" + percent_encoded(name) + "/messages";
  if (!query.empty()) path += "?" + std::string(query);
  return path;
}

std::vector<int> numbers(const Json& page) {
  std::vector<int> result;
  for (std::size_t index = 0; index < page["messages"].size(); ++index) {
    result.push_back(static_cast<int>(page["messages"][index]["data"].number()));
  }
  return result;
}

Json get(Cluster& tako, std::string_view query = "") {
  const HttpResponse response = http_get(tako.edge(), messages_path("feed", query));
  CHECK(response.status == 200);
  return response.json();
}

}  // namespace

TEST_CASE("without a cursor the newest come, ascending, with cursors for both sides") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 10);
  const Json page = get(tako, "_limit=3");
  CHECK(numbers(page) == std::vector<int>{8, 9, 10});
  CHECK(page["next"].is_null());
  CHECK(page["messages"][0]["id"].string() == ids[7]);
  CHECK(page["messages"][0].keys() == std::vector<std::string>{"id", "channel", "type", "data"});
  const Json before = get(tako, "_limit=3&_before=" + page["prev"].string());
  CHECK(numbers(before) == std::vector<int>{5, 6, 7});
  const Json after = get(tako, "_limit=2&_after=" + ids[0]);
  CHECK(numbers(after) == std::vector<int>{2, 3});
  CHECK(numbers(get(tako, "_limit=2&_after=" + after["next"].string())) == std::vector<int>{4, 5});
}

TEST_CASE("pages walk the whole history both ways and end with null") {
  Cluster tako(with_definitions());
  tako.publish_numbers("feed", 25);
  std::vector<int> forward;
  for (std::string query = "_after=0&_limit=7"; !query.empty();) {
    const Json page = get(tako, query);
    const auto more = numbers(page);
    forward.insert(forward.end(), more.begin(), more.end());
    query = page["next"].is_null() ? "" : "_limit=7&_after=" + page["next"].string();
    REQUIRE(forward.size() <= 25);
  }
  CHECK(forward.size() == 25);
  CHECK(std::ranges::is_sorted(forward));
  std::size_t backward = 0;
  for (std::string query = "_limit=7"; !query.empty();) {
    const Json page = get(tako, query);
    backward += numbers(page).size();
    query = page["prev"].is_null() ? "" : "_limit=7&_before=" + page["prev"].string();
    REQUIRE(backward <= 25);
  }
  CHECK(backward == 25);
}

TEST_CASE("the page before the oldest is empty and leads back to it, on the edge and the app API") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  const std::string before = "_before=" + ids[0];
  const Json page = get(tako, before);
  CHECK(numbers(page).empty());
  CHECK(page["prev"].is_null());
  CHECK(numbers(get(tako, "_after=" + page["next"].string())) == std::vector<int>{1, 2, 3});
  CHECK(tako.api("GET", "/v1/channels/feed/messages?" + before).body == page.print());
  const Json behind = get(tako, "_after=" + ids[2]);
  CHECK(numbers(behind).empty());
  CHECK(behind["next"].is_null());
}

TEST_CASE("an empty channel has an empty page with null at both ends") {
  Cluster tako(with_definitions());
  const Json page = get(tako);
  CHECK(page["messages"].size() == 0);
  CHECK(page["next"].is_null());
  CHECK(page["prev"].is_null());
}

TEST_CASE("_from and _to bound by time") {
  Cluster tako(with_definitions());
  tako.publish("feed", "n", "1");
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // Times are in whole milliseconds.
  const std::string middle = std::to_string(now_ms() - 10);
  tako.publish("feed", "n", "2");
  CHECK(numbers(get(tako, "_from=" + middle)) == std::vector<int>{2});
  CHECK(numbers(get(tako, "_to=" + middle)) == std::vector<int>{1});
  CHECK(numbers(get(tako, "_from=" + middle + "&_to=" + middle)).empty());
}

TEST_CASE("a page is 100 unless asked, and at most 1,000") {
  Cluster tako(with_definitions());
  tako.publish_numbers("feed", 120);
  CHECK(numbers(get(tako)).size() == 100);
  CHECK(numbers(get(tako, "_limit=1000")).size() == 120);
  for (const char* bad : {"_limit=1001", "_limit=0", "_limit=x", "_limit=-1", "_from=x",
                          "_after=abc", "_before=abc"}) {
    CAPTURE(bad);
    CHECK(http_get(tako.edge(), messages_path("feed", bad)).status == 400);
  }
}

TEST_CASE("a history cursor that is too old is told") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("short", 5);
  const HttpResponse response = http_get(tako.edge(), messages_path("short", "_after=" + ids[0]));
  CHECK(response.status == 410);
  CHECK(response.error_code() == "replay-too-old");
}

TEST_CASE("history asks the app with its own operation and respects the answer") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  tako.publish("chat", "n", "1", "roomId=1");
  const std::string path = messages_path("chat", "roomId=1");
  CHECK(http_get(tako.edge(), path).status == 401);
  CHECK(http_get(tako.edge(), path, {{"Authorization", "Bearer bad"}}).status == 403);
  const HttpResponse response = http_get(tako.edge(), path, kGoodToken);
  CHECK(response.status == 200);
  CHECK(numbers(response.json()) == std::vector<int>{1});
  CHECK(tako.app().authorize_calls().back().json()["operation"].string() == "history");
  CHECK(http_get(tako.edge(), messages_path("chat", "roomId="), kGoodToken).status == 400);
}

TEST_CASE("the app API pages the same way") {
  Cluster tako(with_definitions());
  tako.publish_numbers("feed", 10);
  const Json page = tako.api("GET", "/v1/channels/feed/messages?_limit=4").json();
  CHECK(numbers(page) == std::vector<int>{7, 8, 9, 10});
  const std::string prev = page["prev"].string();
  CHECK(numbers(tako.api("GET", "/v1/channels/feed/messages?_limit=4&_before=" + prev).json()) ==
        std::vector<int>{3, 4, 5, 6});
}

TEST_CASE("POST publishes a client message under the definition's handlers") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  SseClient listener(tako.edge(), channel_path("chat", "roomId=1"), kGoodToken);
  static_cast<void>(listener.opening_id());
  const auto post = [&tako](std::string body, Headers headers) {
    return http(tako.edge(), {.method = "POST",
                              .target = messages_path("chat", "roomId=1"),
                              .headers = std::move(headers),
                              .body = std::move(body)});
  };
  const HttpResponse response = post(R"({"type":"say","data":1})", kGoodToken);
  CHECK(response.status == 201);
  const Json heard = listener.next_message().json();
  CHECK(heard["subject"].string() == "ann");
  CHECK(heard["id"].string() == response.json()["id"].string());
  CHECK(tako.app().authorize_calls().back().json()["operation"].string() == "publish");
  CHECK(post(R"({"type":"unnamed","data":1})", kGoodToken).error_code() == "type-not-allowed");
  CHECK(post("nonsense", kGoodToken).error_code() == "message-malformed");
  check_refused(post(R"({"type":"say","data":")" + std::string(70'000, 'x') + "\"}", kGoodToken),
                413, "payload-too-large");
  check_refused(post("{\"type\":\"say\",\"data\":\"\xff\"}", kGoodToken), 400, "message-malformed");
  const HttpResponse typing = post(R"({"type":"typing","data":1})", kGoodToken);
  CHECK(typing.status == 200);
  CHECK_FALSE(typing.json().has("id"));
  CHECK(post(R"({"type":"say","data":1})", {}).status == 401);
  CHECK(post(R"({"type":"say","data":1})", {{"Authorization", "Bearer bad"}}).status == 403);
}

TEST_CASE("a client's idempotency key is its own: other subjects and the app do not share it") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  const auto post = [&tako](std::string_view token) {
    return http(tako.edge(), {.method = "POST",
                              .target = messages_path("chat", "roomId=1"),
                              .headers = {{"Authorization", "Bearer " + std::string(token)}},
                              .body = R"({"type":"say","data":1,"idempotencyKey":"k"})"});
  };
  const std::string first = post("good").json()["id"].string();
  const HttpResponse again = post("good");
  CHECK(again.status == 200);
  CHECK(again.json()["id"].string() == first);
  CHECK(post("bob").json()["id"].string() != first);
  const HttpResponse by_app = tako.api("POST", "/v1/channels/chat/messages?roomId=1",
                                       R"({"type":"say","data":1})", {{"Idempotency-Key", "k"}});
  CHECK(by_app.status == 201);
  CHECK(by_app.json()["id"].string() != first);
}
