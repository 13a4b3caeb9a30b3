// Law 6: a message reaches only those who may have exactly that channel of that app.
#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

constexpr std::string_view kTwoApps = R"(
[[apps]]
id = "red"
hosts = ["red.example"]
keys = [{ key = "red-key", secret = "red-secret" }]

[[apps]]
id = "blue"
hosts = ["blue.example", "azure.example"]
keys = [{ key = "blue-key", secret = "blue-secret" }]
)";

constexpr std::string_view kPublic =
    R"({"definitions":[{"name":"c","auth":false,"transport":"ws"}]})";

ClusterOptions two_apps() {
  return {.broker_config = std::string(kTwoApps), .edge_config = std::string(kTwoApps)};
}

Headers host(std::string_view name) { return {{"Host", std::string(name)}}; }
Headers app(std::string_view id) { return {{"Tako-App", std::string(id)}}; }

void define(Cluster& tako, std::string_view id) {
  CHECK(tako.api("PUT", "/v1/definitions", std::string(kPublic), app(id)).status == 200);
}

int publish(Cluster& tako, std::string_view id, int data) {
  return tako
      .api("POST", "/v1/channels/c/messages", R"({"type":"t","data":)" + std::to_string(data) + "}",
           app(id))
      .status;
}

}  // namespace

TEST_CASE("apps with the same channel name never see each other's messages") {
  Cluster tako(two_apps());
  define(tako, "red");
  define(tako, "blue");
  SseClient red(tako.edge(), channel_path("c"), host("red.example"));
  SseClient blue(tako.edge(), channel_path("c"), host("azure.example"));
  static_cast<void>(red.opening_id());
  static_cast<void>(blue.opening_id());
  for (int number = 1; number <= 10; ++number) {
    CHECK(publish(tako, number % 2 == 0 ? "red" : "blue", number) == 201);
  }
  CHECK(red.next_data(5) == std::vector<std::string>{"2", "4", "6", "8", "10"});
  CHECK(blue.next_data(5) == std::vector<std::string>{"1", "3", "5", "7", "9"});
}

TEST_CASE("definitions of one app are unknown to the other") {
  Cluster tako(two_apps());
  define(tako, "red");
  CHECK(SseClient(tako.edge(), channel_path("c"), host("red.example")).status() == 200);
  CHECK(SseClient(tako.edge(), channel_path("c"), host("blue.example")).status() == 404);
  CHECK(publish(tako, "blue", 1) == 404);
}

TEST_CASE(
    "with several apps the app socket needs to be told which, and a strange Host is refused") {
  Cluster tako(two_apps());
  define(tako, "red");
  const HttpResponse response =
      tako.api("POST", "/v1/channels/c/messages", R"({"type":"t","data":1})");
  CHECK(response.status >= 400);
  CHECK(response.error_code() == "app-unknown");
  CHECK(publish(tako, "green", 1) == 404);
  CHECK(http_get(tako.edge(), channel_path("c"), host("green.example")).status == 404);
  CHECK(SseClient(tako.edge(), channel_path("c"), host("RED.example:8080")).status() == 200);
}

TEST_CASE("an app's own limits are its own alone, through an edge too") {
  const std::string config = std::string(kTwoApps) +  // They are those of blue.
                             "[apps.limits]\nmessage_bytes_max = 10\nbatch_bytes_max = 1000\n";
  Cluster tako({.broker_config = config, .edge_config = config});
  define(tako, "red");
  define(tako, "blue");
  const std::string large = R"({"type":"t","data":"more than ten bytes"})";
  const auto by_app = [&](std::string_view id) {
    return tako.api("POST", "/v1/channels/c/messages", large, app(id)).status;
  };
  CHECK(by_app("red") == 201);
  CHECK(by_app("blue") == 413);
  const auto batch_through_edge = [&](std::string_view name) {
    std::string body = R"({"messages":[{"channel":"c","type":"t","data":1}]})";
    return http(tako.edge(),
                {.method = "POST",
                 .target = "/_tako/api/v1/batch",
                 .headers = {{"Host", std::string(name) + ".example"},
                             {"Authorization", "Bearer " + std::string(name) +
                                                   "-key:" + std::string(name) + "-secret"}},
                 .body = body.append(2'000, ' ')})
        .status;
  };
  CHECK(batch_through_edge("red") == 200);
  CHECK(batch_through_edge("blue") == 413);
}

TEST_CASE("socket_uids bounds who may use the app's side of the socket") {
  const std::string us = std::to_string(getuid());
  const std::string other = std::to_string(getuid() + 1);
  const std::string apps =
      "[[apps]]\nid = \"red\"\nhosts = [\"red.example\"]\nsocket_uids = [" + us +
      "]\n[[apps]]\nid = \"blue\"\nhosts = [\"blue.example\"]\nsocket_uids = [" + other + "]\n";
  Cluster tako({.broker_config = apps});
  CHECK(tako.api("GET", "/v1/definitions", "", app("red")).status == 200);
  const HttpResponse refused = tako.api("GET", "/v1/definitions", "", app("blue"));
  CHECK(refused.status == 403);
  CHECK(refused.error_code() == "forbidden");
  CHECK(refused.error_message().find(us) != std::string::npos);
}

TEST_CASE("cursors and idempotency keys of one app mean nothing in another") {
  Cluster tako(two_apps());
  define(tako, "red");
  define(tako, "blue");
  const auto post = [&tako](std::string_view id) {
    Headers headers = app(id);
    headers.push_back({"Idempotency-Key", "k"});
    return tako.api("POST", "/v1/channels/c/messages", R"({"type":"t","data":1})", headers).status;
  };
  CHECK(post("red") == 201);
  CHECK(post("blue") == 201);
  CHECK(post("red") == 200);
}

TEST_CASE("params that look like another channel's key do not become it") {
  Cluster tako(with_definitions(R"([
    {"name":"c","auth":false,"transport":"ws","paramsSchema":{"type":"object","properties":{
      "a":{"type":"string"},"b":{"type":"string"}}}}])"));
  SseClient both(tako.edge(), channel_path("c", "a=1&b=2"));
  SseClient tricky(tako.edge(), channel_path("c", "a=1%26b%3D2"));
  SseClient swapped(tako.edge(), channel_path("c", "b=1&a=2"));
  SseClient none(tako.edge(), channel_path("c"));
  SseClient empty(tako.edge(), channel_path("c", "a="));
  tako.publish("c", "t", "1", "a=1&b=2");
  tako.publish("c", "t", "2", "a=1%26b%3D2");
  tako.publish("c", "t", "3", "a=2&b=1");
  tako.publish("c", "t", "4");
  tako.publish("c", "t", "5", "a=");
  CHECK(both.next_data(1)[0] == "1");
  CHECK(tricky.next_data(1)[0] == "2");
  CHECK(swapped.next_data(1)[0] == "3");
  CHECK(none.next_data(1)[0] == "4");
  CHECK(empty.next_data(1)[0] == "5");
}

TEST_CASE("edges share channels: a message published through one reaches clients of the other") {
  ClusterOptions options = with_definitions();
  options.edges = 2;
  Cluster tako(options);
  WsClient one(tako.edge(0), channel_path("wire"));
  WsClient two(tako.edge(1), channel_path("wire"));
  one.send_text(R"({"type":"say","data":"from one"})");
  CHECK(one.next_json()["data"].string() == "from one");
  two.send_text(R"({"type":"say","data":"from two"})");
  Json heard = two.next_json();
  if (heard["data"].string() == "from one") heard = two.next_json();
  CHECK(heard["data"].string() == "from two");
  CHECK(one.next_json()["id"].string() == heard["id"].string());
}
