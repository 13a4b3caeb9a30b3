// Live WebSockets over loopback: frames, the close handshake, slow and hostile clients.
#include "edge/server/websocket_connection.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "common/limits.h"
#include "edge/server/testing/server_fixture.h"
#include "edge/server/websocket_frame.h"

namespace tako::edge {
namespace {

using namespace testing;
using Events = std::vector<std::string>;

// A client behind its handshake, with frames alone in `received`.
struct Connected {
  explicit Connected(ServerFixture& fixture, int receive_buffer = 0)
      : client(fixture.port, receive_buffer) {
    client.send(kHandshake);
    REQUIRE(fixture.wait_for(client, "\r\n\r\n"));
    REQUIRE(client.received.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    drop_head(client);
  }
  RawClient client;
};

std::string close_bytes(unsigned code, std::string_view reason = "") {
  return std::string(make_close_frame(static_cast<std::uint16_t>(code), reason).view());
}

std::string close_body(unsigned code) {
  return {static_cast<char>(code >> 8U), static_cast<char>(code)};
}

}  // namespace

TEST_CASE("messages come to the handler, frames of one turn leave in one write") {
  ServerFixture fixture;
  Connected connected(fixture);
  RawClient& client = connected.client;
  client.send(client_frame(0x81, "hello") + client_frame(0x82, "bin"));
  Seen& seen = fixture.protocol.seen;
  CHECK(fixture.wait([&] { return seen.events.size() == 3; }));
  CHECK(seen.events == Events{"open", "text:hello", "binary:bin"});
  CHECK(fixture.counters.messages_received == 2);
  const std::uint64_t writes = fixture.counters.writes;
  for (int i = 0; i < 50; ++i) seen.connection->send(SharedBytes("frame;"));
  REQUIRE(fixture.wait([&] {
    client.poll();
    return client.received.size() == 300;
  }));
  CHECK(fixture.counters.writes == writes + 1);
  CHECK(fixture.counters.websockets_open == 1);
}

TEST_CASE("frames that come in one packet with the handshake are served") {
  ServerFixture fixture;
  RawClient client(fixture.port);
  client.send(kHandshake + client_frame(0x81, "early"));
  CHECK(fixture.wait([&] { return fixture.protocol.seen.events.size() == 2; }));
  CHECK(fixture.protocol.seen.events == Events{"open", "text:early"});
}

TEST_CASE("a ping is answered by a pong with its payload, a pong by nothing") {
  ServerFixture fixture;
  Connected connected(fixture);
  connected.client.send(client_frame(0x8A, "unasked") + client_frame(0x89, "x"));
  CHECK(fixture.wait_for(connected.client, "\x8A\x01x"));
  CHECK(connected.client.received == "\x8A\x01x");
}

TEST_CASE("keepalive is an empty ping, deadlines come once") {
  ServerFixture fixture;
  Connected connected(fixture);
  Seen& seen = fixture.protocol.seen;
  seen.connection->keepalive();
  seen.connection->set_deadline(fixture.loop.monotonic_ms() + 1);
  CHECK(fixture.wait_for(connected.client, std::string_view("\x89\0", 2)));
  CHECK(fixture.wait([&] { return seen.events == Events{"open", "deadline"}; }));
}

TEST_CASE("the client's close is answered with its code, then the connection ends") {
  for (const unsigned code : {1000U, 1001U, 1012U, 4001U}) {
    CAPTURE(code);
    ServerFixture fixture;
    Connected connected(fixture);
    connected.client.send(client_frame(0x88, close_body(code) + "bye"));
    CHECK(fixture.wait([&] {
      connected.client.poll();
      return connected.client.received == close_bytes(code);
    }));
    CHECK(fixture.protocol.seen.events == Events{"open", "closed"});
    CHECK(fixture.wait_for_end(connected.client));
    CHECK_FALSE(connected.client.was_reset);
    connected.client.close();
    CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
    CHECK(fixture.counters.websockets_open == 0);
  }
}

TEST_CASE("a close with 1000 or without a code is a goodbye, told first; any other one is none") {
  for (const std::string& body : {close_body(1000), std::string()}) {
    ServerFixture fixture;
    Connected connected(fixture);
    connected.client.send(client_frame(0x88, body));
    const Seen& seen = fixture.protocol.seen;
    REQUIRE(fixture.wait([&] { return seen.events.size() == 2; }));
    CHECK(seen.goodbyes == std::vector<std::size_t>{1});
    CHECK(seen.events == Events{"open", "closed"});
  }
  for (const unsigned code : {1001U, 1011U, 4000U}) {
    ServerFixture fixture;
    Connected connected(fixture);
    connected.client.send(client_frame(0x88, close_body(code)));
    const Seen& seen = fixture.protocol.seen;
    REQUIRE(fixture.wait([&] { return seen.events.size() == 2; }));
    CHECK(seen.goodbyes.empty());
  }
}

TEST_CASE("an empty close is answered with an empty close") {
  ServerFixture fixture;
  Connected connected(fixture);
  connected.client.send(client_frame(0x88, ""));
  CHECK(fixture.wait_for_end(connected.client));
  CHECK(connected.client.received == close_bytes(0));
}

TEST_CASE("a client that sends its close and its FIN together still gets the answer") {
  ServerFixture fixture;
  Connected connected(fixture);
  connected.client.send(client_frame(0x88, close_body(1000)));
  connected.client.shutdown_write();
  CHECK(fixture.wait_for_end(connected.client));
  CHECK(connected.client.received == close_bytes(1000));
  CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
}

TEST_CASE("our close leaves behind what was queued and waits for the client's") {
  ServerFixture fixture;
  Connected connected(fixture);
  Seen& seen = fixture.protocol.seen;
  seen.connection->send(SharedBytes("last"));
  seen.connection->close(ErrorCode::ChannelUnknown);
  seen.connection->send(SharedBytes("never"));
  CHECK(fixture.wait_for(connected.client, "channel-unknown"));
  CHECK(connected.client.received == "last" + close_bytes(4404, "channel-unknown"));
  CHECK(seen.events == Events{"open", "closed"});
  CHECK(fixture.server->live_clients() == 1);
  connected.client.send(client_frame(0x81, "ignored") + client_frame(0x88, close_body(4404)));
  CHECK(fixture.wait_for_end(connected.client));
  CHECK(seen.events == Events{"open", "closed"});
  connected.client.close();
  CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
}

TEST_CASE("a close says the one word of its code, or the phrase of the older codes") {
  const struct {
    ErrorCode code;
    unsigned number;
    const char* reason;
  } cases[] = {{ErrorCode::ConnectionExpired, 1000, "connection expired"},
               {ErrorCode::UnsupportedFrame, 1003, "unsupported frame"},
               {ErrorCode::Restarting, 1012, "restarting"},
               {ErrorCode::TooSlow, 4408, "too-slow"},
               {ErrorCode::TypeNotAllowed, 4415, "message-malformed"},
               {ErrorCode::MessageRejected, 4415, "message-rejected"},
               {ErrorCode::VerifyRejected, 4403, "verify-rejected"},
               {ErrorCode::Revoked, 4403, "revoked"},
               {ErrorCode::LimitReached, 4503, "unavailable"},
               {ErrorCode::NotFound, 1011, "not-found"}};
  for (const auto& test : cases) {
    CAPTURE(test.reason);
    ServerFixture fixture;
    Connected connected(fixture);
    fixture.protocol.seen.connection->close(test.code);
    CHECK(fixture.wait_for(connected.client, test.reason));
    CHECK(connected.client.received == close_bytes(test.number, test.reason));
  }
}

TEST_CASE("a closing client that does not read is cut off when its app takes a permission back") {
  ServerFixture fixture;
  Connected slow(fixture, 4'096);
  const SharedBytes frame(std::string(8 << 20, 'f'));
  fixture.protocol.seen.connection->send(frame);
  fixture.turns.settle();
  fixture.protocol.seen.connection->close(ErrorCode::Restarting);
  fixture.server->cut_off_closing("another");
  fixture.turns.settle();
  CHECK(fixture.server->live_clients() == 1);
  fixture.server->cut_off_closing("default");
  CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
  CHECK(fixture.wait([&] {
    slow.client.poll();
    return slow.client.has_ended || slow.client.was_reset;
  }));
  CHECK(slow.client.received.size() < frame.size());
}

TEST_CASE("a client that does not answer our close is let go") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) { l.close_handshake_ms = 100; }));
  Connected connected(fixture);
  fixture.protocol.seen.connection->close(ErrorCode::Restarting);
  CHECK(fixture.wait_for_end(connected.client));
  CHECK_FALSE(connected.client.was_reset);
  CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
  CHECK(fixture.limit_counters.close_handshake_ms == 1);
}

TEST_CASE("a broken rule is told by its code, and the connection ends at once") {
  const struct {
    const char* name;
    std::string bytes;
    unsigned code;
  } cases[] = {{"RSV", client_frame(0xC1, "x"), 1002},
               {"unmasked", std::string("\x81\x01x"), 1002},
               {"bad text", client_frame(0x81, "\xFF"), 1007},
               {"too big", std::string("\x81\xFE\x04\x01\1\2\3\4", 8), 1009}};
  for (const auto& test : cases) {
    CAPTURE(test.name);
    ServerFixture fixture(
        with_limits([](RuntimeLimits& l) { l.client_message_bytes_max = 1'024; }));
    Connected connected(fixture);
    connected.client.send(test.bytes);
    CHECK(fixture.wait_for_end(connected.client));
    CHECK(connected.client.received.substr(2, 2) == close_body(test.code));
    CHECK(fixture.protocol.seen.events == Events{"open", "closed"});
    CHECK(fixture.counters.protocol_violations == 1);
    CHECK(fixture.limit_counters.client_message_bytes_max == (test.code == 1009 ? 1 : 0));
  }
}

TEST_CASE("a client that vanishes is noticed, with FIN or with RST") {
  for (const bool is_reset : {false, true}) {
    CAPTURE(is_reset);
    ServerFixture fixture;
    Connected connected(fixture);
    if (is_reset) {
      connected.client.reset();
    } else {
      connected.client.close();
    }
    CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
    CHECK(fixture.protocol.seen.events == Events{"open", "closed"});
    CHECK(fixture.counters.clients_lost == 1);
  }
}

TEST_CASE("abort ends at once, also from within a callback") {
  ServerFixture fixture;
  Connected connected(fixture);
  Seen& seen = fixture.protocol.seen;
  seen.on_text = [&](std::string_view) { seen.connection->abort(); };
  connected.client.send(client_frame(0x81, "1") + client_frame(0x81, "2"));
  CHECK(fixture.wait_for_end(connected.client));
  CHECK(connected.client.was_reset);
  CHECK(seen.events == Events{"open", "text:1", "closed"});
}

TEST_CASE("a client that does not read fills its outbox and no more; room is told when it reads") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) { l.outbox_bytes_max = 64 * 1024; }));
  Connected connected(fixture, 4'096);
  Seen& seen = fixture.protocol.seen;
  const SharedBytes frame(std::string(16 * 1024, 'f'));
  std::size_t sent = 0;
  // The kernel takes some; then the outbox fills and stays full.
  REQUIRE(fixture.wait([&] {
    if (!seen.connection->has_room()) return true;
    seen.connection->send(frame);
    sent += frame.size();
    return false;
  }));
  fixture.turns.settle();
  CHECK_FALSE(seen.connection->has_room());
  CHECK(seen.rooms == 0);
  CHECK(fixture.limit_counters.outbox_bytes_max == 1);
  CHECK(fixture.wait([&] {
    connected.client.poll();
    return connected.client.received.size() == sent;
  }));
  CHECK(seen.rooms == 1);
  CHECK(seen.connection->has_room());
  CHECK(connected.client.received == std::string(sent, 'f'));
}

TEST_CASE("a client that takes no byte for the progress time is dropped") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) { l.stream_progress_ms = 100; }));
  Connected connected(fixture, 4'096);
  const SharedBytes frame(std::string(1 << 20, 'f'));
  for (int i = 0; i < 8; ++i) fixture.protocol.seen.connection->send(frame);
  CHECK(fixture.wait([&] { return fixture.server->live_clients() == 0; }));
  CHECK(fixture.limit_counters.stream_progress_ms == 1);
  CHECK(fixture.protocol.seen.events == Events{"open", "closed"});
}

TEST_CASE("an idle connection is not watched for progress") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) { l.stream_progress_ms = 1; }));
  Connected connected(fixture);
  Seen& seen = fixture.protocol.seen;
  seen.connection->set_deadline(fixture.loop.monotonic_ms() + 300);
  CHECK(fixture.wait([&] { return seen.events.size() == 2; }));
  CHECK(seen.events == Events{"open", "deadline"});
  CHECK(fixture.server->live_clients() == 1);
}

TEST_CASE("control frames have their own bound: above it the client is too slow") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) {
    l.control_outbox_bytes_max = 1'000;
    l.close_handshake_ms = 100;
  }));
  Connected connected(fixture, 4'096);
  Seen& seen = fixture.protocol.seen;
  seen.connection->send(SharedBytes(std::string(4 << 20, 'f')));  // What it does not read.
  const SharedBytes ack(std::string(100, 'a'));
  for (int i = 0; i < 10; ++i) seen.connection->send_control(ack);
  CHECK(fixture.limit_counters.control_outbox_bytes_max == 0);
  seen.connection->send_control(ack);
  CHECK(fixture.limit_counters.control_outbox_bytes_max == 1);
  CHECK(fixture.wait([&] { return seen.connection == nullptr; }));
}

TEST_CASE("pongs that are not read are bounded") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) {
    l.pongs_pending_max = 5;
    l.close_handshake_ms = 100;
  }));
  Connected connected(fixture, 4'096);
  fixture.protocol.seen.connection->send(SharedBytes(std::string(4 << 20, 'f')));
  fixture.turns.settle();
  for (int i = 0; i < 5; ++i) connected.client.send(client_frame(0x89, "p"));
  CHECK(fixture.wait([&] { return fixture.protocol.seen.connection != nullptr; }));
  CHECK(fixture.limit_counters.pongs_pending_max == 0);
  connected.client.send(client_frame(0x89, "p"));
  CHECK(fixture.wait([&] { return fixture.protocol.seen.connection == nullptr; }));
  CHECK(fixture.limit_counters.pongs_pending_max == 1);
}

TEST_CASE("pings that come at once, more than the bound, are all answered to one who reads") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) { l.pongs_pending_max = 5; }));
  Connected connected(fixture);
  std::string pings;
  std::string pongs;
  for (int number = 0; number < 500; ++number) {
    pings += client_frame(0x89, std::to_string(number));
    pongs += make_pong_frame(std::to_string(number)).view();
  }
  connected.client.send(pings);
  CHECK(fixture.wait_for(connected.client, pongs));
  CHECK(fixture.limit_counters.pongs_pending_max == 0);
}

TEST_CASE("who floods on after our goodbye is read up to a bound, and still finds the goodbye") {
  ServerFixture fixture;
  Connected connected(fixture);
  RawClient& client = connected.client;
  fixture.protocol.seen.connection->close(ErrorCode::TooSlow);
  std::string flood;
  for (int number = 0; number < 10'000; ++number) flood += client_frame(0x8A, "flood");
  std::size_t taken = 0;
  CHECK(fixture.wait([&] {
    taken += client.offer(std::string_view(flood).substr(taken % flood.size()));
    client.poll();
    return client.has_ended;
  }));
  CHECK(taken > limits::kLateInputBytesMax);
  CHECK(fixture.limit_counters.late_input_bytes_max == 1);
  CHECK(client.received == close_bytes(4408, "too-slow"));
  CHECK(fixture.limit_counters.close_handshake_ms == 0);  // Its end did not wait for the deadline.
}

TEST_CASE("more clients than the limit are refused before the upgrade") {
  ServerFixture fixture(with_limits([](RuntimeLimits& l) { l.connections_max = 1; }));
  Connected connected(fixture);
  RawClient second(fixture.port);
  second.send(kHandshake);
  CHECK(fixture.wait_for_end(second));
  CHECK(second.received.starts_with("HTTP/1.1 503 "));
  CHECK(second.received.contains("limit-reached"));
  CHECK(fixture.limit_counters.connections_max == 1);
  CHECK(fixture.protocol.seen.events == Events{"open"});
}

TEST_CASE("a drain tells every client, finishes, and calls back once") {
  ServerFixture fixture;
  Connected one(fixture);
  Connected two(fixture);
  int drained = 0;
  fixture.server->drain([&] { ++drained; });
  for (RawClient* client : {&one.client, &two.client}) {
    CHECK(fixture.wait_for(*client, close_bytes(1012, "restarting")));
    client->send(client_frame(0x88, close_body(1012)));
    client->shutdown_write();
  }
  CHECK(fixture.wait([&] { return drained == 1; }));
  CHECK(fixture.server->live_clients() == 0);
  // Spread over the drain's time, so the order of the two is open.
  std::ranges::sort(fixture.protocol.seen.events);
  CHECK(fixture.protocol.seen.events ==
        Events{"closed", "closed", "drain", "drain", "open", "open"});
}

TEST_CASE("a server that goes tells its handlers") {
  ServerFixture fixture;
  Connected connected(fixture);
  fixture.server.reset();
  CHECK(fixture.protocol.seen.events == Events{"open", "closed"});
  CHECK(fixture.wait_for_end(connected.client));
}

}  // namespace tako::edge
