// App keys: only whole pairs pass, and guessing is limited per address.
#include "edge/server/api_keys.h"

#include <doctest/doctest.h>

namespace tako::edge {

TEST_CASE("only a configured pair passes") {
  const std::vector<config::AppKey> keys{{"k1", "s1"}, {"k2", "s:2"}};
  CHECK(is_app_key("Bearer k1:s1", keys));
  CHECK(is_app_key("bearer k2:s:2", keys));
  for (const char* header :
       {"", "Bearer", "Bearer ", "Bearer k1", "Bearer k1:", "Bearer k1:s2", "Bearer k2:s1",
        "Bearer k1:s1 ", "Bearer  k1:s1", "Basic k1:s1", "k1:s1", "Bearer K1:s1"}) {
    CAPTURE(header);
    CHECK_FALSE(is_app_key(header, keys));
  }
  CHECK_FALSE(is_app_key("Bearer :", {}));
}

TEST_CASE("an address that failed too often waits until its minute is over") {
  FakeClock clock;
  KeyFailures failures(clock, 3);
  for (int i = 0; i < 2; ++i) failures.note("1.2.3.4");
  CHECK(failures.blocked_for_ms("1.2.3.4") == 0);
  clock.advance(10'000);
  failures.note("1.2.3.4");
  CHECK(failures.blocked_for_ms("1.2.3.4") == 50'000);
  CHECK(failures.blocked_for_ms("1.2.3.5") == 0);
  clock.advance(50'000);
  CHECK(failures.blocked_for_ms("1.2.3.4") == 0);
  failures.note("1.2.3.4");
  CHECK(failures.blocked_for_ms("1.2.3.4") == 0);
}

TEST_CASE("addresses of one IPv6 /64 are one") {
  FakeClock clock;
  KeyFailures failures(clock, 2);
  failures.note("2001:db8:1:2::1");
  failures.note("2001:db8:1:2:ffff::9");
  CHECK(failures.blocked_for_ms("2001:db8:1:2::77") > 0);
  CHECK(failures.blocked_for_ms("2001:db8:1:3::1") == 0);
}

TEST_CASE("the table is bounded, the oldest address goes") {
  FakeClock clock;
  KeyFailures failures(clock, 1);
  failures.note("first");
  for (std::size_t i = 1; i < KeyFailures::kAddressesMax; ++i) failures.note(std::to_string(i));
  CHECK(failures.addresses() == KeyFailures::kAddressesMax);
  CHECK(failures.blocked_for_ms("first") > 0);
  failures.note("one more");
  CHECK(failures.addresses() == KeyFailures::kAddressesMax);
  CHECK(failures.blocked_for_ms("first") == 0);
  CHECK(failures.blocked_for_ms("one more") > 0);
}

}  // namespace tako::edge
