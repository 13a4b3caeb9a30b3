// What edges that link are still given: recent revocations, bans, and one word for the rest.
#include "broker/channel/revocation_log.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tako::broker {
namespace {

struct LogBench {
  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters counters;
  RevocationLog log{clock, limits, counters};
  std::uint64_t last = 0;

  void revoke(const std::string& subject) {
    log.add(++last, {.app = "a", .subject = subject, .at_ms = clock.monotonic_ms()});
  }
  void ban(const std::string& subject, std::int64_t ms) {
    log.add(++last, {.app = "a",
                     .subject = subject,
                     .at_ms = clock.monotonic_ms(),
                     .banned_until_ms = clock.wall_ms() + ms});
  }
  void lift(const std::string& subject) {
    log.add(++last, {.app = "a", .subject = subject, .banned_until_ms = 1});
  }
  void pass(std::int64_t ms) {
    clock.advance(ms);
    log.tick();
  }
  // Subjects behind `number`, "*" for everything, as an edge would be given them.
  std::vector<std::string> given(std::uint64_t number = 0) {
    std::vector<std::string> out;
    while (const ControlItem* item = log.next_after(number)) {
      number = item->number;
      const Revocation& revocation = *item->revocation();
      out.push_back(revocation.subject.empty() ? "*" : revocation.subject);
    }
    CHECK(number == last);
    return out;
  }
};

using Subjects = std::vector<std::string>;

TEST_CASE("recent ones are given in order; whoever was away for too long asks about everything") {
  LogBench bench;
  bench.revoke("ann");
  bench.pass(bench.limits.revocation_keep_ms / 2);
  bench.revoke("bob");
  CHECK(bench.given() == Subjects{"ann", "bob"});
  const std::int64_t ann_at = bench.clock.monotonic_ms() - bench.limits.revocation_keep_ms / 2;
  bench.pass(bench.limits.revocation_keep_ms / 2);
  CHECK(bench.given() == Subjects{"*", "bob"});
  const Revocation all = *bench.log.next_after(0)->revocation();
  CHECK(all.app == "a");
  CHECK(all.reauthorize);
  CHECK(all.at_ms == ann_at);
  CHECK(bench.given(1) == Subjects{"bob"});  // It has applied ann's.
  bench.pass(bench.limits.revocation_keep_ms);
  CHECK(bench.given() == Subjects{"*"});
  CHECK(bench.counters.revocation_keep_ms == 2);
}

TEST_CASE("of too many the oldest are passed over") {
  LogBench bench;
  bench.limits.revocations_max = 2;
  for (const char* subject : {"ann", "bob", "cid"}) bench.revoke(subject);
  CHECK(bench.given() == Subjects{"*", "bob", "cid"});
  CHECK(bench.counters.revocations_max == 1);
}

TEST_CASE("a ban is given for as long as it lasts, and a lifted one too") {
  LogBench bench;
  bench.ban("ann", 3'600'000);
  bench.pass(bench.limits.revocation_keep_ms);
  bench.pass(1'000);
  CHECK(bench.given() == Subjects{"ann"});
  SUBCASE("over") {
    bench.pass(3'600'000);
    CHECK(bench.given() == Subjects{"*"});
  }
  SUBCASE("lifted") {
    bench.lift("ann");
    bench.pass(1'000'000);
    CHECK(bench.given(1) == Subjects{"ann"});
    CHECK(bench.log.next_after(1)->revocation()->banned_until_ms == 1);
    bench.pass(3'600'000);
    CHECK(bench.given(1) == Subjects{"*"});
  }
  CHECK(bench.log.bans() == 0);
}

TEST_CASE("one more ban than may be is refused, a longer one of the same scope is not") {
  LogBench bench;
  bench.limits.bans_max = 1;
  const Revocation ann{.app = "a", .subject = "ann"};
  const Revocation bob{.app = "a", .subject = "bob"};
  CHECK(bench.log.takes_ban(ban_scope(ann)));
  bench.ban("ann", 1'000);
  CHECK(bench.log.takes_ban(ban_scope(ann)));
  CHECK_FALSE(bench.log.takes_ban(ban_scope(bob)));
  CHECK(bench.counters.bans_max == 1);
  bench.pass(1'000);
  CHECK(bench.log.takes_ban(ban_scope(bob)));
}

TEST_CASE("lifting a ban that there is none of is given, and leaves nothing behind") {
  LogBench bench;
  bench.lift("ann");
  CHECK(bench.given() == Subjects{"ann"});
  bench.pass(1'000);
  CHECK(bench.given() == Subjects{"*"});
  CHECK(bench.log.next_after(0)->revocation()->at_ms == 0);  // Nothing ends by it.
}

}  // namespace
}  // namespace tako::broker
