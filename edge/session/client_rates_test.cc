// ClientRates and its buckets under the fake clock.
#include "edge/session/client_rates.h"

#include <doctest/doctest.h>

#include "common/random.h"

namespace tako::edge {
namespace {

struct Rates {
  Rates() {
    definition.name = "chat";
    definition.client_rate = {.connection = 2, .subject = 3, .channel = 5};
  }
  // How many of `count` messages are let through.
  int send(int count, std::uint64_t connection, std::string_view subject,
           const std::string& key = "chat") {
    channel.key = key;
    int passed = 0;
    for (int i = 0; i < count; ++i) {
      passed += rates.take({connection, subject, channel, definition}).has_value() ? 1 : 0;
    }
    return passed;
  }
  Error refusal(std::uint64_t connection, std::string_view subject) {
    const auto taken = rates.take({connection, subject, channel, definition});
    REQUIRE_FALSE(taken.has_value());
    return taken.error();
  }

  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters limit_counters;
  EdgeCounters counters;
  ChannelIdentity channel{.app = "default", .name = "chat", .key = "chat", .params_json = "{}"};
  Definition definition;
  ClientRates rates{clock, limits, limit_counters, counters};
};

}  // namespace

TEST_CASE("a bucket holds two seconds' worth, and fills by the rate") {
  RateBucket bucket;
  constexpr std::int64_t kNow = 1'000'000;
  const auto take_all = [&bucket](std::int64_t rate, std::int64_t now) {
    int taken = 0;
    for (; bucket.wait_ms(rate, now) == 0; ++taken) bucket.take(rate, now);
    return taken;
  };
  CHECK(bucket.is_full(kNow));
  CHECK(take_all(10, kNow) == 20);
  CHECK(bucket.wait_ms(10, kNow) == 100);
  CHECK_FALSE(bucket.is_full(kNow + 1'999));
  CHECK(take_all(10, kNow + 99) == 0);
  CHECK(take_all(10, kNow + 550) == 5);
  CHECK(take_all(10, kNow + 100'000) == 20);
  CHECK(bucket.is_full(kNow + 102'000));
}

TEST_CASE("the slowest rate still has a token, the fastest counts each") {
  for (const std::int64_t rate : {1, 2, 3, 7, 1'000, 1'000'000}) {
    CAPTURE(rate);
    RateBucket bucket;
    std::int64_t taken = 0;
    for (; bucket.wait_ms(rate, 5'000) == 0; ++taken) bucket.take(rate, 5'000);
    CHECK(taken == 2 * rate);
  }
}

TEST_CASE("over any time a bucket lets through the rate and one burst, at most") {
  SeededRandom random(7);
  for (int run = 0; run < 20; ++run) {
    const auto rate = static_cast<std::int64_t>(1 + random.below(50));
    RateBucket bucket;
    std::int64_t now = 10'000;
    std::int64_t passed = 0;
    for (int i = 0; i < 2'000; ++i) {
      now += static_cast<std::int64_t>(random.below(30));
      const std::int64_t wait = bucket.wait_ms(rate, now);
      if (wait > 0) {
        CHECK(bucket.wait_ms(rate, now + wait) == 0);  // It does not have to ask twice.
        continue;
      }
      bucket.take(rate, now);
      ++passed;
    }
    CHECK(passed <= 2 * rate + rate * (now - 10'000) / 1'000 + 1);
  }
}

TEST_CASE("each connection, each subject and each channel has its own") {
  Rates rates;
  CHECK(rates.send(10, 1, "ann") == 4);  // the connection's
  const Error error = rates.refusal(1, "ann");
  CHECK(error.code == ErrorCode::RateLimited);
  CHECK(error.message() == "more than 2 messages a second of one connection");
  CHECK(error.retry_after_ms == 500);
  CHECK(rates.send(10, 2, "ann") == 2);  // the subject's: six in all
  CHECK(rates.refusal(2, "ann").message() == "more than 3 messages a second of one subject");
  CHECK(rates.send(10, 3, "bob") == 4);  // the channel's: ten in all
  CHECK(rates.refusal(4, "cid").message() == "more than 5 messages a second of one channel");
  CHECK(rates.send(10, 3, "bob", "chat?roomId=2") == 0);  // still that connection
  CHECK(rates.send(10, 4, "cid", "chat?roomId=2") == 4);
  CHECK(rates.counters.rate_limited_by_connection > 0);
  CHECK(rates.counters.rate_limited_by_subject > 0);
  CHECK(rates.counters.rate_limited_by_channel > 0);
}

TEST_CASE("what is refused takes nothing from the others") {
  Rates rates;
  CHECK(rates.send(100, 1, "ann") == 4);
  CHECK(rates.send(100, 2, "bob") == 4);
  CHECK(rates.send(100, 3, "cid") == 2);  // the channel's ten, not less
}

TEST_CASE(
    "who is nobody in particular is bounded by connection and channel, a request by subject") {
  Rates rates;
  CHECK(rates.send(10, 1, "") == 4);
  CHECK(rates.send(10, 2, "") == 4);
  CHECK(rates.send(10, 0, "") == 2);  // No connection of its own: the channel's.
  rates.clock.advance(10'000);
  CHECK(rates.send(10, 0, "ann") == 6);
}

TEST_CASE("0 is no limit") {
  Rates rates;
  rates.definition.client_rate = {.connection = 0, .subject = 0, .channel = 0};
  CHECK(rates.send(10'000, 1, "ann") == 10'000);
  CHECK(rates.rates.size() == 0);
}

TEST_CASE("definitions have their own, and a new rate holds from now on") {
  Rates rates;
  CHECK(rates.send(10, 1, "ann") == 4);
  rates.definition.name = "other";
  CHECK(rates.send(10, 1, "ann", "other") == 4);
  rates.definition.client_rate.connection = 1'000;
  CHECK(rates.send(10, 1, "ann", "other") == 0);  // An empty bucket is no fuller for it.
  rates.clock.advance(10);
  CHECK(rates.send(10, 1, "ann", "other") == 2);  // the subject's six
}

TEST_CASE("what is full again is forgotten, some of it with each message") {
  Rates rates;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    CHECK(rates.send(1, i, "subject" + std::to_string(i), "chat?n=" + std::to_string(i)) == 1);
  }
  CHECK(rates.rates.size() == 300);
  rates.clock.advance(2'000);
  CHECK(rates.send(1, 1, "subject1", "chat?n=1") == 1);
  CHECK(rates.rates.size() <= 299);
  rates.rates.tick();
  CHECK(rates.rates.size() == 3);
  rates.clock.advance(2'000);
  rates.rates.tick();
  CHECK(rates.rates.size() == 0);
}

TEST_CASE("a full table forgets who was silent longest") {
  Rates rates;
  rates.limits.client_rate_buckets_max = 6;
  CHECK(rates.send(4, 1, "ann", "chat?n=1") == 4);
  CHECK(rates.send(4, 2, "bob", "chat?n=2") == 4);
  CHECK(rates.send(1, 2, "bob", "chat?n=2") == 0);
  CHECK(rates.limit_counters.client_rate_buckets_max == 0);
  CHECK(rates.send(1, 3, "cid", "chat?n=3") == 1);
  CHECK(rates.limit_counters.client_rate_buckets_max == 3);
  CHECK(rates.rates.size() == 6);
  CHECK(rates.send(1, 2, "bob", "chat?n=2") == 0);
  CHECK(rates.send(1, 1, "ann", "chat?n=1") == 1);
}

}  // namespace tako::edge
