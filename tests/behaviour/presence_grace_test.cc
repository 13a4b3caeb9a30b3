// The grace window: whoever comes back within it never left, whatever it was that took them away.
#include <doctest/doctest.h>

#include "tests/behaviour/presence_fixture.h"

using namespace tako::test;

TEST_CASE("a reload, which closes with 1001, and a lost connection are seen by nobody") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann");
  WsClient bob = join(tako, "bob");
  watcher.read_until_listed({"ann", "bob"});
  ann.send_close(1001);
  WsClient ann_again = join(tako, "ann");
  lose(bob);
  WsClient bob_again = join(tako, "bob");
  outlast_grace(tako, watcher);
  CHECK(told_of(watcher, "ann") == 1);
  CHECK(told_of(watcher, "bob") == 1);
}

TEST_CASE("whoever does not come back leaves once, when the grace is over") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann");
  watcher.read_until_listed({"ann"});
  const std::int64_t lost_at = now_ms();
  lose(ann);
  watcher.read_until_seen("leave ann lost");
  CHECK(now_ms() - lost_at >= std::stoll(std::string(kGraceMs)) - 100);
}

TEST_CASE("three tabs are one member, who leaves with the last of them") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient one = join(tako, "ann");
  WsClient two = join(tako, "ann", "room", "_presence_data=2");
  WsClient three = join(tako, "ann");
  watcher.read_until(
      [](const Roster& roster) { return roster.has("ann") && roster.member("ann").has("data"); });
  two.send_close(1000);
  one.send_close(1000);
  WsClient bob = join(tako, "bob");
  watcher.read_until_listed({"ann", "bob"});
  three.send_close(1000);
  watcher.read_until_listed({"bob"});
  CHECK(std::ranges::count(watcher.roster().seen, "enter ann") == 1);
  CHECK(std::ranges::count(watcher.roster().seen, "leave ann left") == 1);
}

TEST_CASE("a killed edge is not seen by those at others, when its clients come back there") {
  ClusterOptions options = with_presence();
  options.edges = 2;
  Cluster tako(options);
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann", "room", "", 1);
  WsClient bob = join(tako, "bob", "room", "", 1);
  watcher.read_until_listed({"ann", "bob"});
  tako.edge_process(1).kill();
  WsClient ann_again = join(tako, "ann");
  outlast_grace(tako, watcher);
  CHECK(told_of(watcher, "ann") == 1);
  CHECK(watcher.roster().seen.size() == 5);  // Two came, bob and the canary went, it had come.
  CHECK(std::ranges::count(watcher.roster().seen, "leave bob lost") == 1);
}

TEST_CASE("a handoff is seen by nobody, and who watched goes on at its version") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann", "room", "_presence_data=1");
  WsClient plain(tako.edge(), channel_path("room"), {.headers = named("bob")});
  SseClient stream(tako.edge(), channel_path("room"), named("cid"));
  watcher.read_until_listed({"ann", "bob", "cid"});
  tako.take_over();
  say_presence(ann, R"({"action":"update","data":2})");
  watcher.read_until(
      [](const Roster& roster) { return roster.member("ann")["data"].print() == "2"; });
  outlast_grace(tako, watcher);
  CHECK(watcher.roster().subjects() == std::set<std::string>{"ann", "bob", "cid"});
  CHECK(told_of(watcher, "bob") == 1);
  CHECK(told_of(watcher, "cid") == 1);
  CHECK(std::ranges::count(watcher.roster().seen, "leave ann lost") == 0);
  CHECK(watcher.roster().lists == 1);
}

TEST_CASE("a broker that is killed is not seen; who is gone by then leaves once") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann");
  WsClient bob = join(tako, "bob");
  WsClient cid = join(tako, "cid");
  watcher.read_until_listed({"ann", "bob", "cid"});
  wait_until("the members to be on the disk", [&] {
    return metric(tako.broker_admin(), "tako_broker_state_rows_total") >= 3 &&
           metric(tako.broker_admin(), "tako_broker_state_waiting") == 0;
  });
  tako.kill_broker();
  lose(bob);
  cid.send_close(1000);
  REQUIRE(cid.wait_for_close().code == 1000);
  tako.start_broker();
  tako.wait_until_ready();
  // A goodbye, late as it is said, waits for sessions of other edges as a loss does.
  watcher.read_until([](const Roster& roster) { return !roster.has("cid") && !roster.has("bob"); });
  outlast_grace(tako, watcher);
  CHECK(told_of(watcher, "ann") == 1);
  CHECK(std::ranges::count(watcher.roster().seen, "leave bob lost") == 1);
  CHECK(std::ranges::count(watcher.roster().seen, "leave cid left") == 1);
  CHECK(told_of(watcher, "bob") == 2);
  CHECK(told_of(watcher, "cid") == 2);
  CHECK(watcher.roster().lists == 1);
}

TEST_CASE("with the log in memory a broker's restart is not seen either") {
  Cluster tako(with_memory_log(with_presence()));
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann");
  WsClient bob = join(tako, "bob");
  watcher.read_until_listed({"ann", "bob"});
  tako.restart_broker();
  tako.wait_until_ready();
  tako.put_definitions(with_presence().definitions);  // They are as gone as all the rest.
  WsClient cid = join(tako, "cid");
  watcher.read_until([](const Roster& roster) { return roster.has("cid"); });
  CHECK(watcher.roster().subjects() == std::set<std::string>{"ann", "bob", "cid"});
  // Since when they are here is all that is new of them: the broker has not known them for longer.
  for (const std::string subject : {"ann", "bob"}) {
    CHECK(std::ranges::count(watcher.roster().seen, "enter " + subject) == 1);
    CHECK(std::ranges::count(watcher.roster().seen, "leave " + subject + " lost") == 0);
  }
}
