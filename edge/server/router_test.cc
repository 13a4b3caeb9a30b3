// Routing over loopback: who serves which request, and what is never served.
#include "edge/server/router.h"

#include <doctest/doctest.h>

#include "edge/server/testing/server_fixture.h"

namespace tako::edge {
namespace {

using namespace testing;

int status_of(const std::string& answer) {
  REQUIRE(answer.starts_with("HTTP/1.1 "));
  return std::stoi(answer.substr(9, 3));
}

config::Config two_apps() {
  config::Config config = one_app();
  config.apps.resize(2);
  config.apps[0].id = "one";
  config.apps[0].hosts = {"one.example"};
  config.apps[1].id = "two";
  config.apps[1].hosts = {"app.example", "two.example"};
  return config;
}

}  // namespace

TEST_CASE("a request reaches the protocol as it came, under its app") {
  ServerFixture fixture(two_apps());
  fixture.protocol.on_serve = [](const ClientRequest&, HttpExchange& exchange) {
    exchange.respond(200, {{"X-Own", "1"}}, "served");
  };
  const std::string answer = fixture.request(
      "POST /_tako/channels/a%2Fb/messages?x=%20y HTTP/1.1",
      "Content-Length: 4\r\nX-Thing: Value\r\nOrigin: http://app.example\r\n", "body");
  CHECK(status_of(answer) == 200);
  CHECK(answer.contains("X-Own: 1\r\n"));
  CHECK(answer.contains("Access-Control-Allow-Origin: http://app.example\r\n"));
  CHECK(answer.ends_with("\r\n\r\nserved"));
  const ClientRequest& request = *fixture.protocol.seen.request;
  CHECK(request.app == "two");
  CHECK(request.method == "POST");
  CHECK(request.path == "/_tako/channels/a%2Fb/messages");
  CHECK(request.query == "x=%20y");
  CHECK(request.host == "app.example");
  CHECK(request.ip == "127.0.0.1");
  CHECK(request.body == "body");
  CHECK(*request.header("x-thing") == "Value");
  CHECK_FALSE(request.is_websocket);
}

TEST_CASE("a host of no app is 404, with one app every host is its") {
  ServerFixture several(two_apps());
  RawClient client(several.port);
  client.send("GET /_tako/channels/x HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n");
  CHECK(several.wait_for_end(client));
  CHECK(status_of(client.received) == 404);
  CHECK(client.received.contains("no app is configured for this host"));
  CHECK(several.protocol.seen.request == nullptr);
}

TEST_CASE("the app's callbacks are hidden, by path and by host") {
  ServerFixture fixture;
  for (const char* path :
       {"/channels/authorize", "/x/..%2Fchannels/%61uthorize", "/CHANNELS//dispatch/"}) {
    CAPTURE(path);
    CHECK(status_of(fixture.request("POST " + std::string(path) + " HTTP/1.1",
                                    "Content-Length: 0\r\n")) == 404);
  }
  RawClient client(fixture.port);
  client.send("GET / HTTP/1.1\r\nHost: default.tako:80\r\nConnection: close\r\n\r\n");
  CHECK(fixture.wait_for_end(client));
  CHECK(status_of(client.received) == 404);
  CHECK(fixture.counters.hidden_paths_refused == 4);
}

TEST_CASE("own paths that nobody serves are not the app's") {
  ServerFixture fixture;
  CHECK(fixture.request("GET /_tako/other HTTP/1.1").contains("not-found"));
  CHECK(fixture.request("GET /_tako/api HTTP/1.1").contains("not-found"));
}

TEST_CASE("without an upstream a page or an error says so") {
  ServerFixture fixture;
  const std::string page = fixture.request("GET / HTTP/1.1", "Accept: text/html,*/*\r\n");
  CHECK(status_of(page) == 404);
  CHECK(page.contains("Content-Type: text/html; charset=utf-8\r\n"));
  CHECK(page.contains("--upstream"));
  const std::string json = fixture.request("GET /any HTTP/1.1");
  CHECK(status_of(json) == 404);
  CHECK(json.contains("no-upstream"));
}

TEST_CASE("a faulty handshake is answered by HTTP and ends the connection") {
  ServerFixture fixture;
  const std::string start = "GET /_tako/channels/x HTTP/1.1\r\nHost: app.example\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const struct {
    std::string headers;
    int status;
  } cases[] = {
      {"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" + key, 400},
      {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", 400},
      {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n" + key, 426}};
  for (const auto& test : cases) {
    CAPTURE(test.headers);
    RawClient client(fixture.port);
    client.send(start + test.headers + "\r\n" + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(fixture.wait_for_end(client));
    CHECK(status_of(client.received) == test.status);
    CHECK(client.received.contains("Sec-WebSocket-Version: 13\r\n") == (test.status == 426));
    CHECK(client.received.find("HTTP/1.1", 1) == std::string::npos);
  }
  CHECK(fixture.counters.handshakes_refused == 3);
}

TEST_CASE("an Upgrade to something else is a plain request") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(
      "GET /_tako/channels/x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n"
      "Connection: Upgrade\r\n\r\n");
  CHECK(fixture.wait_for(client, "text/event-stream"));
}

TEST_CASE("preflights are answered for allowed origins alone") {
  ServerFixture fixture;
  const std::string allowed = fixture.request("OPTIONS /_tako/channels/x HTTP/1.1",
                                              "Origin: http://app.example\r\n"
                                              "Access-Control-Request-Method: GET\r\n");
  CHECK(status_of(allowed) == 204);
  CHECK(allowed.contains("Access-Control-Allow-Origin: http://app.example\r\n"));
  CHECK(
      allowed.contains("Access-Control-Allow-Headers: "
                       "authorization, last-event-id, content-type, idempotency-key\r\n"));
  const std::string foreign =
      fixture.request("OPTIONS /_tako/channels/x HTTP/1.1", "Origin: http://evil.example\r\n");
  CHECK(status_of(foreign) == 403);
  CHECK_FALSE(foreign.contains("Access-Control-Allow-Origin"));
  CHECK(foreign.contains("Vary: Origin\r\n"));
  CHECK(fixture.protocol.seen.request == nullptr);
}

TEST_CASE("a body over the limit is 413, and the protocol never sees it") {
  config::Config config = one_app();
  config.limits.client_message_bytes_max = 10;
  ServerFixture fixture(config);
  const std::string answer =
      fixture.request("POST /_tako/channels/x/messages HTTP/1.1",
                      "Transfer-Encoding: chunked\r\nOrigin: http://app.example\r\n",
                      "6\r\n123456\r\n5\r\n78901\r\n0\r\n\r\n");
  CHECK(status_of(answer) == 413);
  CHECK(answer.contains("Access-Control-Allow-Origin"));
  CHECK(fixture.protocol.seen.request == nullptr);
  CHECK(fixture.limit_counters.client_message_bytes_max == 1);
}

TEST_CASE("who waits for an answer that nobody will read is told") {
  ServerFixture fixture;
  int gone = 0;
  fixture.protocol.on_serve = [&](const ClientRequest&, HttpExchange& exchange) {
    exchange.on_gone([&] { ++gone; });
  };
  RawClient client(fixture.port);
  client.send("GET /_tako/channels/x HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(fixture.wait([&] { return fixture.protocol.seen.request != nullptr; }));
  client.reset();
  CHECK(fixture.wait([&] { return gone == 1; }));
}

TEST_CASE("forwarded headers of a stranger are warned of once") {
  ServerFixture fixture;
  fixture.protocol.on_serve = [](const ClientRequest&, HttpExchange& exchange) {
    exchange.respond(200, {}, "");
  };
  for (int i = 0; i < 3; ++i) {
    CHECK(status_of(fixture.request("GET /_tako/channels/x HTTP/1.1",
                                    "X-Forwarded-For: 6.6.6.6\r\n")) == 200);
    CHECK(fixture.protocol.seen.request->ip == "127.0.0.1");
  }
  REQUIRE(fixture.warnings.size() == 1);
  CHECK(fixture.warnings.front().contains("trusted_proxies"));
  CHECK(fixture.counters.forwarded_ignored == 3);
}

TEST_CASE("the app API is forwarded with a key, and nothing without one") {
  config::Config config = one_app();
  config.apps[0].keys = {{"k", "s"}};
  config.limits.api_key_failures_max = 2;
  ServerFixture fixture(config);
  RawClient client(fixture.port);
  client.send(
      "POST /_tako/api/v1/channels/x/messages?a=b HTTP/1.1\r\nHost: a\r\n"
      "Authorization: Bearer k:s\r\nIdempotency-Key: i1\r\nContent-Length: 2\r\n\r\n{}");
  REQUIRE(fixture.wait([&] { return fixture.broker.calls.size() == 1; }));
  const ApiRequest& call = fixture.broker.calls.front();
  CHECK(call.app == "default");
  CHECK(call.method == "POST");
  CHECK(call.target == "/v1/channels/x/messages?a=b");
  CHECK(call.idempotency_key == "i1");
  CHECK(call.body == "{}");
  fixture.broker.replies.front()(ApiAnswer{429, R"({"e":1})", 1'500});
  CHECK(fixture.wait_for(client, R"({"e":1})"));
  CHECK(client.received.starts_with("HTTP/1.1 429 "));
  CHECK(client.received.contains("Retry-After: 2\r\n"));

  const std::string target = "GET /_tako/api/v1/channels HTTP/1.1";
  CHECK(status_of(fixture.request(target)) == 401);
  CHECK(status_of(fixture.request(target, "Authorization: Bearer k:wrong\r\n")) == 401);
  const std::string blocked = fixture.request(target, "Authorization: Bearer k:s\r\n");
  CHECK(status_of(blocked) == 429);
  CHECK(blocked.contains("Retry-After: "));
  CHECK(fixture.limit_counters.api_key_failures_max == 1);
  CHECK(fixture.broker.calls.size() == 1);
}

TEST_CASE("an answer of the broker that comes too late finds nobody, and harms nobody") {
  config::Config config = one_app();
  config.apps[0].keys = {{"k", "s"}};
  ServerFixture fixture(config);
  for (int i = 0; i < 2; ++i) {
    RawClient client(fixture.port);
    client.send(
        "GET /_tako/api/v1/channels HTTP/1.1\r\nHost: a\r\n"
        "Authorization: Bearer k:s\r\n\r\n");
    REQUIRE(fixture.wait([&] { return fixture.broker.calls.size() == std::size_t(i) + 1; }));
    client.reset();
  }
  CHECK(fixture.wait([&] { return fixture.server->http_connections() == 0; }));
  fixture.broker.replies[0](ApiAnswer{200, "{}", 0});
  fixture.server.reset();
  fixture.broker.replies[1](ApiAnswer{200, "{}", 0});
}

}  // namespace tako::edge
