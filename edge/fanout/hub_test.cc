// The hub: where subscribers start, what they get, and what becomes of channels nobody wants.
#include "edge/fanout/hub.h"

#include <doctest/doctest.h>

#include "common/limits.h"
#include "edge/fanout/testing/hub_fixture.h"

namespace tako::edge::testing {
namespace {

TEST_CASE_FIXTURE(HubFixture, "a fresh subscriber starts at the head and gets only what is new") {
  broker.link_up();
  publish("a", 3);
  FakeSubscriber one;
  subscribe(one, "a");
  REQUIRE(one.started.has_value());
  CHECK(one.started->at == at("a", 3));
  CHECK_FALSE(one.started->resumed);
  publish("a", 2);
  CHECK(one.sink.frames == Frames{"4", "5"});
}

TEST_CASE_FIXTURE(HubFixture, "a message is encoded once for all subscribers of a form") {
  broker.link_up();
  FakeSubscriber one;
  FakeSubscriber two;
  FakeSubscriber other_form;
  subscribe(one, "a");
  subscribe(two, "a");
  subscribe(other_form, "a", {.form = WireForm::SseChunked});
  publish("a");
  CHECK(encoder.encoded == 2);
  CHECK(two.sink.frames == Frames{"1"});
  CHECK(other_form.sink.frames == Frames{"1"});
  CHECK(broker.subscribe_calls.size() == 1);
}

TEST_CASE_FIXTURE(HubFixture,
                  "a cursor inside the tail cache is served without asking the broker") {
  broker.link_up();
  FakeSubscriber first;
  subscribe(first, "a");
  publish("a", 5);
  FakeSubscriber late;
  join(late, "a", from(at("a", 2)));
  REQUIRE(late.started.has_value());
  CHECK(late.started->resumed);
  CHECK(late.started->at == at("a", 2));
  CHECK(late.sink.frames == Frames{"3", "4", "5"});
  CHECK(broker.fetch_calls.empty());
  publish("a");
  CHECK(late.sink.frames.back() == "6");
}

TEST_CASE_FIXTURE(HubFixture, "a cursor older than the cache is served by one fetch for all") {
  broker.link_up();
  publish("a", 5);
  FakeSubscriber one;
  FakeSubscriber two;
  FakeSubscriber inside;
  subscribe(one, "a");  // The feed stands, its cache is empty.
  one.leave();
  join(one, "a", from(at("a", 1)));
  join(two, "a", from(at("a", 1)));
  join(inside, "a", {.cursor = Cursor{.from_oldest = true, .position = {}}});
  broker.run();
  CHECK(one.sink.frames == Frames{"2", "3", "4", "5"});
  CHECK(two.sink.frames == Frames{"2", "3", "4", "5"});
  CHECK(inside.sink.frames == Frames{"1", "2", "3", "4", "5"});
  CHECK(inside.started->at.offset == 0);
  CHECK(broker.fetch_calls.size() == 2);
  publish("a");
  CHECK(two.sink.frames.back() == "6");
}

TEST_CASE_FIXTURE(HubFixture, "a cursor that the window has passed is told as a gap") {
  broker.link_up();
  publish("a", 5);
  broker.evict("a", 3);
  FakeSubscriber late;
  subscribe(late, "a", from(at("a", 1)));
  REQUIRE(late.started.has_value());
  REQUIRE(late.started->gap.has_value());
  CHECK(late.started->gap->from == at("a", 1));
  CHECK(late.started->gap->to == at("a", 5));
  CHECK(late.started->gap->reason == GapReason::WindowPassed);
  CHECK_FALSE(late.started->resumed);
  publish("a");
  CHECK(late.sink.frames == Frames{"6"});
}

TEST_CASE_FIXTURE(HubFixture, "a subscriber may leave when it hears of a gap at its start") {
  broker.link_up();
  publish("a", 5);
  broker.evict("a", 3);
  FakeSubscriber late;
  late.leaves_on_gap = true;
  subscribe(late, "a", from(at("a", 1)));
  publish("a");
  CHECK(late.sink.frames.empty());
  CHECK(hub.counters().subscribers == 0);
}

TEST_CASE_FIXTURE(HubFixture, "a cursor of a lost history, or ahead of the head, is a gap") {
  broker.link_up();
  publish("a", 2);
  FakeSubscriber stranger;
  FakeSubscriber ahead;
  subscribe(stranger, "a", from({1, Epoch{77}}));
  subscribe(ahead, "a", from(at("a", 9)));
  CHECK(stranger.started->gap->reason == GapReason::HistoryLost);
  CHECK(ahead.started->gap->reason == GapReason::AheadOfHead);
}

TEST_CASE_FIXTURE(HubFixture, "a message that another edge gave out first is not sent again") {
  broker.link_up();
  FakeSubscriber local;
  subscribe(local, "a");
  broker.publish_to("a");
  broker.publish_to("a");  // Both are on their way to this edge.
  FakeSubscriber roamer;
  join(roamer, "a", from(at("a", 1)));
  CHECK(broker.fetch_calls.size() == 1);  // Only the broker can know.
  broker.run();
  REQUIRE(roamer.started.has_value());
  CHECK(roamer.started->resumed);
  publish("a");
  CHECK(roamer.sink.frames == Frames{"2", "3"});
  CHECK(local.sink.frames == Frames{"1", "2", "3"});
}

TEST_CASE_FIXTURE(HubFixture, "who got a message by a page before the feed did goes live with it") {
  broker.link_up();
  publish("a", 5);
  FakeSubscriber first;
  subscribe(first, "a");  // The feed stands, its cache is empty.
  FakeSubscriber resumed;
  join(resumed, "a", from(at("a", 1)));
  broker.publish_to("a");  // In the page, and behind it on its way to this edge.
  broker.run();
  CHECK(resumed.sink.frames == Frames{"2", "3", "4", "5", "6"});
  publish("a", 2);
  CHECK(resumed.sink.frames == Frames{"2", "3", "4", "5", "6", "7", "8"});
}

TEST_CASE_FIXTURE(HubFixture, "a full client stops alone, and goes on without gap or repeat") {
  broker.link_up();
  FakeSubscriber slow;
  FakeSubscriber fast;
  subscribe(slow, "a");
  subscribe(fast, "a");
  slow.sink.room = 2;
  publish("a", 5);
  CHECK(slow.sink.frames == Frames{"1", "2"});
  CHECK(fast.sink.frames.size() == 5);
  slow.sink.room = 2;
  slow.pump();
  CHECK(slow.sink.frames == Frames{"1", "2", "3", "4"});
  slow.sink.room = SIZE_MAX;
  slow.pump();
  publish("a");
  CHECK(slow.sink.frames == Frames{"1", "2", "3", "4", "5", "6"});
  CHECK(encoder.encoded == 6);
}

TEST_CASE_FIXTURE(HubFixture, "a paused client gets nothing, and then what it missed") {
  broker.link_up();
  FakeSubscriber paused;
  subscribe(paused, "a");
  publish("a");
  FrameSink* sink = paused.pause();
  REQUIRE(sink == &paused.sink);
  CHECK(paused.pause() == nullptr);
  publish("a", 2);
  paused.pump();
  CHECK(paused.sink.frames == Frames{"1"});
  SUBCASE("also under the policy latest: it was not slow") {
    paused.set_slow_policy(SlowPolicy::Latest);
  }
  SUBCASE("also under the policy disconnect") { paused.set_slow_policy(SlowPolicy::Disconnect); }
  paused.resume(*sink);
  publish("a");
  CHECK(paused.sink.frames == Frames{"1", "2", "3", "4"});
}

TEST_CASE_FIXTURE(HubFixture, "an atomic batch is never cut, live or when it is caught up with") {
  broker.link_up();
  FakeSubscriber live;
  subscribe(live, "a");
  live.sink.room = 1;
  broker.publish_batch("a", 3);
  broker.publish_batch("a", 3);
  broker.run();
  CHECK(live.sink.frames == Frames{"1", "2", "3"});
  live.sink.room = 1;
  live.pump();
  CHECK(live.sink.frames.size() == 6);
}

TEST_CASE_FIXTURE(HubFixture, "ephemeral messages reach those at the head, and are counted else") {
  broker.link_up();
  FakeSubscriber live;
  FakeSubscriber behind;
  subscribe(live, "a");
  subscribe(behind, "a");
  behind.sink.room = 1;
  publish("a", 2);
  publish("a", 1, {.type = "typing", .data = "e", .ephemeral = true});
  behind.sink.room = SIZE_MAX;
  behind.pump();
  publish("a");
  CHECK(live.sink.frames == Frames{"1", "2", "e", "3"});
  CHECK(behind.sink.frames == Frames{"1", "2", "3"});
  CHECK(hub.counters().ephemeral_dropped == 1);
}

TEST_CASE_FIXTURE(HubFixture, "the window that passes a slow client is told, and it goes on") {
  limits.tail_cache_messages_max = 2;
  broker.link_up();
  FakeSubscriber slow;
  subscribe(slow, "a");
  slow.sink.room = 1;
  publish("a", 6);
  broker.evict("a", 4);
  slow.sink.room = SIZE_MAX;
  slow.pump();
  broker.run();
  CHECK(slow.sink.frames == Frames{"1", "gap 1..6"});
  publish("a");
  CHECK(slow.sink.frames.back() == "7");
  CHECK(limit_counters.tail_cache_messages_max > 0);
}

TEST_CASE_FIXTURE(HubFixture, "the policy latest gives a slow client the newest of each type") {
  broker.link_up();
  FakeSubscriber slow;
  subscribe(slow, "a", {.slow = SlowPolicy::Latest});
  slow.sink.room = 1;
  publish("a", 1, {.type = "x"});
  publish("a", 3, {.type = "x"});
  publish("a", 2, {.type = "y"});
  slow.sink.room = SIZE_MAX;
  slow.pump();
  CHECK(slow.sink.frames == Frames{"1", "gap 1..3", "4", "gap 4..5", "6"});
  CHECK(slow.gaps.front().reason == GapReason::Conflated);
  CHECK(hub.counters().conflated == 3);
}

TEST_CASE_FIXTURE(HubFixture,
                  "the policy disconnect ends a client that is full, not one that resumes") {
  broker.link_up();
  FakeSubscriber slow;
  subscribe(slow, "a", {.slow = SlowPolicy::Disconnect});
  FakeSubscriber resuming;
  resuming.sink.room = 1;
  publish("a", 3);
  Join again = from(at("a", 0));
  again.slow = SlowPolicy::Disconnect;
  join(resuming, "a", again);
  CHECK_FALSE(resuming.ended.has_value());
  slow.sink.room = 1;
  publish("a");
  REQUIRE(slow.ended.has_value());
  CHECK(slow.ended->code == ErrorCode::TooSlow);
  CHECK(hub.counters().slow_disconnected == 1);
}

TEST_CASE_FIXTURE(HubFixture,
                  "its own message is passed over, and told where it would have stood") {
  broker.link_up();
  FakeSubscriber sender;
  FakeSubscriber other;
  other.connection = "other";
  subscribe(sender, "a");
  subscribe(other, "a");
  publish("a", 1, {.connection = "me"});
  publish("a");
  CHECK(sender.sink.frames == Frames{"2"});
  CHECK(sender.own_passed == std::vector<std::uint64_t>{1});
  CHECK(other.sink.frames == Frames{"1", "2"});
}

TEST_CASE_FIXTURE(HubFixture, "clients stay over a lost link, and miss nothing that was kept") {
  broker.link_up();
  FakeSubscriber client;
  subscribe(client, "a");
  publish("a", 2);
  broker.link_down();
  broker.publish_to("a");
  broker.publish_to("a");
  broker.link_up();
  broker.run();
  CHECK(broker.subscribe_calls.back().second->position == at("a", 2));
  publish("a");
  CHECK(client.sink.frames == Frames{"1", "2", "3", "4", "5"});
  CHECK(client.gaps.empty());
}

TEST_CASE_FIXTURE(HubFixture, "a lost history is told to every subscriber, also to a silent one") {
  broker.link_up();
  FakeSubscriber live;
  FakeSubscriber slow;
  FakeSubscriber silent;
  subscribe(live, "a");
  subscribe(slow, "a");
  subscribe(silent, "quiet");
  slow.sink.room = 1;
  publish("a", 3);
  const Position old = at("a", 3);
  broker.link_down();
  broker.lose_everything();
  broker.publish_to("a");
  broker.link_up();
  broker.run();
  REQUIRE(live.gaps.size() == 1);
  CHECK(live.gaps[0].from == old);
  CHECK(live.gaps[0].to == at("a", 1));
  CHECK(live.gaps[0].reason == GapReason::HistoryLost);
  REQUIRE(slow.gaps.size() == 1);
  CHECK(slow.gaps[0].from.offset == 1);
  CHECK(silent.gaps.size() == 1);
  slow.sink.room = SIZE_MAX;
  slow.pump();
  publish("a");
  CHECK(live.sink.frames.back() == "2");
  CHECK(slow.sink.frames.back() == "2");
}

TEST_CASE_FIXTURE(HubFixture, "a new epoch that goes on where the old one ended is no gap") {
  broker.link_up();
  FakeSubscriber client;
  subscribe(client, "a");
  publish("a", 2);
  broker.link_down();
  FakeBroker::Log& log = broker.log("a");
  log.older_epochs.push_back({log.epoch, 2});
  log.epoch = Epoch{42};
  broker.publish_to("a");
  broker.link_up();
  broker.run();
  CHECK(client.gaps.empty());
  CHECK(client.sink.frames == Frames{"1", "2", "3"});
}

TEST_CASE_FIXTURE(HubFixture, "holes and repeats of a broken broker don't break the laws") {
  broker.link_up();
  FakeSubscriber client;
  subscribe(client, "a");
  publish("a", 2);
  const auto repeated = broker.log("a").messages;
  broker.deliver_raw("a",
                     {.messages = {repeated.begin(), repeated.end()}, .window = {}, .gap = {}});
  broker.run();
  broker.log("a").head = 4;  // 3 and 4 are never delivered.
  publish("a");
  CHECK(client.sink.frames == Frames{"1", "2", "gap 2..4", "5"});
  CHECK(hub.counters().holes_from_broker > 0);
}

TEST_CASE_FIXTURE(HubFixture, "who joins without a link waits, and is refused after the bound") {
  FakeSubscriber patient;
  join(patient, "a");
  clock.advance(limits.link_wait_ms - 1);
  hub.tick();
  CHECK_FALSE(patient.ended.has_value());
  SUBCASE("the link comes in time") {
    broker.link_up();
    broker.run();
    CHECK(patient.started.has_value());
  }
  SUBCASE("it does not") {
    clock.advance(1);
    hub.tick();
    REQUIRE(patient.ended.has_value());
    CHECK(patient.ended->code == ErrorCode::Unavailable);
    CHECK(limit_counters.link_wait_ms == 1);
  }
}

TEST_CASE_FIXTURE(HubFixture, "who joins while a broker restarts waits longer, and not for ever") {
  const std::int64_t restart_ms = 3 * limits.link_wait_ms;
  broker.restart_until = clock.monotonic_ms() + restart_ms;
  FakeSubscriber patient;
  join(patient, "a");
  clock.advance(restart_ms - 1);
  hub.tick();
  CHECK_FALSE(patient.ended.has_value());
  clock.advance(1);
  hub.tick();
  REQUIRE(patient.ended.has_value());
  CHECK(limit_counters.link_restart_wait_ms == 1);
  CHECK(limit_counters.link_wait_ms == 0);
}

TEST_CASE_FIXTURE(HubFixture, "what the broker refuses ends the subscriber with its reason") {
  broker.link_up();
  broker.refuse_next_subscribe(Error{ErrorCode::AppUnknown});
  FakeSubscriber client;
  subscribe(client, "a");
  REQUIRE(client.ended.has_value());
  CHECK(client.ended->code == ErrorCode::AppUnknown);
  FakeSubscriber next;
  subscribe(next, "a");
  CHECK(next.started.has_value());
}

TEST_CASE_FIXTURE(HubFixture, "a link that stays away ends private subscribers, not public ones") {
  broker.link_up();
  FakeSubscriber is_private;
  FakeSubscriber is_public;
  subscribe(is_private, "a");
  subscribe(is_public, "a", {.is_public = true});
  broker.link_down();
  clock.advance(limits.link_lost_serve_ms - 1);
  hub.tick();
  CHECK_FALSE(is_private.ended.has_value());
  clock.advance(1);
  hub.tick();
  REQUIRE(is_private.ended.has_value());
  CHECK(is_private.ended->code == ErrorCode::Unavailable);
  CHECK_FALSE(is_public.ended.has_value());
  CHECK(limit_counters.link_lost_serve_ms == 1);
}

TEST_CASE_FIXTURE(HubFixture,
                  "a channel outlives its last subscriber for a while, with its cache") {
  broker.link_up();
  {
    FakeSubscriber first;
    subscribe(first, "a");
    hub.tick();
    CHECK(broker.occupancies.at("a") == 1);
  }
  hub.tick();
  CHECK(broker.occupancies.at("a") == 0);
  publish("a", 2);
  FakeSubscriber back;
  join(back, "a", from(at("a", 1)));
  CHECK(back.sink.frames == Frames{"2"});
  back.leave();
  clock.advance(limits::kFeedLingerMs);
  hub.tick();
  CHECK(broker.subscriptions().empty());
  CHECK(hub.counters().feeds == 0);
  CHECK(hub.counters().cached_bytes == 0);
}

TEST_CASE_FIXTURE(HubFixture,
                  "at the bound of channels an unused one gives way, a used one doesn't") {
  limits.feeds_max = 1;
  broker.link_up();
  FakeSubscriber one;
  FakeSubscriber two;
  subscribe(one, "a");
  subscribe(two, "b");
  REQUIRE(two.ended.has_value());
  CHECK(two.ended->code == ErrorCode::LimitReached);
  CHECK(limit_counters.feeds_max == 1);
  one.leave();
  FakeSubscriber three;
  subscribe(three, "b");
  CHECK(three.started.has_value());
}

TEST_CASE_FIXTURE(HubFixture, "all caches together are bounded: the coldest is dropped") {
  limits.tail_caches_bytes_max = 10 * (sizeof(Message) + 10);
  broker.link_up();
  FakeSubscriber cold;
  FakeSubscriber warm;
  subscribe(cold, "cold");
  subscribe(warm, "warm");
  publish("cold", 3);
  publish("warm", 10);
  CHECK(limit_counters.tail_caches_bytes_max == 1);
  FakeSubscriber late;
  subscribe(late, "cold", from(at("cold", 1)));
  CHECK(late.sink.frames == Frames{"2", "3"});
  CHECK(broker.fetch_calls.size() == 1);
}

TEST_CASE_FIXTURE(HubFixture, "fetches of one channel at once are bounded, and all are served") {
  limits.fetches_per_feed_max = 1;
  broker.link_up();
  publish("a", 4);
  std::array<FakeSubscriber, 3> clients;
  for (std::size_t i = 0; i < clients.size(); ++i) join(clients[i], "a", from(at("a", i)));
  broker.run();
  for (std::size_t i = 0; i < clients.size(); ++i) CHECK(clients[i].sink.frames.size() == 4 - i);
  CHECK(limit_counters.fetches_per_feed_max > 0);
}

TEST_CASE_FIXTURE(HubFixture, "a fetch that fails refuses who asked, and leaves who is behind") {
  limits.tail_cache_messages_max = 1;
  broker.link_up();
  FakeSubscriber behind;
  subscribe(behind, "a");
  behind.sink.room = 1;
  publish("a", 4);
  broker.answers_fetches = false;
  FakeSubscriber asking;
  join(asking, "a", from(at("a", 1)));
  behind.sink.room = SIZE_MAX;
  behind.pump();
  broker.run();
  REQUIRE(asking.ended.has_value());
  CHECK(asking.ended->code == ErrorCode::Unavailable);
  CHECK_FALSE(behind.ended.has_value());
  broker.answers_fetches = true;
  hub.tick();
  broker.run();
  CHECK(behind.sink.frames == Frames{"1", "2", "3", "4"});
}

TEST_CASE_FIXTURE(HubFixture,
                  "messages older than the definition's window are not served from here") {
  rules.replay_window_ms = 1'000;
  broker.link_up();
  FakeSubscriber live;
  subscribe(live, "a");
  publish("a", 2);
  clock.advance(2'000);
  broker.evict("a", 2);
  FakeSubscriber late;
  subscribe(late, "a", from(at("a", 1)));
  REQUIRE(late.started.has_value());
  CHECK(late.started->gap.has_value());
}

}  // namespace
}  // namespace tako::edge::testing
