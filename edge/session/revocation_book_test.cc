// What was taken back lately meets what was granted before, and nothing else.
#include "edge/session/revocation_book.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

const ChannelIdentity kRoomOne{.app = "a", .name = "chat", .key = "chat?r=1", .params_json = {}};
const ChannelIdentity kRoomTwo{.app = "a", .name = "chat", .key = "chat?r=2", .params_json = {}};
const ChannelIdentity kNewsFeed{.app = "a", .name = "feed", .key = "feed", .params_json = {}};

struct BookBench {
  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters counters;
  RevocationBook book{clock, limits, counters};

  Revocation now(std::string subject) {
    return {.app = "a", .subject = std::move(subject), .at_ms = clock.monotonic_ms()};
  }
};

TEST_CASE("what was asked for before is taken back, what was asked for later is not") {
  BookBench bench;
  const std::int64_t at = bench.clock.monotonic_ms();
  bench.book.add(bench.now("ann"));
  CHECK(bench.book.find(kRoomOne, "ann", at - 1) == TakenBack::Ended);
  CHECK(bench.book.find(kRoomOne, "ann", at) == TakenBack::Ended);  // Nobody knows which was first.
  CHECK(bench.book.find(kRoomOne, "ann", at + 1) == TakenBack::No);
  CHECK(bench.book.find(kRoomOne, "bob", at - 1) == TakenBack::No);
  CHECK(bench.book.find(kRoomOne, "", at - 1) == TakenBack::No);
  ChannelIdentity other_app = kRoomOne;
  other_app.app = "b";
  CHECK(bench.book.find(other_app, "ann", at - 1) == TakenBack::No);
}

TEST_CASE("a scope is a subject's, a name's, a channel's, or both") {
  BookBench bench;
  const std::int64_t at = bench.clock.monotonic_ms();
  Revocation revocation = bench.now("ann");
  revocation.name = "chat";
  SUBCASE("every channel of the name") {
    bench.book.add(revocation);
    CHECK(bench.book.find(kRoomTwo, "ann", at) == TakenBack::Ended);
  }
  SUBCASE("one channel") {
    revocation.key = "chat?r=1";
    bench.book.add(revocation);
    CHECK(bench.book.find(kRoomTwo, "ann", at) == TakenBack::No);
  }
  SUBCASE("everybody on the channel") {
    revocation.subject.clear();
    bench.book.add(revocation);
    CHECK(bench.book.find(kRoomOne, "bob", at) == TakenBack::Ended);
    CHECK(bench.book.find(kRoomOne, "", at) == TakenBack::Ended);
  }
  CHECK(bench.book.find(kRoomOne, "ann", at) == TakenBack::Ended);
  CHECK(bench.book.find(kNewsFeed, "ann", at) == TakenBack::No);
}

TEST_CASE("an end counts for more than a question") {
  BookBench bench;
  const std::int64_t at = bench.clock.monotonic_ms();
  Revocation ask = bench.now("ann");
  ask.reauthorize = true;
  bench.book.add(ask);
  CHECK(bench.book.find(kRoomOne, "ann", at) == TakenBack::Reauthorize);
  Revocation end = bench.now("ann");
  end.name = "chat";
  bench.book.add(end);
  CHECK(bench.book.find(kRoomOne, "ann", at) == TakenBack::Ended);
  CHECK(bench.book.find(kNewsFeed, "ann", at) == TakenBack::Reauthorize);
}

TEST_CASE("a revocation is kept for its time") {
  BookBench bench;
  const std::int64_t at = bench.clock.monotonic_ms();
  bench.book.add(bench.now("ann"));
  bench.clock.advance(bench.limits.revocation_keep_ms / 2);
  bench.book.add(bench.now("ann"));  // The same scope again: kept from now on.
  bench.clock.advance(bench.limits.revocation_keep_ms / 2);
  bench.book.tick();
  CHECK(bench.book.find(kRoomOne, "ann", at) == TakenBack::Ended);
  bench.clock.advance(bench.limits.revocation_keep_ms / 2);
  bench.book.tick();
  CHECK(bench.book.find(kRoomOne, "ann", at) == TakenBack::No);
  CHECK(bench.book.recent() == 0);
}

TEST_CASE("of too many the oldest go, and who asked before them is asked about again") {
  BookBench bench;
  bench.limits.revocations_max = 2;
  const std::int64_t first = bench.clock.monotonic_ms();
  for (const char* subject : {"ann", "bob", "cid"}) {
    bench.book.add(bench.now(subject));
    bench.clock.advance(10);
  }
  CHECK(bench.book.recent() == 2);
  CHECK(bench.counters.revocations_max == 1);
  CHECK(bench.book.find(kRoomOne, "ann", first) == TakenBack::Reauthorize);
  CHECK(bench.book.find(kRoomOne, "ann", first + 1) == TakenBack::No);
  bench.clock.advance(bench.limits.revocation_keep_ms);
  bench.book.tick();
  CHECK(bench.book.find(kRoomOne, "ann", first) == TakenBack::No);
}

TEST_CASE("one scope that is taken back without end takes no room") {
  BookBench bench;
  bench.limits.revocations_max = 4;
  for (int i = 0; i < 100; ++i) bench.book.add(bench.now("ann"));
  CHECK(bench.book.recent() <= 4);
  CHECK(bench.book.find(kRoomOne, "ann", bench.clock.monotonic_ms()) == TakenBack::Ended);
}

TEST_CASE("a ban bars its subject where it was banned, until it is over or lifted") {
  BookBench bench;
  Revocation ban = bench.now("ann");
  ban.name = "chat";
  ban.banned_until_ms = bench.clock.wall_ms() + 1'000;
  ban.reason = "spam";
  bench.book.add(ban);
  REQUIRE(bench.book.find_ban(kRoomOne, "ann") != nullptr);
  CHECK(*bench.book.find_ban(kRoomOne, "ann") == "spam");
  CHECK(bench.book.find_ban(kNewsFeed, "ann") == nullptr);
  CHECK(bench.book.find_ban(kRoomOne, "bob") == nullptr);
  CHECK(bench.book.find_ban(kRoomOne, "") == nullptr);
  SUBCASE("over") {
    bench.clock.advance(1'000);
    CHECK(bench.book.find_ban(kRoomOne, "ann") == nullptr);
    bench.book.tick();
  }
  SUBCASE("lifted") {
    bench.book.add({.app = "a", .subject = "ann", .name = "chat", .banned_until_ms = 1});
    CHECK(bench.book.find_ban(kRoomOne, "ann") == nullptr);
  }
  CHECK(bench.book.bans() == 0);
}

}  // namespace
}  // namespace tako::edge
