// The app API through an edge: with an app key from anywhere, and only what it is for.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

constexpr std::string_view kConfig = R"(
[[apps]]
id = "default"
keys = [{ key = "k1", secret = "s1" }, { key = "k2", secret = "s2" }]
)";

ClusterOptions with_keys() {
  ClusterOptions options = with_definitions();
  options.edge_config = kConfig;
  return options;
}

HttpResponse call(Cluster& tako, std::string method, std::string target, std::string body = "",
                  std::string_view key = "k1:s1") {
  return http(tako.edge(), {.method = std::move(method),
                            .target = "/_tako/api" + std::move(target),
                            .headers = {{"Authorization", "Bearer " + std::string(key)}},
                            .body = std::move(body)});
}

const std::string kMessage = R"({"type":"t","data":1})";

}  // namespace

TEST_CASE("publish, batch and reads work with any of the app's keys") {
  Cluster tako(with_keys());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  const HttpResponse published = call(tako, "POST", "/v1/channels/feed/messages", kMessage);
  CHECK(published.status == 201);
  CHECK(*client.next_message().id == published.json()["id"].string());
  CHECK(call(tako, "POST", "/v1/channels/feed/messages", kMessage, "k2:s2").status == 201);
  CHECK(call(tako, "POST", "/v1/batch", R"({"messages":[{"channel":"feed","type":"t","data":3}]})")
            .status == 200);
  const HttpResponse history = call(tako, "GET", "/v1/channels/feed/messages?_limit=2");
  CHECK(history.status == 200);
  CHECK(history.json()["messages"].size() == 2);
  CHECK(call(tako, "GET", "/v1/channels").json()["channels"].size() == 1);
}

TEST_CASE("the idempotency key goes along") {
  Cluster tako(with_keys());
  const auto post = [&tako] {
    return http(tako.edge(),
                {.method = "POST",
                 .target = "/_tako/api/v1/channels/feed/messages",
                 .headers = {{"Authorization", "Bearer k1:s1"}, {"Idempotency-Key", "once"}},
                 .body = kMessage});
  };
  const HttpResponse first = post();
  const HttpResponse again = post();
  CHECK(first.status == 201);
  CHECK(again.status == 200);
  CHECK(again.json()["id"].string() == first.json()["id"].string());
}

TEST_CASE("wrong keys, and requests without one, are all the same 401") {
  Cluster tako(with_keys());
  const std::string target = "/v1/channels/feed/messages";
  const HttpResponse wrong = call(tako, "POST", target, kMessage, "k1:s2");
  CHECK(wrong.status == 401);
  CHECK(wrong.error_code() == "key-invalid");
  for (const char* key : {"k3:s1", "k1:", ":s1", "k1", "K1:s1", "k1:s1:s1"}) {
    CAPTURE(key);
    CHECK(call(tako, "POST", target, kMessage, key).body == wrong.body);
  }
  const HttpResponse none =
      http(tako.edge(), {.method = "POST", .target = "/_tako/api" + target, .body = kMessage});
  CHECK(none.status == 401);
  CHECK(tako.api("GET", "/v1/channels/feed/messages").json()["messages"].size() == 0);
}

TEST_CASE("a wrong key and a missing channel look the same to someone without a key") {
  Cluster tako(with_keys());
  CHECK(call(tako, "GET", "/v1/channels/feed/messages", "", "bad:bad").body ==
        call(tako, "GET", "/v1/channels/nope/messages", "", "bad:bad").body);
}

TEST_CASE("failures are limited per address and say when to come back") {
  ClusterOptions options = with_keys();
  options.edge_arguments = {"--limit", "api_key_failures_max=3"};
  Cluster tako(options);
  const auto status = [&tako](std::string_view key) {
    return call(tako, "GET", "/v1/channels", "", key).status;
  };
  for (int attempt = 0; attempt < 3; ++attempt) CHECK(status("bad:bad") == 401);
  const HttpResponse limited = call(tako, "GET", "/v1/channels", "", "bad:bad");
  CHECK(limited.status == 429);
  CHECK(limited.error_code() == "rate-limited");
  CHECK(limited.has_header("retry-after"));
}

TEST_CASE("who failed too often is refused with a good key too; other addresses are not") {
  ClusterOptions options = with_keys();
  options.edge_config = "trusted_proxies = [\"127.0.0.1/32\"]\n" + std::string(kConfig);
  options.edge_arguments = {"--limit", "api_key_failures_max=2"};
  Cluster tako(options);
  const auto status = [&tako](std::string_view ip, std::string_view key) {
    return http_get(tako.edge(), "/_tako/api/v1/channels",
                    {{"Authorization", "Bearer " + std::string(key)},
                     {"X-Forwarded-For", std::string(ip)}})
        .status;
  };
  CHECK(status("192.0.2.1", "bad:bad") == 401);
  CHECK(status("192.0.2.1", "bad:bad") == 401);
  CHECK(status("192.0.2.1", "k1:s1") == 429);
  CHECK(status("192.0.2.2", "k1:s1") == 200);
  CHECK(status("192.0.2.2", "bad:bad") == 401);
}

TEST_CASE("administration is not reachable through an edge") {
  Cluster tako(with_keys());
  const HttpResponse put = call(tako, "PUT", "/v1/definitions", R"({"definitions":[]})");
  CHECK(put.status == 404);
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
  CHECK(call(tako, "GET", "/v1/nothing").status == 404);
  for (const char* target : {"/metrics", "/healthz", "/readyz", "/v1/channels/feed/stream"}) {
    CAPTURE(target);
    CHECK(call(tako, "GET", target).status == 404);
  }
}

TEST_CASE("a key is of its own app alone") {
  constexpr std::string_view kTwoApps = R"(
[[apps]]
id = "red"
hosts = ["red.example"]
keys = [{ key = "red", secret = "s" }]
[[apps]]
id = "blue"
hosts = ["blue.example"]
keys = [{ key = "blue", secret = "s" }]
)";
  Cluster tako({.broker_config = std::string(kTwoApps), .edge_config = std::string(kTwoApps)});
  const auto status = [&tako](std::string_view host, std::string_view key) {
    return http(tako.edge(), {.target = "/_tako/api/v1/channels",
                              .headers = {{"Host", std::string(host)},
                                          {"Authorization", "Bearer " + std::string(key)}}})
        .status;
  };
  CHECK(status("red.example", "red:s") == 200);
  CHECK(status("blue.example", "blue:s") == 200);
  CHECK(status("blue.example", "red:s") == 401);
}
