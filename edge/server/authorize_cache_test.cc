// AuthorizeCache: kept no longer than anybody allows, and in a bounded number.
#include "edge/server/authorize_cache.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

AuthorizeAnswer yes(std::int64_t ttl_ms, std::optional<std::int64_t> expires_at_ms = {}) {
  AuthorizeAnswer answer;
  answer.grant.subject = "ann";
  answer.grant.expires_at_ms = expires_at_ms;
  answer.ttl_ms = ttl_ms;
  return answer;
}

using Kept = AuthorizeCache::Kept;

}  // namespace

TEST_CASE("an answer is used until its ttl is over") {
  FakeClock clock;
  AuthorizeCache cache(clock, 10, 60'000);
  const CallKey key = call_key("a");
  CHECK_FALSE(cache.find(key).has_value());
  CHECK(cache.keep("app", key, yes(1'000)) == Kept::Yes);
  clock.advance(999);
  REQUIRE(cache.find(key).has_value());
  CHECK(cache.find(key)->subject == "ann");
  CHECK_FALSE(cache.find(call_key("b")).has_value());
  clock.advance(1);
  CHECK_FALSE(cache.find(key).has_value());
  CHECK(cache.size() == 0);
}

TEST_CASE("without a ttl nothing is kept") {
  FakeClock clock;
  AuthorizeCache cache(clock, 10, 60'000);
  CHECK(cache.keep("app", call_key("a"), yes(0)) == Kept::No);
  CHECK(cache.size() == 0);
}

TEST_CASE("the grant's expiry and the longest time bound the ttl") {
  FakeClock clock;
  AuthorizeCache cache(clock, 10, 5'000);
  cache.keep("app", call_key("expires"), yes(4'000, clock.wall_ms() + 1'000));
  CHECK(cache.keep("app", call_key("long"), yes(3'600'000)) == Kept::YesShortened);
  CHECK(cache.keep("app", call_key("past"), yes(1'000, clock.wall_ms())) == Kept::No);
  clock.advance(1'000);
  CHECK_FALSE(cache.find(call_key("expires")).has_value());
  clock.advance(3'999);
  CHECK(cache.find(call_key("long")).has_value());
  clock.advance(1);
  CHECK_FALSE(cache.find(call_key("long")).has_value());
}

TEST_CASE("the oldest answer goes when there are too many") {
  FakeClock clock;
  AuthorizeCache cache(clock, 2, 60'000);
  cache.keep("app", call_key("1"), yes(1'000));
  cache.keep("app", call_key("2"), yes(1'000));
  cache.keep("app", call_key("1"), yes(1'000));  // Renewed: 2 is the oldest now.
  CHECK(cache.size() == 2);
  CHECK(cache.keep("app", call_key("3"), yes(1'000)) == Kept::YesInPlaceOfAnother);
  CHECK(cache.size() == 2);
  CHECK(cache.find(call_key("1")).has_value());
  CHECK_FALSE(cache.find(call_key("2")).has_value());
  CHECK(cache.find(call_key("3")).has_value());
}

TEST_CASE("a bound of none keeps none") {
  FakeClock clock;
  AuthorizeCache cache(clock, 0, 60'000);
  CHECK(cache.keep("app", call_key("1"), yes(1'000)) == Kept::No);
  CHECK_FALSE(cache.find(call_key("1")).has_value());
}

TEST_CASE("forgetting an app leaves the others") {
  FakeClock clock;
  AuthorizeCache cache(clock, 10, 60'000);
  cache.keep("one", call_key("1"), yes(1'000));
  cache.keep("two", call_key("2"), yes(1'000));
  cache.keep("one", call_key("3"), yes(1'000));
  cache.forget_app("one");
  CHECK(cache.size() == 1);
  CHECK(cache.find(call_key("2")).has_value());
}

}  // namespace tako::edge
