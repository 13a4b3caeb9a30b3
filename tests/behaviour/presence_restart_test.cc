// A broker that ends takes nobody away: whoever comes back within the grace never left, anybody
// else leaves once.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/behaviour/fixtures.h"
#include "tests/support/presence_peer.h"

using namespace tako::test;

namespace {

constexpr std::string_view kRoom = R"([{"name":"room","auth":false,"presence":{"graceMs":5000}}])";

Json presence(Cluster& tako) { return tako.api("GET", "/v1/channels/room/presence").json(); }

std::string subjects(const Json& list) {
  std::string joined;
  for (std::size_t i = 0; i < list["members"].size(); ++i) {
    joined += list["members"][i]["subject"].string() + ' ';
  }
  return joined;
}

// Ann and bob are there, over one edge, and another edge watches.
struct Room {
  explicit Room(ClusterOptions options = with_definitions(kRoom)) : tako(std::move(options)) {
    one.open("room", 2);
    one.enter(1, "ann", "1");
    one.enter(2, "bob");
    watching.open("room", 1);
    while (watching.members().size() < 2) watching.next();
    before = presence(tako)["members"].print();
    held = watching.version();
  }
  // What is put is written a moment later: a kill before that is another test's.
  void wait_until_written() {
    wait_for_metric(tako.broker_admin(), "tako_broker_state_rows_total", 2);
  }
  // After a start: ann's edge comes back, bob's client does not.
  void check_that_only_bob_leaves(std::chrono::steady_clock::time_point started) {
    one = PresencePeer(tako.link_path(), 1);
    one.open("room", 1);
    one.enter(1, "ann", "1");
    watching = PresencePeer(tako.link_path(), 2);
    watching.open("room", 1, &held);
    CHECK(watching.next() == "list");
    CHECK(watching.members().size() == 2);
    const Json during = presence(tako);
    CHECK(subjects(during) == "ann bob ");
    CHECK(during["members"].print() == before);  // Since when, too.

    CHECK(watching.next() == "-bob:lost ");
    CHECK(std::chrono::steady_clock::now() - started >= std::chrono::milliseconds(4'900));
    CHECK(subjects(presence(tako)) == "ann ");
    one.enter(3, "cid");
    CHECK(watching.next() == "+cid ");  // Nothing else was told in between.
    CHECK(metric(tako.broker_admin(), "tako_broker_presence_leaves_total") == 1);
  }

  Cluster tako;
  PresencePeer one{tako.link_path(), 1};
  PresencePeer watching{tako.link_path(), 2};
  std::string before;
  PresencePeer::Version held;
};

}  // namespace

TEST_CASE(
    "a broker that is killed and starts again: nobody leaves within the grace, then one does") {
  Room room;
  room.wait_until_written();
  room.tako.kill_broker();
  const auto started = std::chrono::steady_clock::now();
  room.tako.start_broker();
  room.check_that_only_bob_leaves(started);
}

TEST_CASE("a broker that ends in order takes nobody away with its links") {
  Room room;
  CHECK(room.tako.broker().terminate() == 0);
  const auto started = std::chrono::steady_clock::now();
  room.tako.start_broker();
  room.check_that_only_bob_leaves(started);
}

TEST_CASE(
    "members are gone for good when the grace after a start is over, and the next start knows") {
  Room room;
  room.wait_until_written();
  room.tako.restart_broker();
  wait_for_metric(room.tako.broker_admin(), "tako_broker_presence_leaves_total", 2);
  CHECK(subjects(presence(room.tako)).empty());
  wait_for_metric(room.tako.broker_admin(), "tako_broker_state_rows_total", 2);
  room.tako.restart_broker();
  CHECK(subjects(presence(room.tako)).empty());
}

TEST_CASE("without a log on disk an edge that goes on from a list is told when the grace is over") {
  Room room(with_memory_log(with_definitions(kRoom)));
  room.tako.kill_broker();
  const auto started = std::chrono::steady_clock::now();
  room.tako.start_broker();
  room.tako.put_definitions(kRoom);
  PresencePeer watching(room.tako.link_path(), 2);
  watching.open("room", 1, &room.held);
  PresencePeer one(room.tako.link_path(), 1);
  one.open("room", 2);
  one.enter(1, "ann", "1");
  one.enter(2, "bob");
  CHECK(watching.next() == "list");
  CHECK(watching.members().size() == 2);
  CHECK(std::chrono::steady_clock::now() - started >= std::chrono::milliseconds(4'900));
}
