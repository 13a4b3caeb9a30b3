// The app's callback: what it is asked, and what its answers mean.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");

int sse_status(Cluster& tako, Headers headers = kGoodToken) {
  return SseClient(tako.edge(), kRoom, std::move(headers)).status();
}

}  // namespace

TEST_CASE("A1: a missing credential is 401 without a call") {
  Cluster tako(with_definitions());
  const HttpResponse response = http_get(tako.edge(), kRoom);
  CHECK(response.status == 401);
  CHECK(response.error_code() == "unauthorized");
  CHECK(response.error_message() == "Unauthorized");
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("A2: a header is split at its first space into scheme and value") {
  Cluster tako(with_definitions());
  CHECK(sse_status(tako, {{"Authorization", "Bearer abc 123"}}) == 200);
  CHECK(sse_status(tako, {{"Authorization", "plain"}}) == 200);
  const auto calls = tako.app().authorize_calls();
  CHECK(calls.at(0).json()["header"] == Json::parse(R"({"scheme":"Bearer","value":"abc 123"})"));
  CHECK(calls.at(1).json()["header"] == Json::parse(R"({"value":"plain"})"));
}

TEST_CASE("A3: the declared cookie's raw value is sent on, and nothing that is not declared") {
  Cluster tako(with_definitions());
  const Headers headers{{"Cookie", "other=undeclared; sid=a%20b+c; last=1"},
                        {"X-Custom", "undeclared"},
                        {"Authorization", "Bearer undeclared"}};
  CHECK(SseClient(tako.edge(), channel_path("ck"), headers).status() == 200);
  const StubRequest call = tako.app().authorize_calls().at(0);
  CHECK(call.json()["cookie"].string() == "a%20b+c");
  CHECK_FALSE(call.json().has("header"));
  CHECK(call.head.raw.find("undeclared") == std::string::npos);
  CHECK(call.body.find("undeclared") == std::string::npos);
}

TEST_CASE("A4: the call is a POST of JSON with the app's Host and the token") {
  Cluster tako(with_definitions());
  CHECK(sse_status(tako) == 200);
  WsClient socket(tako.edge(), kRoom, {.headers = kGoodToken});
  const auto calls = tako.app().wait_for_authorize_calls(2);
  CHECK(calls[0].method == "POST");
  CHECK(calls[0].target == "/channels/authorize");
  CHECK(calls[0].head.header("host") == "default.tako");
  CHECK(calls[0].head.header("x-tako-internal-token") == Cluster::app_secret());
  CHECK(calls[0].head.header("content-type") == "application/json");
  CHECK(calls[0].json() == Json::parse(R"({"app":"default","channel":"chat",
      "operation":"subscribe","params":{"roomId":"1"},
      "header":{"scheme":"Bearer","value":"good"},"ip":"127.0.0.1"})"));
  CHECK(calls[1].json()["operation"].string() == "connect");
}

TEST_CASE("each app is asked at its own upstream, by its own name, about its own clients") {
  StubApp red;
  StubApp blue;
  blue.authorize_with({.status = 403, .body = "{}"});
  const auto app = [](std::string_view id, const StubApp& behind) {
    return "[[apps]]\nid = \"" + std::string(id) + "\"\nhosts = [\"" + std::string(id) +
           ".example\"]\nupstream = \"" + behind.upstream() + "\"\n";
  };
  const std::string config = app("red", red) + app("blue", blue);
  Cluster tako({.has_app = false, .broker_config = config, .edge_config = config});
  const auto status = [&tako](std::string_view id) {
    CHECK(tako.api("PUT", "/v1/definitions", R"({"definitions":[{"name":"c","auth":{}}]})",
                   {{"Tako-App", std::string(id)}})
              .status == 200);
    return SseClient(tako.edge(), channel_path("c"),
                     {{"Host", std::string(id) + ".example"}, {"Authorization", "x"}})
        .status();
  };
  CHECK(status("red") == 200);
  CHECK(status("blue") == 403);
  REQUIRE(red.authorize_count() == 1);
  REQUIRE(blue.authorize_count() == 1);
  CHECK(red.authorize_calls()[0].head.header("host") == "red.tako");
  CHECK(red.authorize_calls()[0].json()["app"].string() == "red");
  CHECK(blue.authorize_calls()[0].head.header("host") == "blue.tako");
}

TEST_CASE("A5: the app's statuses become the client's; a dead or slow app is 503") {
  Cluster tako(with_definitions());
  for (const auto& [status, expected] :
       {std::pair{403, 403}, std::pair{401, 403}, std::pair{404, 404}, std::pair{500, 503},
        std::pair{302, 503}, std::pair{204, 503}}) {
    CAPTURE(status);
    tako.app().authorize_with({.status = status, .body = "{}"});
    const HttpResponse response = http_get(tako.edge(), kRoom, kGoodToken);
    CHECK(response.status == expected);
    if (expected == 503) CHECK(response.has_header("retry-after"));
  }
  tako.app().authorize_with({.body = "not json"});
  CHECK(sse_status(tako) == 503);
  tako.app().stop();
  CHECK(sse_status(tako) == 503);
  tako.app().start();
  tako.app().authorize_with({});
  CHECK(sse_status(tako) == 200);
}

TEST_CASE("A5: an app that does not answer for 5 s is unavailable: 503 and 4503") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.never = true});
  WsClient socket(tako.edge(), kRoom, {.headers = {{"Authorization", "Bearer other"}}});
  CHECK(sse_status(tako) == 503);
  const WsEnd end = socket.wait_for_close();
  CHECK(end.code == 4503);
  CHECK(end.reason == "unavailable");
}

TEST_CASE("A6: an answer that does not say ok is a refusal") {
  Cluster tako(with_definitions());
  for (const char* body : {R"({"ok":false})", "{}", R"({"ok":"true"})", R"({"subject":"x"})"}) {
    CAPTURE(body);
    tako.app().authorize_with({.body = body});
    const HttpResponse response = http_get(tako.edge(), kRoom, kGoodToken);
    CHECK(response.status == 403);
    CHECK(response.error_message() == "Forbidden");
  }
}

TEST_CASE("A7: public channels are not asked about") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.status = 403, .body = "{}"});
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
  CHECK(SseClient(tako.edge(), channel_path("wire"), kGoodToken).status() == 200);
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("lifecycle values of the answer hold for that connection") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"keepaliveIntervalMs":100})"});
  SseClient fast(tako.edge(), kRoom, kGoodToken);
  static_cast<void>(fast.opening_id());
  CHECK(fast.next().raw == ": keepalive");
  tako.app().authorize_with({.body = R"({"ok":true,"maxConnectionLifetimeMs":200})"});
  SseClient brief(tako.edge(), kRoom, kGoodToken);
  CHECK(brief.ends());
}

TEST_CASE("calls go over kept connections to a TCP or a unix upstream") {
  ClusterOptions options = with_definitions();
  SUBCASE("TCP") { options.app_on_unix_socket = false; }
  SUBCASE("unix") { options.app_on_unix_socket = true; }
  Cluster tako(options);
  for (int call = 0; call < 10; ++call) CHECK(sse_status(tako) == 200);
  CHECK(tako.app().authorize_count() == 10);
  CHECK(tako.app().connection_count() < 5);
}

TEST_CASE("an app that closes kept connections costs no client anything") {
  Cluster tako(with_definitions());
  CHECK(sse_status(tako) == 200);
  tako.app().stop();
  tako.app().start();
  CHECK(sse_status(tako) == 200);
}
