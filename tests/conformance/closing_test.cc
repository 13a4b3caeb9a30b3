// RFC 6455 section 7: the closing handshake, its codes and reasons.
#include <doctest/doctest.h>

#include "tests/conformance/peer.h"

using namespace tako::test;

namespace {

void expect_echoed_code(const EchoPeer& peer, int code, std::string_view reason) {
  WsClient client = peer.connect();
  client.send_close(static_cast<std::uint16_t>(code), reason);
  expect_close("close " + std::to_string(code), client, code);
}

}  // namespace

TEST_CASE("7.1.5, 7.4: every code that may be sent is answered with itself") {
  const EchoPeer peer;
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    expect_echoed_code(peer, code, "");
    expect_echoed_code(peer, code, "with a reason");
  }
}

TEST_CASE("7.4: codes that may not be sent are 1002") {
  const EchoPeer peer;
  for (const int code :
       {0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65'535}) {
    WsClient client = peer.connect();
    client.send_close(static_cast<std::uint16_t>(code), "");
    expect_close("close " + std::to_string(code), client, 1002);
    WsClient chopped = peer.connect();
    send_chopped(chopped,
                 encode_frame({.opcode = kWsClose,
                               .payload = close_payload(static_cast<std::uint16_t>(code), "why")}),
                 1);
    expect_close("close " + std::to_string(code) + " byte by byte", chopped, 1002);
  }
}

TEST_CASE("5.5.1: the body is empty, or a code and a UTF-8 reason of at most 123 bytes") {
  const EchoPeer peer;
  WsClient empty = peer.connect();
  empty.send({.opcode = kWsClose});
  const WsEnd end = empty.wait_for_close();
  ++EchoPeer::cases();
  CHECK((end.code == 1005 || end.code == 1000));
  CHECK(empty.tcp_ends());

  WsClient one = peer.connect();
  one.send({.opcode = kWsClose, .payload = "x"});
  expect_close("a body of one byte", one, 1002);
  expect_echoed_code(peer, 1000, std::string(123, 'r'));
  WsClient long_reason = peer.connect();
  long_reason.send({.opcode = kWsClose, .payload = close_payload(1000, std::string(124, 'r'))});
  expect_close("a reason of 124 bytes", long_reason, 1002);
  for (const std::string reason : {"\xff", "ok \xc0\xaf", "\xed\xa0\x80", "cut \xe2\x82"}) {
    for (const std::size_t step : {0UL, 1UL, 3UL}) {
      WsClient client = peer.connect();
      send_chopped(
          client, encode_frame({.opcode = kWsClose, .payload = close_payload(1000, reason)}), step);
      expect_close("bad UTF-8 in the reason", client, 1007);
    }
  }
}

TEST_CASE("5.5.1: nothing is answered behind a close") {
  const EchoPeer peer;
  const std::string close = encode_frame({.opcode = kWsClose, .payload = close_payload(1000, "")});
  for (const auto& [name, behind] :
       {std::pair{"a message", encode_frame({.payload = envelope("late")})},
        std::pair{"a ping", encode_frame({.opcode = kWsPing, .payload = "late"})},
        std::pair{"another close", close}, std::pair{"garbage", std::string("\xff\xff\xff\xff")}}) {
    WsClient client = peer.connect();
    client.send_raw(close + behind);
    ++EchoPeer::cases();
    INFO(name);
    const auto first = client.next_frame();
    REQUIRE(first.has_value());
    CHECK(first->opcode == kWsClose);
    CHECK(first->close_code() == 1000);
    CHECK_FALSE(client.next_frame().has_value());
  }
}

TEST_CASE("7.1.6: a close in the middle of a message is answered; so is the loss of the peer") {
  const EchoPeer peer;
  WsClient client = peer.connect();
  client.send({.fin = false, .payload = "{"});
  client.send_close(1000);
  expect_close("close inside a fragmented message", client, 1000);
  {
    WsClient gone = peer.connect();
    gone.send({.fin = false, .payload = "{"});
    gone.socket().reset();
  }
  WsClient after = peer.connect();
  expect_alive("others go on after a reset", after);
  MESSAGE("cases judged so far: " << EchoPeer::cases());
}
