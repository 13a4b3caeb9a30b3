// Rewind: its text, and where a subscriber starts by it: from the cache, from the broker, never
// with a complaint.
#include "edge/fanout/rewind.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "edge/fanout/testing/hub_fixture.h"

namespace tako::edge {
namespace {

using namespace testing;

// A channel with `count` messages, each 1 s behind the one before; the last is as old as now.
struct Past : HubFixture {
  explicit Past(std::size_t count) {
    broker.link_up();
    for (std::size_t i = 0; i < count; ++i) {
      clock.advance(1'000);
      broker.publish_to("chat");
    }
    broker.run();
  }
  // Joins, lets the broker answer; what it got, and where it started.
  Frames start(FakeSubscriber& subscriber, Rewind rewind) {
    subscribe(subscriber, "chat", {.rewind = rewind});
    REQUIRE(subscriber.started.has_value());
    CHECK_FALSE(subscriber.started->resumed);
    CHECK_FALSE(subscriber.started->gap.has_value());
    CHECK(subscriber.gaps.empty());
    return subscriber.sink.frames;
  }
  Frames by_number(std::int64_t messages) {
    FakeSubscriber subscriber;
    return start(subscriber, {.messages = messages});
  }
  Frames by_time(std::int64_t ms) {
    FakeSubscriber subscriber;
    return start(subscriber, {.ms = ms});
  }
};

Frames numbers(int first, int last) {
  Frames out;
  for (int i = first; i <= last; ++i) out.push_back(std::to_string(i));
  return out;
}

}  // namespace

TEST_CASE("a rewind is a number of messages, or a time in seconds, minutes or hours") {
  CHECK(parse_rewind("0")->is_now());
  CHECK(parse_rewind("50")->messages == 50);
  CHECK(parse_rewind("10000")->messages == 10'000);
  CHECK(parse_rewind("90s")->ms == 90'000);
  CHECK(parse_rewind("5m")->ms == 300'000);
  CHECK(parse_rewind("2h")->ms == 7'200'000);
  CHECK(parse_rewind("0s")->is_now());
  CHECK(parse_rewind("999999999h")->ms == 999'999'999LL * 3'600'000);
  for (const char* text : {"", "s", "-1", "+1", "1.5m", " 5", "5 ", "5d", "5ms", "5M", "10 m",
                           "1e3", "9999999999", "1000000000s", "0x10", "null", "5m3s"}) {
    CAPTURE(text);
    const auto parsed = parse_rewind(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::MessageMalformed);
    CHECK(parsed.error().message().contains("\"5m\""));
    CHECK(parsed.error().limit == nullptr);
  }
  const auto too_many = parse_rewind("10001");
  REQUIRE_FALSE(too_many.has_value());
  CHECK(too_many.error().limit == &LimitCounters::rewind_messages_max);
}

TEST_CASE("by number: the newest so many, then what is new") {
  Past past(10);
  FakeSubscriber subscriber;
  CHECK(past.start(subscriber, {.messages = 3}) == numbers(8, 10));
  CHECK(subscriber.started->at == past.at("chat", 7));
  past.publish("chat");
  CHECK(subscriber.sink.frames == numbers(8, 11));
}

TEST_CASE("by number: all, if there are not so many; and nothing of an empty channel") {
  Past past(3);
  CHECK(past.by_number(3) == numbers(1, 3));
  CHECK(past.by_number(10'000) == numbers(1, 3));
  Past nothing(0);
  FakeSubscriber subscriber;
  CHECK(nothing.start(subscriber, {.messages = 5}).empty());
  nothing.publish("chat");
  CHECK(subscriber.sink.frames == numbers(1, 1));
}

TEST_CASE("by number: the oldest that is retained, without complaint, also when it has just gone") {
  Past past(10);
  past.broker.evict("chat", 4);
  CHECK(past.by_number(8) == numbers(5, 10));
  // This edge does not know that more are gone: the broker does.
  past.broker.evict("chat", 2);
  FakeSubscriber subscriber;
  CHECK(past.start(subscriber, {.messages = 6}) == numbers(7, 10));
  CHECK(subscriber.started->at == past.at("chat", 6));
}

TEST_CASE("by number: the cache answers what it has without asking") {
  Past past(0);
  FakeSubscriber first;
  past.subscribe(first, "chat");
  past.publish("chat", 10);
  CHECK(past.by_number(4) == numbers(7, 10));
  CHECK(past.by_number(10) == numbers(1, 10));
  CHECK(past.broker.fetch_calls.empty());
}

TEST_CASE("by time: everything as young as that") {
  Past past(10);  // ages: 9 s, 8 s, … 0 s
  CHECK(past.by_time(3'000) == numbers(7, 10));
  CHECK(past.by_time(3'900) == numbers(7, 10));
  CHECK(past.by_time(2'999'000) == numbers(1, 10));
  past.clock.advance(5'000);
  CHECK(past.by_time(4'000).empty());
  past.broker.evict("chat", 6);
  CHECK(past.by_time(60'000) == numbers(7, 10));
}

TEST_CASE("by time: longer than there was time") {
  Past past(3);
  CHECK(past.by_time(parse_rewind("999999999h")->ms) == numbers(1, 3));
}

TEST_CASE("by time: none is young enough, so it starts now, and misses nothing from then on") {
  Past past(5);
  past.clock.advance(60'000);
  FakeSubscriber subscriber;
  past.join(subscriber, "chat", {.rewind = {.ms = 10'000}});
  past.broker.publish_to("chat");  // While the broker is being asked.
  past.broker.run();
  REQUIRE(subscriber.started.has_value());
  past.publish("chat");
  CHECK(subscriber.sink.frames == numbers(6, 7));
}

TEST_CASE("by time: the cache answers where its oldest is too old, or the log's") {
  Past past(0);
  FakeSubscriber first;
  past.subscribe(first, "chat");
  for (int i = 0; i < 5; ++i) {
    past.clock.advance(1'000);
    past.publish("chat");
  }
  CHECK(past.by_time(2'000) == numbers(3, 5));
  CHECK(past.by_time(60'000) == numbers(1, 5));
  past.clock.advance(5'000);
  CHECK(past.by_time(1'000).empty());
  CHECK(past.broker.fetch_calls.empty());
}

TEST_CASE("those who come together ask the broker together") {
  Past past(10);
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  FakeSubscriber first;
  past.subscribe(first, "chat");
  for (int i = 0; i < 20; ++i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>());
    past.join(*subscribers.back(), "chat", {.rewind = {.ms = 5'000}});
  }
  past.broker.run();
  for (const auto& subscriber : subscribers) CHECK(subscriber->sink.frames == numbers(5, 10));
  CHECK(past.broker.fetch_calls.size() == 2);  // the place, and the page
}

TEST_CASE("more places than may be asked for at once are asked for one after the other") {
  Past past(10);
  FakeSubscriber first;
  past.subscribe(first, "chat");
  past.limits.fetches_per_feed_max = 1;
  std::vector<std::unique_ptr<FakeSubscriber>> subscribers;
  for (int i = 0; i < 5; ++i) {
    subscribers.push_back(std::make_unique<FakeSubscriber>());
    past.join(*subscribers.back(), "chat", {.rewind = {.ms = 1'000 * (i + 1)}});
  }
  past.broker.run();
  for (int i = 0; i < 5; ++i) {
    CHECK(subscribers[static_cast<std::size_t>(i)]->sink.frames == numbers(9 - i, 10));
  }
  CHECK(past.limit_counters.fetches_per_feed_max > 0);
}

TEST_CASE("beside a cursor a rewind does nothing") {
  Past past(10);
  FakeSubscriber subscriber;
  Join join = HubFixture::from(past.at("chat", 8));
  join.rewind = {.messages = 5};
  past.subscribe(subscriber, "chat", join);
  CHECK(subscriber.started->resumed);
  CHECK(subscriber.sink.frames == numbers(9, 10));
}

TEST_CASE("a broker that can't be asked ends the wait; a lost history is no complaint either") {
  Past past(10);
  FakeSubscriber first;
  past.subscribe(first, "chat");
  past.broker.answers_fetches = false;
  FakeSubscriber refused;
  past.subscribe(refused, "chat", {.rewind = {.ms = 5'000}});
  REQUIRE(refused.ended.has_value());
  past.broker.answers_fetches = true;

  FakeSubscriber waiting;
  past.join(waiting, "chat", {.rewind = {.messages = 5}});
  past.broker.link_down();
  past.broker.lose_everything();
  past.broker.publish_to("chat");
  past.broker.link_up();
  past.broker.run();
  past.clock.advance(1'000);
  past.hub.tick();
  past.broker.run();
  REQUIRE(waiting.started.has_value());
  CHECK_FALSE(waiting.started->gap.has_value());
  CHECK(waiting.gaps.empty());
  CHECK(waiting.sink.frames == numbers(1, 1));
}

}  // namespace tako::edge
