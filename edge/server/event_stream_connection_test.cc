// Live event streams over loopback: head, blocks, ends.
#include "edge/server/event_stream_connection.h"

#include <doctest/doctest.h>

#include "edge/server/testing/server_fixture.h"

namespace tako::edge {
namespace {

using namespace testing;
using Events = std::vector<std::string>;

std::string get(std::string_view version = "1.1", std::string_view headers = "") {
  return "GET /_tako/channels/x HTTP/" + std::string(version) + "\r\nHost: app.example\r\n" +
         std::string(headers) + "\r\n";
}

}  // namespace

TEST_CASE("the head is sent at once, with what proxies and pages need") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(get("1.1", "Origin: https://app.example\r\n"));
  REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
  CHECK(client.received ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "X-Accel-Buffering: no\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n"
        "Vary: Origin\r\nAccess-Control-Allow-Origin: https://app.example\r\n"
        "Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: Retry-After\r\n"
        "\r\n");
  CHECK(fixture.counters.event_streams_open == 1);
}

TEST_CASE("frames, keepalives and the last chunk follow each other") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(get());
  REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
  drop_head(client);
  ClientConnection& connection = *fixture.protocol.seen.connection;
  connection.send(SharedBytes("3\r\nabc\r\n"));
  connection.keepalive();
  connection.close(ErrorCode::ConnectionExpired);
  CHECK(fixture.wait_for_end(client));
  CHECK_FALSE(client.was_reset);
  CHECK(client.received == "3\r\nabc\r\nd\r\n: keepalive\n\n\r\n0\r\n\r\n");
  CHECK(fixture.protocol.seen.events == Events{"open", "closed"});
}

TEST_CASE("for HTTP/1.0 the body is bare and ends with the connection") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(get("1.0"));
  REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
  CHECK(client.received.contains("Connection: close\r\n"));
  CHECK_FALSE(client.received.contains("chunked"));
  drop_head(client);
  fixture.protocol.seen.connection->keepalive();
  fixture.protocol.seen.connection->close(ErrorCode::Restarting);
  CHECK(fixture.wait_for_end(client));
  CHECK(client.received == ": keepalive\n\n");
}

TEST_CASE("a client that leaves is noticed while nothing is sent") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(get());
  REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
  client.close();
  CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
  CHECK(fixture.protocol.seen.events == Events{"open", "closed"});
  CHECK(fixture.counters.event_streams_open == 0);
}

TEST_CASE("what a client sends behind its request is dropped") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(get() + get());
  REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
  client.send(get());
  fixture.protocol.seen.connection->send(SharedBytes("1\r\n.\r\n"));
  CHECK(fixture.wait_for(client, "1\r\n.\r\n"));
  CHECK(fixture.protocol.seen.events == Events{"open"});
}

TEST_CASE("a drain ends a stream well") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(get());
  REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
  bool is_drained = false;
  fixture.server->drain([&] { is_drained = true; });
  CHECK(fixture.wait_for_end(client));
  CHECK(client.received.ends_with("0\r\n\r\n"));
  client.close();
  CHECK(fixture.wait([&] { return is_drained; }));
}

}  // namespace tako::edge
