// Web origins: who may open a WebSocket, who may use a cookie, and what other pages may read.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

// The edge allows one foreign origin besides its own host.
ClusterOptions with_allowed_origin() {
  ClusterOptions options = with_definitions();
  options.edge_config =
      "[[apps]]\nid = \"default\"\nallowed_origins = [\"https://app.example.com\"]\n";
  return options;
}

int ws_status(Cluster& tako, std::string_view channel, Headers headers) {
  return WsClient(tako.edge(), channel_path(channel), {.headers = std::move(headers)}).status();
}

int sse_status(Cluster& tako, std::string_view channel, Headers headers) {
  return SseClient(tako.edge(), channel_path(channel), std::move(headers)).status();
}

const Header kCookie{"Cookie", "sid=1"};

HttpResponse options_request(Cluster& tako, std::string_view origin) {
  return http(tako.edge(), {.method = "OPTIONS",
                            .target = channel_path("chat", "roomId=1"),
                            .headers = {{"Origin", std::string(origin)},
                                        {"Access-Control-Request-Method", "GET"},
                                        {"Access-Control-Request-Headers", "authorization"}}});
}

}  // namespace

TEST_CASE("by default an upgrade is taken from the same host, and from no other") {
  Cluster tako(with_definitions());
  CHECK(ws_status(tako, "wire", {same_origin(tako.edge())}) == 101);
  CHECK(ws_status(tako, "wire", {{"Origin", "https://" + tako.edge()}}) == 101);
  CHECK(ws_status(tako, "wire", {}) == 101);  // No page: a header or no credential at all.
  for (const std::string& origin :
       {std::string("https://evil.example"), std::string("null"), "http://" + tako.edge() + ".evil",
        "http://evil" + tako.edge(), std::string("http://127.0.0.1:1"),
        std::string("http://127.0.0.1"), std::string("")}) {
    CAPTURE(origin);
    WsClient refused(tako.edge(), channel_path("wire"), {.headers = {{"Origin", origin}}});
    CHECK(refused.status() == 403);
    CHECK(refused.response().error_code() == "origin-refused");
  }
}

TEST_CASE("two Origin headers are no origin") {
  Cluster tako(with_definitions());
  const int status =
      ws_status(tako, "wire", {same_origin(tako.edge()), {"Origin", "https://evil.example"}});
  CHECK((status == 403 || status == 400));
}

TEST_CASE("default ports do not make another host") {
  Cluster tako(with_definitions());
  CHECK(ws_status(tako, "wire", {{"Host", "a.example"}, {"Origin", "https://a.example:443"}}) ==
        101);
  CHECK(ws_status(tako, "wire", {{"Host", "a.example:80"}, {"Origin", "http://a.example"}}) == 101);
  CHECK(ws_status(tako, "wire", {{"Host", "a.example"}, {"Origin", "http://a.example:8080"}}) ==
        403);
}

TEST_CASE("configured origins are compared whole") {
  Cluster tako(with_allowed_origin());
  CHECK(ws_status(tako, "wire", {{"Origin", "https://app.example.com"}}) == 101);
  for (const char* origin :
       {"http://app.example.com", "https://app.example.com.evil", "https://app.example.com:8443",
        "https://sub.app.example.com", "null"}) {
    CAPTURE(origin);
    CHECK(ws_status(tako, "wire", {{"Origin", origin}}) == 403);
  }
}

TEST_CASE("a cookie on an upgrade needs an allowed Origin") {
  Cluster tako(with_definitions());
  CHECK(ws_status(tako, "ck", {kCookie}) == 403);
  CHECK(ws_status(tako, "ck", {kCookie, {"Origin", "https://evil.example"}}) == 403);
  CHECK(tako.app().authorize_count() == 0);
  CHECK(ws_status(tako, "ck", {kCookie, same_origin(tako.edge())}) == 101);
}

TEST_CASE("a cookie on a GET needs an allowed Origin if there is one, else a same-origin fetch") {
  Cluster tako(with_definitions());
  CHECK(sse_status(tako, "ck", {kCookie}) == 200);
  CHECK(sse_status(tako, "ck", {kCookie, same_origin(tako.edge())}) == 200);
  CHECK(sse_status(tako, "ck", {kCookie, {"Sec-Fetch-Site", "same-origin"}}) == 200);
  const std::size_t calls = tako.app().authorize_count();
  CHECK(sse_status(tako, "ck", {kCookie, {"Origin", "https://evil.example"}}) == 403);
  CHECK(sse_status(tako, "ck", {kCookie, {"Origin", "null"}}) == 403);
  CHECK(sse_status(tako, "ck", {kCookie, {"Sec-Fetch-Site", "cross-site"}}) == 403);
  CHECK(sse_status(tako, "ck", {kCookie, {"Sec-Fetch-Site", "same-site"}}) == 403);
  CHECK(sse_status(tako, "ck", {kCookie, {"Sec-Fetch-Site", "none"}}) == 403);
  CHECK(tako.app().authorize_count() == calls);
}

TEST_CASE("a POST with a cookie needs an allowed Origin") {
  Cluster tako(with_definitions());
  const auto post = [&tako](Headers headers) {
    return http(tako.edge(), {.method = "POST",
                              .target = "/_tako/channels/ck/messages",
                              .headers = std::move(headers),
                              .body = R"({"type":"say","data":1})"})
        .status;
  };
  CHECK(post({kCookie}) == 403);
  CHECK(post({kCookie, {"Origin", "https://evil.example"}}) == 403);
  CHECK(post({kCookie, same_origin(tako.edge())}) == 201);
}

TEST_CASE("a preflight from an allowed origin is 204 with what may be sent") {
  Cluster tako(with_allowed_origin());
  const HttpResponse allowed = options_request(tako, "https://app.example.com");
  CHECK(allowed.status == 204);
  CHECK(allowed.header("access-control-allow-origin") == "https://app.example.com");
  CHECK(allowed.header("access-control-allow-credentials") == "true");
  CHECK(allowed.header("access-control-allow-headers") ==
        "authorization, last-event-id, content-type, idempotency-key");
  CHECK(allowed.header("access-control-allow-methods").find("GET") != std::string::npos);
  CHECK(allowed.header("vary").find("Origin") != std::string::npos);
  const HttpResponse foreign = options_request(tako, "https://evil.example");
  CHECK_FALSE(foreign.has_header("access-control-allow-origin"));
}

TEST_CASE("every answer, errors too, tells an allowed page that it may read it, and no other") {
  Cluster tako(with_allowed_origin());
  const auto check = [&](const std::string& target, int status) {
    CAPTURE(target);
    const Headers allowed{{"Origin", "https://app.example.com"}};
    const SseClient client(tako.edge(), target, allowed);
    CHECK(client.status() == status);
    CHECK(client.response().header("access-control-allow-origin") == "https://app.example.com");
    CHECK(client.response().header("access-control-expose-headers") == "Retry-After");
    CHECK(client.response().header("vary").find("Origin") != std::string::npos);
    const SseClient foreign(tako.edge(), target, {{"Origin", "https://evil.example"}});
    CHECK_FALSE(foreign.response().has_header("access-control-allow-origin"));
    CHECK(foreign.response().header("vary").find("Origin") != std::string::npos);
  };
  check(channel_path("feed"), 200);
  check(channel_path("nope"), 404);
  check(channel_path("chat", "roomId="), 400);
  check(channel_path("chat", "roomId=1"), 401);
  check("/_tako/channels/feed/messages", 200);
  check("/_tako/channels/feed/nothing", 404);
  check("/_tako/channels/feed/presence", 400);
  check("/_tako/channels", 400);
}

TEST_CASE("refusals of other methods, of too much, and of an edge that is full can be read too") {
  ClusterOptions options = with_allowed_origin();
  options.edge_arguments = {"--limit", "connections_max=1"};
  Cluster tako(options);
  SseClient only(tako.edge(), channel_path("feed"));
  static_cast<void>(only.opening_id());
  const auto check = [&tako](HttpRequest request, int status) {
    request.headers.push_back({"Origin", "https://app.example.com"});
    const HttpResponse response = http(tako.edge(), request);
    CHECK(response.status == status);
    CHECK(response.header("access-control-allow-origin") == "https://app.example.com");
    CHECK(response.header("access-control-expose-headers") == "Retry-After");
    CHECK(response.header("vary").find("Origin") != std::string::npos);
  };
  check({.method = "DELETE", .target = channel_path("feed")}, 405);
  check({.method = "POST",
         .target = "/_tako/channels/wire/messages",
         .body = std::string(70'000, 'x')},
        413);
  check({.target = channel_path("feed")}, 503);
}
