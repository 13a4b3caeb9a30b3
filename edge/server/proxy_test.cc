// The reverse proxy and its tunnels over loopback, against an app that the test plays.
#include "edge/server/proxy.h"

#include <doctest/doctest.h>

#include "edge/server/testing/server_fixture.h"

namespace tako::edge {
namespace {

using namespace testing;

struct ProxyFixture : ServerFixture {
  explicit ProxyFixture(config::Config settings = one_app())
      : ServerFixture(std::move(settings), true) {}

  // The app's n-th connection, once it has got `text`.
  AppConnection& app_got(std::string_view text, std::size_t n = 0) {
    REQUIRE(wait([&] {
      return app->connections.size() > n &&
             app->connections[n]->received.find(text) != std::string::npos;
    }));
    return *app->connections[n];
  }
};

constexpr std::string_view kGet = "GET /page HTTP/1.1\r\nHost: app.example\r\n\r\n";
constexpr std::string_view kUpgrade =
    "GET /socket HTTP/1.1\r\nHost: app.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

}  // namespace

TEST_CASE("a request goes to the app and its answer back, connections are kept on both sides") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  for (int i = 1; i <= 3; ++i) {
    client.received.clear();
    client.send(kGet);
    AppConnection& app = fixture.app_got("\r\n\r\n");
    CHECK(app.received.starts_with("GET /page HTTP/1.1\r\nHost: app.example\r\n"));
    CHECK(app.received.contains("X-Forwarded-For: 127.0.0.1\r\n"));
    app.received.clear();
    app.send("HTTP/1.1 200 Fine\r\nContent-Length: 4\r\nX-App: " + std::to_string(i) +
             "\r\n\r\nbody");
    CHECK(fixture.wait_for(client, "\r\n\r\nbody"));
    CHECK(client.received.contains("X-App: " + std::to_string(i) + "\r\n"));
  }
  CHECK(fixture.app->connections.size() == 1);
  CHECK(fixture.counters.proxied_requests == 3);
  CHECK(fixture.counters.proxy_cancelled == 0);
}

TEST_CASE("a body is passed on piece by piece, with a length and in chunks") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  client.send("PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  AppConnection& app = fixture.app_got("12345");
  CHECK(app.received.contains("Content-Length: 10\r\n"));
  client.send("67890");
  fixture.app_got("1234567890");
  app.received.clear();
  app.send("HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(fixture.wait_for(client, "204 No Content\r\n"));
  client.received.clear();
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  fixture.app_got("abc\r\n");
  CHECK(app.received.contains("Transfer-Encoding: chunked\r\n"));
  client.send("0\r\n\r\n");
  fixture.app_got("0\r\n\r\n");
  app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n");
  CHECK(fixture.wait_for(client, "2\r\nxy\r\n"));
  app.send("0\r\n\r\n");
  CHECK(fixture.wait_for(client, "0\r\n\r\n"));
}

TEST_CASE("Expect: 100-continue is answered by the edge once the app is there") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(fixture.wait_for(client, "HTTP/1.1 100 Continue\r\n\r\n"));
  client.send("ok");
  AppConnection& app = fixture.app_got("\r\n\r\nok");
  CHECK_FALSE(app.received.contains("Expect"));
  app.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(fixture.wait_for(client, "HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("answers without a body: HEAD keeps its length, 304 has none") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  client.send("HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n");
  fixture.app_got("HEAD /page").send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
  CHECK(fixture.wait_for(client, "Content-Length: 1234\r\n"));
  client.send(kGet);
  fixture.app_got("GET /page").send("HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n");
  CHECK(fixture.wait_for(client, "ETag: \"e\"\r\n\r\n"));
}

TEST_CASE("an app that is not there is 502, one that hangs up is 502, one that is slow is 504") {
  ProxyFixture fixture(with_limits([](RuntimeLimits& l) { l.upstream_head_ms = 100; }));
  RawClient slow(fixture.port);
  slow.send(kGet);
  CHECK(fixture.wait_for(slow, "upstream-timeout"));
  CHECK(slow.received.starts_with("HTTP/1.1 504 "));

  RawClient dropped(fixture.port);
  dropped.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  fixture.app_got("POST /x", 1).close();
  CHECK(fixture.wait_for(dropped, "upstream-unavailable"));
  CHECK(dropped.received.starts_with("HTTP/1.1 502 "));

  fixture.app.reset();
  RawClient nobody(fixture.port);
  nobody.send(kGet);
  CHECK(fixture.wait_for(nobody, "upstream-unavailable"));
  CHECK(nobody.received.starts_with("HTTP/1.1 502 "));
  CHECK(fixture.counters.proxy_failures == 3);
}

TEST_CASE("an answer that breaks off is reset, so that nobody takes the half for the whole") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  client.send(kGet);
  AppConnection& app = fixture.app_got("GET /page");
  app.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  CHECK(fixture.wait_for(client, "half"));
  app.close();
  CHECK(fixture.wait_for_end(client));
  CHECK(client.was_reset);
  CHECK(fixture.counters.proxy_cut_short == 1);
}

TEST_CASE("a client that is gone frees the app, one that only half-closed gets its answer") {
  ProxyFixture fixture;
  RawClient gone(fixture.port);
  gone.send(kGet);
  AppConnection& left = fixture.app_got("GET /page");
  gone.reset();
  CHECK(fixture.wait([&] { return left.has_ended; }));
  CHECK(fixture.counters.proxy_cancelled == 1);

  RawClient half(fixture.port);
  half.send(kGet);
  half.shutdown_write();
  AppConnection& kept = fixture.app_got("GET /page", 1);
  kept.received.clear();
  kept.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(fixture.wait_for(half, "\r\n\r\nok"));

  RawClient silent(fixture.port);
  silent.send(kGet);
  fixture.app_got("GET /page", 1);
  silent.close();
  CHECK(fixture.wait([&] { return kept.has_ended; }));
}

TEST_CASE("a client that does not read holds the app up") {
  ProxyFixture fixture;
  RawClient client(fixture.port, 4'096);
  client.send(kGet);
  AppConnection& app = fixture.app_got("GET /page");
  const std::string piece(64 * 1024, 'p');
  constexpr std::size_t kBody = 64 << 20;
  app.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
  std::size_t sent = 0;
  // Stuck: the app's kernel takes nothing more, turn after turn.
  int stuck_turns = 0;
  REQUIRE(fixture.wait([&] {
    const std::size_t taken = app.offer(piece);
    sent += taken;
    stuck_turns = taken == 0 ? stuck_turns + 1 : 0;
    return stuck_turns > 50 || sent > kBody / 2;
  }));
  CHECK(sent < 32 << 20);
  std::size_t received = 0;
  REQUIRE(fixture.wait([&] {
    client.poll();
    received += std::exchange(client.received, {}).size();
    sent += app.offer(std::string_view(piece).substr(0, kBody - sent));
    return received > kBody;
  }));
}

TEST_CASE("an app that does not read holds the client up") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n");
  AppConnection& app = fixture.app_got("POST /up");
  app.stop_reading();
  const std::string piece(64 * 1024, 'p');
  std::size_t sent = 0;
  int stuck_turns = 0;
  REQUIRE(fixture.wait([&] {
    const std::size_t taken = client.offer(piece);
    sent += taken;
    stuck_turns = taken == 0 ? stuck_turns + 1 : 0;
    return stuck_turns > 50 || sent > (32 << 20);
  }));
  CHECK(sent < 32 << 20);
  app.received.clear();
  app.start_reading();
  CHECK(fixture.wait([&] { return app.received.size() >= sent; }));
}

TEST_CASE("an upgrade becomes a tunnel, bytes behind the heads included") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  client.send(std::string(kUpgrade) + "early");
  AppConnection& app = fixture.app_got("Upgrade: websocket\r\n");
  CHECK(app.received.contains("Connection: Upgrade\r\n"));
  CHECK(app.received.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  app.received.clear();
  app.send(std::string(kSwitching) + "first");
  CHECK(fixture.wait_for(client, "first"));
  CHECK(client.received.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(client.received.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  CHECK(client.received.contains("Upgrade: websocket\r\n"));
  CHECK(client.received.contains("Connection: Upgrade\r\n"));
  fixture.app_got("early");
  client.send("up");
  fixture.app_got("earlyup");
  app.send("down");
  CHECK(fixture.wait_for(client, "firstdown"));
  CHECK(fixture.counters.tunnels_open == 1);

  app.shutdown_write();
  CHECK(fixture.wait_for_end(client));
  client.send("after");
  fixture.app_got("after");
  client.shutdown_write();
  CHECK(fixture.wait([&] { return app.has_ended && fixture.counters.tunnels_open == 0; }));
}

TEST_CASE("either end's reset ends the tunnel") {
  for (const bool client_first : {true, false}) {
    CAPTURE(client_first);
    ProxyFixture fixture;
    RawClient client(fixture.port);
    client.send(kUpgrade);
    AppConnection& app = fixture.app_got("\r\n\r\n");
    app.send(kSwitching);
    REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
    if (client_first) {
      client.reset();
      CHECK(fixture.wait([&] { return app.has_ended; }));
    } else {
      client.send("unread");  // So that the app's close is a reset.
      app.stop_reading();
      app.close();
      CHECK(fixture.wait_for_end(client));
      client.close();
    }
    CHECK(fixture.wait([&] { return fixture.counters.tunnels_open == 0; }));
  }
}

TEST_CASE("a tunnel holds up the side whose bytes are not taken, and loses none") {
  ProxyFixture fixture;
  RawClient client(fixture.port, 4'096);
  client.send(kUpgrade);
  AppConnection& app = fixture.app_got("\r\n\r\n");
  app.send(kSwitching);
  REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
  drop_head(client);
  std::size_t sent = 0;
  int stuck_turns = 0;
  const std::string piece(64 * 1024, 'p');
  REQUIRE(fixture.wait([&] {
    const std::size_t taken = app.offer(piece);
    sent += taken;
    stuck_turns = taken == 0 ? stuck_turns + 1 : 0;
    return stuck_turns > 50 || sent > (32 << 20);
  }));
  CHECK(sent < 32 << 20);
  CHECK(fixture.wait([&] {
    client.poll();
    return client.received.size() == sent;
  }));
}

TEST_CASE("a refused upgrade is an answer like others, and no tunnel") {
  ProxyFixture fixture;
  RawClient client(fixture.port);
  client.send(kUpgrade);
  fixture.app_got("\r\n\r\n").send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  CHECK(fixture.wait_for_end(client));
  CHECK(client.received.starts_with("HTTP/1.1 403 Forbidden\r\n"));
  CHECK(fixture.counters.tunnels_opened == 0);
}

TEST_CASE("a drain lets a request finish, then cuts tunnels") {
  ProxyFixture fixture;
  RawClient tunnel(fixture.port);
  tunnel.send(kUpgrade);
  fixture.app_got("\r\n\r\n").send(kSwitching);
  REQUIRE(fixture.wait_for(tunnel, "\r\n\r\n"));
  RawClient client(fixture.port);
  client.send(kGet);
  AppConnection& app = fixture.app_got("GET /page", 1);
  bool is_drained = false;
  fixture.server->drain([&] { is_drained = true; });
  app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(fixture.wait_for_end(client));
  CHECK(client.received.ends_with("\r\n\r\nok"));
  CHECK(client.received.contains("Connection: close\r\n"));
  client.close();
  CHECK(fixture.wait([&] { return is_drained; }));
  CHECK(fixture.wait_for_end(tunnel));
}

}  // namespace tako::edge
