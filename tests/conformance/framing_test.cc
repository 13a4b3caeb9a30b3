// RFC 6455 section 5: lengths, masking, reserved bits and opcodes, control frames, fragments.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "tests/conformance/peer.h"

using namespace tako::test;

namespace {

constexpr std::array<std::uint8_t, 10> kReservedOpcodes = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};

std::string at_size(std::size_t size) { return "size " + std::to_string(size); }

// A frame with a length field of `length_bytes` (0, 2 or 8) that says `length`, masked by zeros.
std::string frame_with_length(std::uint8_t first_byte, int length_bytes, std::uint64_t length,
                              std::string_view payload) {
  std::string bytes(1, static_cast<char>(first_byte));
  const unsigned marker = length_bytes == 0   ? static_cast<unsigned>(length)
                          : length_bytes == 2 ? 126U
                                              : 127U;
  bytes += static_cast<char>(0x80U | marker);
  for (int i = length_bytes - 1; i >= 0; --i) {
    bytes += static_cast<char>(length >> (8U * static_cast<unsigned>(i)) & 0xffU);
  }
  bytes += std::string(4, '\0');
  bytes += payload;
  return bytes;
}

}  // namespace

TEST_CASE("5.2: messages of every length form come back, however the bytes arrive") {
  const EchoPeer peer;
  for (const std::size_t size : {24UL, 64UL, 124UL, 125UL, 126UL, 127UL, 128UL, 129UL, 1'000UL,
                                 65'534UL, 65'535UL, 65'536UL, 65'537UL, 131'072UL, 262'144UL}) {
    for (const std::size_t step : {0UL, 1UL, 7UL, 997UL}) {
      if (step == 1 && size > 1'000) continue;  // A system call per byte: the small ones show it.
      if (step == 7 && size > 66'000) continue;
      WsClient client = peer.connect();
      const std::string text = envelope_of_size(size);
      send_chopped(client, encode_frame({.payload = text}), step);
      expect_echo(at_size(size) + " in steps of " + std::to_string(step), client,
                  std::string(size - envelope("").size(), '*'));
    }
  }
}

TEST_CASE("5.2: a length must be minimal and its highest bit 0") {
  const EchoPeer peer;
  const std::string small = envelope("x");
  struct Bad {
    std::string name;
    int length_bytes;
    std::uint64_t length;
  };
  for (const Bad& bad :
       {Bad{"16 bits for 24", 2, small.size()}, Bad{"16 bits for 0", 2, 0},
        Bad{"16 bits for 125", 2, 125}, Bad{"64 bits for 24", 8, small.size()},
        Bad{"64 bits for 0", 8, 0}, Bad{"64 bits for 125", 8, 125}, Bad{"64 bits for 126", 8, 126},
        Bad{"64 bits for 65535", 8, 65'535}, Bad{"highest bit", 8, 1ULL << 63U},
        Bad{"all bits", 8, 0xffffffffffffffffULL}}) {
    WsClient client = peer.connect();
    client.send_raw(frame_with_length(0x81, bad.length_bytes, bad.length, small));
    expect_close(bad.name, client, 1002);
  }
}

TEST_CASE("5.3: client frames must be masked, with any key") {
  const EchoPeer peer;
  for (const auto& [name, frame] :
       {std::pair{"text", WsFrame{.masked = false, .payload = envelope("x")}},
        std::pair{"empty text", WsFrame{.masked = false}},
        std::pair{"ping", WsFrame{.opcode = kWsPing, .masked = false, .payload = "x"}},
        std::pair{"pong", WsFrame{.opcode = kWsPong, .masked = false, .payload = "x"}},
        std::pair{"close", WsFrame{.opcode = kWsClose, .masked = false}},
        std::pair{"first fragment", WsFrame{.fin = false, .masked = false, .payload = "x"}}}) {
    WsClient client = peer.connect();
    client.send(frame);
    expect_close(std::string("unmasked ") + name, client, 1002);
  }
  WsClient client = peer.connect();
  client.send_raw(frame_with_length(0x81, 0, envelope("x").size(), envelope("x")));
  expect_echo("the key of zeros", client, "x");
}

TEST_CASE("5.2: reserved bits without an extension fail the connection") {
  const EchoPeer peer;
  for (std::uint8_t rsv = 1; rsv <= 7; ++rsv) {
    for (const std::uint8_t opcode : {kWsText, kWsBinary, kWsClose, kWsPing, kWsPong}) {
      WsClient client = peer.connect();
      client.send(
          {.rsv = rsv, .opcode = opcode, .payload = opcode == kWsText ? envelope("x") : ""});
      expect_close("rsv " + std::to_string(rsv) + " opcode " + std::to_string(opcode), client,
                   1002);
    }
    WsClient late = peer.connect();
    late.send_text(envelope("before"));
    expect_echo("good before rsv " + std::to_string(rsv), late, "before");
    late.send({.rsv = rsv, .payload = envelope("x")});
    expect_close("rsv " + std::to_string(rsv) + " after a good message", late, 1002);
    WsClient inside = peer.connect();
    inside.send({.fin = false, .payload = envelope("x").substr(0, 5)});
    inside.send({.rsv = rsv, .opcode = kWsContinuation, .payload = envelope("x").substr(5)});
    expect_close("rsv " + std::to_string(rsv) + " on a continuation", inside, 1002);
  }
}

TEST_CASE("5.2: reserved opcodes fail the connection") {
  const EchoPeer peer;
  for (const std::uint8_t opcode : kReservedOpcodes) {
    const std::string name = "opcode " + std::to_string(opcode);
    WsClient empty = peer.connect();
    empty.send({.opcode = opcode});
    expect_close(name + " empty", empty, 1002);
    WsClient full = peer.connect();
    full.send({.opcode = opcode, .payload = "payload"});
    expect_close(name + " with payload", full, 1002);
    WsClient chopped = peer.connect();
    send_chopped(chopped, encode_frame({.opcode = opcode, .payload = "payload"}), 1);
    expect_close(name + " byte by byte", chopped, 1002);
    WsClient late = peer.connect();
    late.send_text(envelope("a"));
    expect_echo("good before " + name, late, "a");  // Through the broker: it takes its time.
    late.send({.opcode = opcode});
    expect_close(name + " after a good message", late, 1002);
  }
}

TEST_CASE("5.5.2, 5.5.3: pings are answered with their payload, pongs are taken in silence") {
  const EchoPeer peer;
  for (const std::size_t size : {0UL, 1UL, 2UL, 10UL, 64UL, 124UL, 125UL}) {
    for (const std::size_t step : {0UL, 1UL}) {
      WsClient client = peer.connect();
      const std::string payload(size, '\xfe');  // Need not be UTF-8.
      send_chopped(client, encode_frame({.opcode = kWsPing, .payload = payload}), step);
      expect_pong("ping of " + at_size(size), client, payload);
    }
  }
  for (const std::size_t size : {126UL, 127UL, 1'000UL, 65'536UL}) {
    for (const std::uint8_t opcode : {kWsPing, kWsPong}) {
      WsClient client = peer.connect();
      client.send({.opcode = opcode, .payload = std::string(size, 'p')});
      expect_close("control frame of " + at_size(size), client, 1002);
    }
  }
  WsClient many = peer.connect();
  for (int i = 0; i < 10; ++i) many.send({.opcode = kWsPing, .payload = std::to_string(i)});
  for (int i = 0; i < 10; ++i) expect_pong("ten pings in order", many, std::to_string(i));
  WsClient pong = peer.connect();
  pong.send({.opcode = kWsPong, .payload = "unasked"});
  expect_alive("an unasked pong", pong);
  pong.send({.opcode = kWsPong});
  expect_alive("an empty pong", pong);
}

TEST_CASE("5.4: fragments are joined, control frames may come between") {
  const EchoPeer peer;
  const std::string text = envelope("fragmented");
  for (std::size_t cut = 0; cut <= text.size(); cut += 3) {
    WsClient client = peer.connect();
    client.send({.fin = false, .payload = text.substr(0, cut)});
    client.send({.opcode = kWsContinuation, .payload = text.substr(cut)});
    expect_echo("two fragments cut at " + std::to_string(cut), client, "fragmented");
  }
  for (const std::size_t step : {0UL, 1UL}) {
    WsClient client = peer.connect();
    std::string bytes = encode_frame({.fin = false});
    for (const char byte : text) {
      bytes += encode_frame({.fin = false, .opcode = kWsContinuation, .payload = {byte}});
    }
    bytes += encode_frame({.opcode = kWsContinuation});
    send_chopped(client, bytes, step);
    expect_echo("a fragment for each byte, empty ones at the ends", client, "fragmented");
  }
  WsClient client = peer.connect();
  client.send({.fin = false, .payload = text.substr(0, 9)});
  client.send({.opcode = kWsPing, .payload = "between"});
  expect_pong("a ping between fragments", client, "between");
  client.send({.opcode = kWsPong, .payload = "unasked"});
  client.send({.opcode = kWsContinuation, .payload = text.substr(9)});
  expect_echo("a pong between fragments", client, "fragmented");
  expect_alive("a whole message behind a fragmented one", client);
}

TEST_CASE("5.4: a broken order of fragments fails the connection") {
  const EchoPeer peer;
  const std::string text = envelope("x");
  struct Bad {
    std::string name;
    std::vector<WsFrame> frames;
  };
  const WsFrame begun{.fin = false, .payload = text.substr(0, 4)};
  const WsFrame ended{.opcode = kWsContinuation, .payload = text.substr(4)};
  const WsFrame going_on{.fin = false, .opcode = kWsContinuation, .payload = "y"};
  for (const Bad& bad : {
           Bad{"final continuation without a start", {ended}},
           Bad{"continuation without a start", {going_on}},
           Bad{"empty final continuation without a start", {{.opcode = kWsContinuation}}},
           Bad{"text inside a message", {begun, {.payload = text}}},
           Bad{"binary inside a message", {begun, {.opcode = kWsBinary, .payload = "b"}}},
           Bad{"unfinished text inside a message", {begun, begun}},
           Bad{"text behind continuations", {begun, going_on, {.payload = text}}},
           Bad{"fragmented ping", {{.fin = false, .opcode = kWsPing, .payload = "p"}}},
           Bad{"fragmented pong", {{.fin = false, .opcode = kWsPong, .payload = "p"}}},
           Bad{"fragmented close", {{.fin = false, .opcode = kWsClose}}},
           Bad{"fragmented ping inside a message", {begun, {.fin = false, .opcode = kWsPing}}},
       }) {
    for (const std::size_t step : {0UL, 1UL}) {
      WsClient client = peer.connect();
      std::string bytes;
      for (const WsFrame& frame : bad.frames) bytes += encode_frame(frame);
      send_chopped(client, bytes, step);
      expect_close(bad.name, client, 1002);
    }
  }
  WsClient late = peer.connect();
  late.send(begun);
  late.send(ended);
  expect_echo("a good fragmented message", late, "x");
  late.send(ended);
  expect_close("a continuation behind the end", late, 1002);
}

TEST_CASE("10.4: what is too big is refused by its announced length, and as a sum of fragments") {
  const EchoPeer peer;
  constexpr std::uint64_t kLimit = 262'144;
  for (const std::uint64_t length : {kLimit + 1, std::uint64_t{1} << 20U, std::uint64_t{1} << 31U,
                                     std::uint64_t{1} << 40U, (std::uint64_t{1} << 63U) - 1}) {
    WsClient client = peer.connect();
    client.send_raw(frame_with_length(0x81, 8, length, "only the beginning"));
    expect_close("announced " + std::to_string(length), client, 1009);
  }
  WsClient sum = peer.connect();
  const std::string part(100'000, '*');
  sum.send({.fin = false, .payload = part});
  sum.send({.fin = false, .opcode = kWsContinuation, .payload = part});
  sum.send({.fin = false, .opcode = kWsContinuation, .payload = part});
  expect_close("the sum of fragments", sum, 1009);
  WsClient binary = peer.connect();
  binary.send({.opcode = kWsBinary, .payload = "not ours"});
  expect_close("binary where the protocol has text", binary, 1003);
  MESSAGE("cases judged so far: " << EchoPeer::cases());
}
