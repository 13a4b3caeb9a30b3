// What watchers of a channel's presence are told: a list first, each change once and in order.
#include "edge/fanout/presence_feed.h"

#include <doctest/doctest.h>

#include "edge/fanout/testing/presence_fixture.h"

using namespace tako;
using namespace tako::edge;
using namespace tako::edge::testing;

TEST_CASE("a watcher gets the list first, then each change") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.watch(ann);
  CHECK(edge.broker.presence.take() == Words{"open c 1 list", "session c ann"});
  edge.tell_enter(2, "early");  // Nobody holds a list to which it applies.
  CHECK(ann.take().empty());
  edge.tell_list(3, {"ann"});
  edge.tell_enter(3, "bob");
  CHECK(ann.take() == Words{"list 3 ann", "3>4 +bob"});
  FakePresence late;
  edge.watch(late);
  CHECK(late.take() == Words{"list 4 ann bob"});
  CHECK(late.told() == edge.at(4));
}

TEST_CASE("whoever did not ask is told nothing, and wants no list of the broker") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.join(ann, {.form = WireForm::WsRich});
  FakePresence plain("bob");
  edge.join(plain, {.form = WireForm::WsPlain, .wish = PresenceWish::List});  // has no word for it
  edge.pass(100);
  CHECK(edge.broker.presence.take() ==
        Words{"open c 1", "session c ann", "session c bob", "open c 2"});
  edge.tell_list(1, {"ann", "bob"});
  CHECK(ann.take().empty());
  CHECK(plain.take().empty());
}

TEST_CASE("a frame is made once for a form, however many it is told") {
  PresenceFixture edge;
  std::vector<std::unique_ptr<FakePresence>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<FakePresence>());
    edge.watch(*clients.back());
  }
  edge.tell_list(1, {"ann"});
  CHECK(edge.encoder.frames == 1);
  edge.tell_enter(1, "bob");
  CHECK(edge.encoder.frames == 2);
  for (const auto& client : clients) CHECK(client->take() == Words{"list 1 ann", "1>2 +bob"});
  CHECK(edge.hub.counters().frames_told == 40);
}

TEST_CASE("a watcher without room is passed over, and gets the whole list when it has room") {
  PresenceFixture edge;
  FakePresence slow;
  FakePresence quick;
  edge.watch(slow);
  edge.watch(quick);
  edge.tell_list(1, {"ann"});
  slow.sink.room = 0;
  edge.tell_enter(1, "bob");
  edge.tell_enter(2, "cid");
  slow.pump();  // Still none.
  CHECK(slow.take() == Words{"list 1 ann"});
  slow.sink.room = SIZE_MAX;
  slow.pump();
  slow.pump();
  CHECK(slow.take() == Words{"list 3 ann bob cid"});
  edge.tell_enter(3, "dan");
  CHECK(slow.take() == Words{"3>4 +dan"});
  CHECK(quick.take() == Words{"list 1 ann", "1>2 +bob", "2>3 +cid", "3>4 +dan"});
}

TEST_CASE("who holds a list gets what changed behind it, as long as that is known") {
  PresenceFixture edge;
  FakePresence ann;
  edge.watch(ann);
  edge.tell_list(1, {"ann"});
  for (std::uint64_t i = 1; i < 4; ++i) edge.tell_enter(i, "m" + std::to_string(i));
  FakePresence at_2;
  FakePresence at_head;
  FakePresence unknown;
  edge.watch(at_2, 2);
  edge.watch(at_head, 4);
  edge.watch(unknown, 0);
  CHECK(at_2.take() == Words{"2>3 +m2", "3>4 +m3"});
  CHECK(at_head.take().empty());
  CHECK(unknown.take() == Words{"list 4 ann m1 m2 m3"});
  edge.tell_enter(4, "bob");
  CHECK(at_head.take() == Words{"4>5 +bob"});
}

TEST_CASE("changes are forgotten when they are longer than the list") {
  PresenceFixture edge;
  FakePresence ann;
  edge.watch(ann);
  edge.tell_list(0, {"ann"});
  const std::string status(1'000, '1');
  for (std::uint64_t i = 0; i < 10; ++i) {
    PresenceMember busy = edge.member("ann");
    busy.data = status;
    edge.tell(PresenceChanges{.after = edge.at(i),
                              .version = edge.at(i + 1),
                              .changes = {{.action = PresenceAction::Update, .member = busy}}});
  }
  FakePresence old;
  FakePresence recent;
  edge.watch(old, 1);
  edge.watch(recent, 9);
  CHECK(old.take() == Words{"list 10 ann"});
  CHECK(recent.take() == Words{"9>10 ~ann"});
}

TEST_CASE("who was told more by another edge waits for this one to hear of it") {
  PresenceFixture edge;
  FakePresence ann;
  edge.watch(ann);
  edge.tell_list(1, {"ann"});
  FakePresence ahead;
  edge.watch(ahead, 2);
  CHECK(ahead.take().empty());
  edge.tell_enter(1, "bob");
  CHECK(ahead.take().empty());
  CHECK(ahead.told() == edge.at(2));
  FakePresence liar;
  edge.watch(liar, 99);
  edge.tell_enter(2, "cid");
  CHECK(ahead.take() == Words{"2>3 +cid"});
  CHECK(liar.take() == Words{"list 3 ann bob cid"});
}

TEST_CASE("after a relink the edge goes on from its list; a new one is told as what changed") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.watch(ann);
  edge.tell_list(5, {"ann", "bob"});
  static_cast<void>(ann.take());
  edge.broker.link_down();
  edge.broker.link_up();
  CHECK(edge.broker.presence.take().back() == "session c ann");
  edge.tell_enter(5, "cid");  // The broker knew that list.
  CHECK(ann.take() == Words{"5>6 +cid"});
  edge.broker.link_down();
  edge.broker.link_up();
  CHECK(edge.broker.presence.take() == Words{"open c 1 list has 6", "session c ann"});
  edge.epoch = Epoch{2};  // Another broker, another counting.
  edge.tell_list(2, {"ann", "cid", "dan"});
  CHECK(ann.take() == Words{"6>2 -bob:lost +dan"});
  edge.tell_enter(2, "eve");
  CHECK(ann.take() == Words{"2>3 +eve"});
}

TEST_CASE(
    "changes that don't follow are not told: the list is asked for again, and its difference "
    "told") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.watch(ann);
  edge.tell_list(1, {"ann"});
  static_cast<void>(edge.broker.presence.take());
  edge.tell_enter(7, "bob");
  CHECK(edge.hub.counters().holes_from_broker == 1);
  CHECK(edge.broker.presence.take() == Words{"close c", "open c 1 list", "session c ann"});
  edge.tell_enter(8, "cid");
  CHECK(ann.take() == Words{"list 1 ann"});
  edge.tell_list(9, {"ann", "bob", "cid"});
  CHECK(ann.take() == Words{"1>9 +bob +cid"});
}

TEST_CASE("counts are told to those that want counts, the newest only") {
  PresenceFixture edge;
  FakePresence ann("ann");
  FakePresence slow;
  edge.join(ann, {.form = WireForm::WsRich, .wish = PresenceWish::Counts});
  edge.join(slow, {.form = WireForm::SsePlain, .wish = PresenceWish::Counts});
  CHECK(edge.broker.presence.take().front() == "open c 1 counts");
  edge.tell(PresenceCounts{.connections = 2, .subjects = 1});
  slow.sink.room = 0;
  edge.tell(PresenceCounts{.connections = 3, .subjects = 1});
  edge.tell(PresenceCounts{.connections = 4, .subjects = 2});
  edge.tell(PresenceCounts{.connections = 4, .subjects = 2});
  slow.sink.room = SIZE_MAX;
  slow.pump();
  CHECK(ann.take() == Words{"counts 2/1", "counts 3/1", "counts 4/2"});
  CHECK(slow.take() == Words{"counts 2/1", "counts 4/2"});
  CHECK_FALSE(ann.told().has_value());
}

TEST_CASE("a watcher that is held up is told afterwards what it missed") {
  PresenceFixture edge;
  FakePresence ann;
  edge.watch(ann);
  edge.tell_list(1, {"ann"});
  ann.set_sink(nullptr);
  edge.tell_enter(1, "bob");
  CHECK(ann.take() == Words{"list 1 ann"});
  CHECK(ann.told() == edge.at(1));
  ann.set_sink(&ann.sink);
  CHECK(ann.take() == Words{"1>2 +bob"});
}

TEST_CASE("without a watcher for a while the list is let go, and asked for by the next one") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.join(ann);
  FakePresence watcher;
  edge.watch(watcher);
  edge.tell_list(1, {"ann"});
  watcher.leave(PresenceEnd::Lost);
  edge.pass(edge.limits.feed_linger_ms - 1);
  FakePresence soon;
  edge.watch(soon, 1);
  CHECK(soon.take().empty());  // It holds what is known.
  soon.leave(PresenceEnd::Lost);
  edge.pass(edge.limits.feed_linger_ms);
  static_cast<void>(edge.broker.presence.take());
  static_cast<void>(watcher.take());
  edge.watch(watcher, 1);
  CHECK(edge.broker.presence.take() == Words{"open c 2 list"});
  CHECK(watcher.take().empty());
  edge.tell_list(2, {"ann"});
  CHECK(watcher.take() == Words{"list 2 ann"});
}

TEST_CASE("a wish can become another one") {
  PresenceFixture edge;
  FakePresence ann;
  edge.watch(ann);
  edge.tell_list(1, {"ann"});
  ann.set_wish(PresenceWish::Counts);
  edge.tell(PresenceCounts{.connections = 1, .subjects = 1});
  edge.tell_enter(1, "bob");
  CHECK(ann.take() == Words{"list 1 ann", "counts 1/1"});
  ann.set_wish(PresenceWish::Nothing);
  edge.tell(PresenceCounts{.connections = 2, .subjects = 1});
  CHECK(ann.take().empty());
  CHECK(edge.hub.counters().watchers == 0);
}
