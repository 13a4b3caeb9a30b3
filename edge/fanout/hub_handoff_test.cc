// Subscribers that another edge had: they go on where they were, each message once.
#include <doctest/doctest.h>

#include "edge/fanout/testing/hub_fixture.h"

namespace tako::edge::testing {
namespace {

struct HandoffFixture : HubFixture {
  Join handed(const std::string& key, std::uint64_t cursor, std::uint64_t head) {
    Join join = from(at(key, cursor));
    join.handed_head = at(key, head);
    return join;
  }
};

TEST_CASE_FIXTURE(HandoffFixture,
                  "a new feed stands where the other edge's stood, without asking") {
  broker.link_up();
  publish("a", 5);
  FakeSubscriber one;
  join(one, "a", handed("a", 5, 5));
  REQUIRE(one.started.has_value());
  CHECK(one.started->resumed);
  CHECK(one.started->at == at("a", 5));
  publish("a", 2);
  CHECK(one.sink.frames == Frames{"6", "7"});
  CHECK(broker.fetch_calls.empty());
}

TEST_CASE_FIXTURE(HandoffFixture,
                  "what came between the two edges is delivered once and in order") {
  broker.link_up();
  publish("a", 5);
  FakeSubscriber early;
  join(early, "a", handed("a", 3, 3));  // Messages 4 and 5 came while it moved.
  broker.run();
  CHECK(early.sink.frames == Frames{"4", "5"});
  FakeSubscriber late;
  join(late, "a", handed("a", 4, 5));
  CHECK(late.sink.frames == Frames{"5"});
  publish("a");
  CHECK(early.sink.frames == Frames{"4", "5", "6"});
  CHECK(late.sink.frames == Frames{"5", "6"});
}

TEST_CASE_FIXTURE(HandoffFixture, "one that has seen more than this edge waits until it is here") {
  broker.link_up();
  publish("a", 5);
  FakeSubscriber one;
  FakeSubscriber ahead;
  join(one, "a", handed("a", 3, 3));
  join(ahead, "a", handed("a", 5, 5));  // This feed's own subscription is not answered yet.
  REQUIRE(ahead.started.has_value());
  CHECK(ahead.position() == at("a", 5));
  broker.run();
  CHECK(one.sink.frames == Frames{"4", "5"});
  CHECK(ahead.sink.frames.empty());
  publish("a");
  CHECK(ahead.sink.frames == Frames{"6"});
}

TEST_CASE_FIXTURE(HandoffFixture, "a slow one that comes first does not take the others back") {
  broker.link_up();
  publish("a", 9);
  broker.evict("a", 4);
  FakeSubscriber slow;
  FakeSubscriber quick;
  join(slow, "a", handed("a", 1, 9));
  join(quick, "a", handed("a", 9, 9));
  broker.run();
  CHECK(quick.gaps.empty());
  REQUIRE(slow.gaps.size() == 1);  // Law 2, as it would have been told over there.
  CHECK(slow.gaps.front().from == at("a", 1));
  publish("a");
  CHECK(quick.sink.frames == Frames{"10"});
  CHECK(slow.sink.frames.back() == "10");
}

TEST_CASE_FIXTURE(HandoffFixture, "without a link they stay, and go on when it is there") {
  broker.link_up();
  publish("a", 3);
  broker.link_down();
  FakeSubscriber one;
  join(one, "a", handed("a", 3, 3));
  CHECK(one.started.has_value());
  clock.advance(limits.link_wait_ms + 1'000);
  hub.tick();
  CHECK_FALSE(one.ended.has_value());
  broker.link_up();
  broker.run();
  publish("a");
  CHECK(one.sink.frames == Frames{"4"});
}

TEST_CASE_FIXTURE(HandoffFixture, "in a feed of another history it is judged as any cursor") {
  broker.link_up();
  publish("a", 3);
  FakeSubscriber first;
  subscribe(first, "a");
  FakeSubscriber foreign;
  Join join_foreign = from({3, Epoch{0x77}});
  join_foreign.handed_head = Position{3, Epoch{0x77}};
  join(foreign, "a", join_foreign);
  broker.run();
  REQUIRE(foreign.started.has_value());
  CHECK(foreign.started->gap.has_value());
}

}  // namespace
}  // namespace tako::edge::testing
