// The seams for time and chance: real ones are plausible, those of tests are in the test's hand.
#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "common/clock.h"
#include "common/random.h"

namespace tako {

TEST_CASE(
    "the real clock shows a wall time after this test was written, and never runs backwards") {
  const SystemClock clock;
  constexpr std::int64_t kYear2024 = 1'704'067'200'000;
  constexpr std::int64_t kYear2100 = 4'102'444'800'000;
  CHECK(clock.wall_ms() > kYear2024);
  CHECK(clock.wall_ms() < kYear2100);
  std::int64_t before = clock.monotonic_ms();
  for (int i = 0; i < 1'000; ++i) {
    const std::int64_t now = clock.monotonic_ms();
    REQUIRE(now >= before);
    before = now;
  }
}

TEST_CASE("a fake clock moves only when told") {
  FakeClock clock(5'000);
  CHECK(clock.wall_ms() == 5'000);
  CHECK(clock.monotonic_ms() == 5'000);
  clock.advance(250);
  CHECK(clock.wall_ms() == 5'250);
  CHECK(clock.monotonic_ms() == 5'250);
}

TEST_CASE("a seed repeats its numbers") {
  SeededRandom first(42);
  SeededRandom second(42);
  SeededRandom other(43);
  std::vector<std::uint64_t> a;
  std::vector<std::uint64_t> b;
  std::vector<std::uint64_t> c;
  for (int i = 0; i < 10; ++i) {
    a.push_back(first.next());
    b.push_back(second.next());
    c.push_back(other.next());
  }
  CHECK(a == b);
  CHECK(a != c);
}

TEST_CASE("below stays below, reaches every number, and of nothing is nothing") {
  SeededRandom random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(random.below(10));
  CHECK(seen.size() == 10);
  CHECK(*seen.rbegin() == 9);
  CHECK(random.below(0) == 0);
  CHECK(random.below(1) == 0);
}

TEST_CASE("the kernel's numbers do not repeat") {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(random.next());
  CHECK(seen.size() == 1'000);
}

}  // namespace tako
