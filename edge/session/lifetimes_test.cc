// The times of a connection: what is due, and when to look again.
#include "edge/session/lifetimes.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

using Due = ConnectionTimes::Due;

TEST_CASE("nothing is due, and no deadline needed, before anything was asked for") {
  ConnectionTimes times;
  CHECK(times.next_ms() == 0);
  CHECK(times.check_websocket(1'000'000, 0) == Due::Nothing);
}

TEST_CASE(
    "a WebSocket is pinged each interval, whatever is sent, and dropped when silent for two") {
  ConnectionTimes times;
  times.want_keepalive(100, 1'000);
  CHECK(times.next_ms() == 1'100);
  CHECK(times.check_websocket(1'099, 1'000) == Due::Nothing);
  CHECK(times.check_websocket(1'100, 1'000) == Due::Keepalive);
  CHECK(times.next_ms() == 1'200);
  CHECK(times.check_websocket(1'199, 1'000) == Due::Nothing);
  CHECK(times.check_websocket(1'200, 1'000) == Due::Silent);
}

TEST_CASE("a pong in time keeps a WebSocket") {
  ConnectionTimes times;
  times.want_keepalive(100, 0);
  for (std::int64_t now = 100; now < 2'000; now += 100) {
    CHECK(times.check_websocket(now, now - 99) == Due::Keepalive);
  }
}

TEST_CASE("traffic postpones the comment of a stream") {
  ConnectionTimes times;
  times.want_keepalive(100, 1'000);
  CHECK(times.check_stream(1'100, 1'050) == Due::Nothing);
  CHECK(times.next_ms() == 1'150);
  CHECK(times.check_stream(1'150, 1'050) == Due::Keepalive);
  CHECK(times.next_ms() == 1'250);
}

TEST_CASE("the earliest end and the shortest interval hold") {
  ConnectionTimes times;
  times.end_by(5'000);
  times.end_by(0);  // never
  times.end_by(7'000);
  times.want_keepalive(1'000, 0);
  times.want_keepalive(400, 0);
  times.want_keepalive(2'000, 0);
  CHECK(times.next_ms() == 400);
  CHECK(times.check_websocket(5'000, 5'000) == Due::Lifetime);
}

TEST_CASE("patience ends first") {
  ConnectionTimes times;
  times.set_patience(50);
  times.end_by(50);
  CHECK(times.check_stream(50, 0) == Due::Patience);
  times.set_patience(0);
  CHECK(times.check_stream(50, 0) == Due::Lifetime);
}

TEST_CASE("jitter shortens a lifetime by up to a tenth, never lengthens it") {
  SeededRandom random(7);
  std::int64_t least = 1'000;
  std::int64_t most = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::int64_t lifetime = jittered_lifetime_ms(1'000, random);
    least = std::min(least, lifetime);
    most = std::max(most, lifetime);
  }
  CHECK(least >= 900);
  CHECK(least < 920);
  CHECK(most <= 1'000);
  CHECK(most > 980);
  CHECK(jittered_lifetime_ms(1, random) == 1);
}

}  // namespace
}  // namespace tako::edge
