// Limits of presence at the broker: each driven to its bound.
#include <doctest/doctest.h>

#include <string>

#include "tests/behaviour/limits_fixture.h"
#include "tests/support/presence_peer.h"

using namespace tako::test;

namespace {

constexpr std::string_view kRoom = R"([{"name":"room","auth":false,
  "presence":{"membersMax":100000,"dataBytesMax":4096}}])";

std::string long_data() { return '"' + std::string(4'000, 'x') + '"'; }

}  // namespace

TEST_CASE("presence_list_bytes_max") {
  Cluster tako(with_definitions(kRoom));
  PresencePeer edge(tako.link_path(), 1);
  edge.open("room", 1'100);
  edge.enter_many(1'100, long_data());
  edge.wait_for("refused");
  wait_for_broker_hits(tako, "presence_list_bytes_max");
  const double members = metric(tako.broker_admin(), "tako_broker_presence_members");
  CHECK(members > 1'000);
  CHECK(members < 1'100);
  edge.leave(1, Departure::Expired);
  edge.enter(2'000, "late", long_data());
  edge.wait_for_member("late");
}

TEST_CASE("presence_all_members_max") {
  Cluster tako(with_limits({"presence_all_members_max=1"}, with_definitions(kRoom)));
  PresencePeer edge(tako.link_path(), 1);
  edge.open("room", 2);
  edge.enter(1, "ann");
  edge.enter(2, "bob");
  edge.wait_for("refused");
  CHECK(broker_hits(tako, "presence_all_members_max") == 1);
  edge.leave(1, Departure::Expired);
  edge.enter(2, "bob");
  edge.wait_for_member("bob");
}

TEST_CASE("presence_sessions_max") {
  Cluster tako(with_limits({"presence_sessions_max=1"}, with_definitions(kRoom)));
  PresencePeer edge(tako.link_path(), 1);
  edge.open("room", 2);
  edge.enter(1, "ann");
  edge.enter(2, "ann");
  edge.wait_for("refused");
  CHECK(broker_hits(tako, "presence_sessions_max") == 1);
  edge.leave(1, Departure::Lost);
  edge.enter(2, "ann");
  edge.enter(3, "bob");
  edge.wait_for_member("bob");
  CHECK(broker_hits(tako, "presence_sessions_max") == 1);
}

TEST_CASE("presence_page_max") {
  Cluster tako(with_definitions(kRoom));
  check_refused(tako.api("GET", "/v1/channels/room/presence?_limit=1001"), 400, "bad-request");
  CHECK(broker_hits(tako, "presence_page_max") == 1);
}

TEST_CASE("presence_page_bytes_max") {
  Cluster tako(with_definitions(kRoom));
  PresencePeer edge(tako.link_path(), 1);
  edge.open("room", 600);
  edge.enter_many(600, long_data());
  while (edge.members().size() < 600) edge.next();
  const Json first = tako.api("GET", "/v1/channels/room/presence?_limit=1000").json();
  CHECK(first["members"].size() < 600);
  CHECK(broker_hits(tako, "presence_page_bytes_max") == 1);
  const Json rest =
      tako.api("GET", "/v1/channels/room/presence?_limit=1000&_after=" + first["next"].string())
          .json();
  CHECK(first["members"].size() + rest["members"].size() == 600);
  CHECK(rest["next"].print() == "null");
}
