// What the edge says of presence: who is here, on every link anew, and how each of them went.
#include "edge/fanout/presence_hub.h"

#include <doctest/doctest.h>

#include "edge/fanout/testing/presence_fixture.h"

using namespace tako;
using namespace tako::edge;
using namespace tako::edge::testing;

TEST_CASE("the first client opens the channel, and each one that is listed is said") {
  PresenceFixture edge;
  FakePresence ann("ann");
  FakePresence anonymous;
  ann.info = "{}";
  ann.data = "1";
  edge.join(ann);
  CHECK(edge.broker.presence.take() == Words{"open c 1", "session c ann info {} data 1"});
  edge.join(anonymous);
  CHECK(edge.broker.presence.take().empty());  // How many there are is said once per tick.
  edge.pass(100);
  CHECK(edge.broker.presence.take() == Words{"open c 2"});
  edge.pass(100);
  CHECK(edge.broker.presence.take().empty());
  CHECK(edge.hub.counters().listed == 1);
}

TEST_CASE("an end is told at once, with its reason; other data is the same session again") {
  PresenceFixture edge;
  FakePresence ann("ann");
  FakePresence bob("bob");
  edge.join(ann);
  edge.join(bob);
  static_cast<void>(edge.broker.presence.take());
  const std::uint64_t session = edge.broker.presence.last_session();
  bob.data = "2";
  bob.enter();
  CHECK(edge.broker.presence.take() == Words{"session c bob data 2"});
  CHECK(edge.broker.presence.last_session() == session);
  ann.leave(PresenceEnd::Left);
  CHECK(edge.broker.presence.take() == Words{"gone c ann left"});
  CHECK_FALSE(ann.is_attached());
  bob.unlist(PresenceEnd::Revoked);
  CHECK(edge.broker.presence.take() == Words{"gone c bob revoked"});
  CHECK(bob.is_attached());
  CHECK_FALSE(bob.is_listed());
}

TEST_CASE("a client that is destroyed was lost") {
  PresenceFixture edge;
  {
    FakePresence ann("ann");
    edge.join(ann);
  }
  CHECK(edge.broker.presence.take() == Words{"open c 1", "session c ann", "gone c ann lost"});
  edge.pass(100);
  CHECK(edge.broker.presence.take() == Words{"open c 0"});
}

TEST_CASE("who stays goes on at the same session over links, and everything is said anew") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.join(ann);
  const std::uint64_t session = edge.broker.presence.last_session();
  edge.broker.link_down();
  static_cast<void>(edge.broker.presence.take());
  FakePresence bob;
  edge.join(bob);
  CHECK(edge.broker.presence.take().empty());
  edge.broker.link_up();
  CHECK(edge.broker.presence.take() == Words{"open c 2", "session c ann"});
  CHECK(edge.broker.presence.last_session() == session);
}

TEST_CASE(
    "a goodbye while there is no link is said on the next one; who was lost is just missing") {
  PresenceFixture edge;
  FakePresence ann("ann");
  FakePresence bob("bob");
  FakePresence cid("cid");
  for (FakePresence* client : {&ann, &bob, &cid}) edge.join(*client);
  edge.broker.link_down();
  ann.leave(PresenceEnd::Left);
  bob.leave(PresenceEnd::Lost);
  cid.leave(PresenceEnd::Expired);
  edge.pass(edge.limits.feed_linger_ms);  // The channel waits for the link, unused as it is.
  CHECK(edge.hub.counters().goodbyes_kept == 2);
  static_cast<void>(edge.broker.presence.take());
  edge.broker.link_up();
  CHECK(edge.broker.presence.take() == Words{"open c 0", "session c ann", "gone c ann left",
                                             "session c cid", "gone c cid expired"});
  CHECK(edge.hub.counters().goodbyes_kept == 0);
  edge.pass(edge.limits.feed_linger_ms);
  CHECK(edge.broker.presence.take() == Words{"close c"});
}

TEST_CASE("more goodbyes than may wait for a link are let go, and counted") {
  PresenceFixture edge;
  edge.limits.link_pending_requests_max = 1;
  FakePresence ann("ann");
  FakePresence bob("bob");
  edge.join(ann);
  edge.join(bob);
  edge.broker.link_down();
  ann.leave(PresenceEnd::Left);
  bob.leave(PresenceEnd::Left);
  CHECK(edge.hub.counters().goodbyes_kept == 1);
  CHECK(edge.limit_counters.link_pending_requests_max == 1);
}

TEST_CASE("a channel is kept for a while after its last client, then closed") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.join(ann);
  ann.leave(PresenceEnd::Lost);
  edge.pass(100);
  static_cast<void>(edge.broker.presence.take());
  edge.join(ann);
  CHECK(edge.broker.presence.take() == Words{"session c ann"});  // It is open still.
  ann.leave(PresenceEnd::Lost);
  edge.pass(edge.limits.feed_linger_ms - 1);
  CHECK(edge.hub.counters().feeds == 1);
  edge.pass(1);
  CHECK(edge.hub.counters().feeds == 0);
  CHECK(edge.broker.presence.take().back() == "close c");
}

TEST_CASE("channels that are kept give way to those in use") {
  PresenceFixture edge;
  edge.limits.feeds_max = 1;
  FakePresence ann("ann");
  edge.join(ann);
  ann.leave(PresenceEnd::Lost);
  FakePresence bob("bob");
  edge.hub.join(bob, {.app = "default", .name = "d", .key = "d", .params_json = "{}"}, {});
  CHECK(edge.hub.counters().feeds == 1);
}

TEST_CASE("one that the broker refuses is not listed, and is told why; it is counted on") {
  PresenceFixture edge;
  FakePresence ann("ann");
  edge.join(ann);
  const std::uint64_t session = edge.broker.presence.last_session();
  edge.tell(PresenceRefusal{.session = session + 1, .error = {ErrorCode::PresenceFull}});
  CHECK_FALSE(ann.refused.has_value());  // Of another one, that has gone.
  edge.tell(PresenceRefusal{.session = session, .error = {ErrorCode::PresenceFull}});
  REQUIRE(ann.refused.has_value());
  CHECK(ann.refused->code == ErrorCode::PresenceFull);
  CHECK_FALSE(ann.is_listed());
  static_cast<void>(edge.broker.presence.take());
  edge.broker.link_down();
  edge.broker.link_up();
  CHECK(edge.broker.presence.take() == Words{"open c 1"});
  ann.enter();
  CHECK(edge.broker.presence.take() == Words{"session c ann"});
}

TEST_CASE("an older broker is told nothing, and all of it once there is a newer one") {
  PresenceFixture edge;
  edge.broker.knows_presence = false;
  FakePresence ann("ann");
  edge.watch(ann);
  FakePresence bob("bob");
  edge.join(bob);
  bob.leave(PresenceEnd::Left);
  edge.pass(100);
  CHECK(edge.broker.presence.take().empty());
  edge.broker.link_down();
  edge.broker.knows_presence = true;
  edge.broker.link_up();
  CHECK(edge.broker.presence.take() == Words{"open c 1 list", "session c ann"});
}
