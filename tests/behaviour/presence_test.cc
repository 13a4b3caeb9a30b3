// Presence: who is in a channel, as its clients are told.
#include <doctest/doctest.h>

#include "tests/behaviour/presence_fixture.h"

using namespace tako::test;

TEST_CASE("who subscribes is listed, with what the app says of them and what they say themselves") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  CHECK(watcher.roster().subjects().empty());
  const std::int64_t before = now_ms();
  WsClient ann = join(tako, "ann", "room", "_presence_data=%7B%22busy%22:true%7D");
  watcher.read_until_listed({"ann"});
  const Json member = watcher.roster().member("ann");
  CHECK(member["info"].print() == R"({"name":"ann"})");
  CHECK(member["data"].print() == R"({"busy":true})");
  CHECK(member["since"].number() >= static_cast<double>(before));
  Watcher late(tako);  // What is there already comes as a list.
  CHECK(late.roster().subjects() == std::set<std::string>{"ann"});
  CHECK(late.roster().version == watcher.roster().version);
}

TEST_CASE("an update is an update, never a leave and an enter; the same data again is none") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann");
  watcher.read_until_listed({"ann"});
  say_presence(ann, R"({"action":"update","data":1})");
  watcher.read_until_seen("update ann");
  const Json since = watcher.roster().member("ann")["since"];
  say_presence(ann, R"({"action":"update","data":1})");
  say_presence(ann, R"({"action":"update","data":2})");
  watcher.read_until(
      [](const Roster& roster) { return roster.member("ann")["data"].print() == "2"; });
  CHECK(watcher.roster().seen == std::vector<std::string>{"enter ann", "update ann", "update ann"});
  CHECK(watcher.roster().member("ann")["since"] == since);
}

TEST_CASE("a goodbye leaves at once: unsubscribe, close 1000, a close without a code, leave") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann");
  WsClient bob = join(tako, "bob");
  WsClient cid = join(tako, "cid");
  WsClient dan = join(tako, "dan");
  WsClient eve = join(tako, "eve");
  watcher.read_until_listed({"ann", "bob", "cid", "dan", "eve"});
  lose(eve);  // Its grace begins before theirs could.
  ann.send_text(R"({"type":"tako.unsubscribe","data":{"key":"room"}})");
  watcher.read_until_seen("leave ann left");
  bob.send_close(1000);
  watcher.read_until_seen("leave bob left");
  cid.send({.opcode = kWsClose, .payload = {}});
  watcher.read_until_seen("leave cid left");
  say_presence(dan, R"({"action":"leave"})");
  watcher.read_until_seen("leave dan left");
  CHECK(watcher.roster().has("eve"));
  say_presence(dan, R"({"action":"enter","data":7})");
  watcher.read_until([](const Roster& roster) { return roster.has("dan"); });
  CHECK(watcher.roster().member("dan")["data"].print() == "7");
}

TEST_CASE("a permission that is over leaves at once") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "brief-ann");
  WsClient plain(tako.edge(), channel_path("room"), {.headers = named("brief-bob")});
  SseClient stream(tako.edge(), channel_path("room"), named("brief-cid"));
  watcher.read_until_listed({"ann", "bob", "cid"});
  watcher.read_until_listed({});
  std::vector<std::string> left(watcher.roster().seen.end() - 3, watcher.roster().seen.end());
  std::ranges::sort(left);
  CHECK(left ==
        std::vector<std::string>{"leave ann expired", "leave bob expired", "leave cid expired"});
}

TEST_CASE("anonymous clients, and those without the right, are counted and not listed") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  WsClient counter(tako.edge(), channel_path("lobby", "_presence=counts"),
                   {.subprotocol = "tako.v1"});
  CHECK(expect(counter, "tako.ready")["data"]["presence"].string() == "counts");
  SseClient stream(tako.edge(), channel_path("lobby"));
  static_cast<void>(stream.opening_id());
  const auto wait_for = [](WsClient& client, double connections, double subjects) {
    while (true) {
      const Json counts = expect(client, "tako.occupancy")["data"];
      if (counts["connections"].number() != connections) continue;
      CHECK(counts["subjects"].number() == subjects);
      return;
    }
  };
  wait_for(counter, 2, 0);
  WsClient muted = join(tako, "muted-ann", "hall");
  WsClient hall = join(tako, "bob", "hall", "_presence=list");  // has counts only
  wait_for(hall, 2, 1);
  say_presence(muted, R"({"action":"enter"})");
  CHECK(expect(muted, "tako.error")["data"]["code"].string() == "forbidden");
}

TEST_CASE("a full channel says so; whoever is refused stays, and may enter once there is room") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako, "small");
  WsClient ann = join(tako, "ann", "small");
  WsClient bob = join(tako, "bob", "small");
  watcher.read_until_listed({"ann", "bob"});
  WsClient cid = join(tako, "cid", "small");
  const Json error = expect(cid, "tako.error");
  CHECK(error["data"]["code"].string() == "presence-full");
  CHECK(error["key"].string() == "small");
  ann.send_close(1000);
  watcher.read_until_listed({"bob"});
  say_presence(cid, R"({"action":"enter"})");
  watcher.read_until_listed({"bob", "cid"});
  tako.publish("small", "t", "1");
  CHECK(cid.next_json()["data"].number() == 1);
}

TEST_CASE("data above the definition's bound is refused, in each way to say it") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  const std::string large = "%22" + std::string(63, 'x') + "%22";
  CHECK(SseClient(tako.edge(), channel_path("room", "_presence_data=" + large), named("ann"))
            .status() == 413);
  WsClient ann = join(tako, "ann");
  ann.send_text(R"({"type":"tako.presence","ref":1,"data":{"action":"update","data":")" +
                std::string(63, 'x') + R"("}})");
  const Json error = expect(ann, "tako.error");
  CHECK(error["data"]["code"].string() == "payload-too-large");
  CHECK(error["data"]["ref"].number() == 1);
  ann.send_text(R"({"type":"tako.presence","ref":2,"data":{"action":"update","data":")" +
                std::string(62, 'x') + R"("}})");
  CHECK(expect(ann, "tako.ack")["data"]["ref"].number() == 2);
}

TEST_CASE("whoever does not ask is told nothing of presence") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  WsClient rich(tako.edge(), channel_path("room"),
                {.headers = named("ann"), .subprotocol = "tako.v1"});
  CHECK_FALSE(expect(rich, "tako.ready")["data"].has("presence"));
  WsClient plain(tako.edge(), channel_path("room", "_presence=list"), {.headers = named("bob")});
  SseClient stream(tako.edge(), channel_path("room"), named("cid"));
  static_cast<void>(stream.opening_id());
  Watcher watcher(tako);
  watcher.read_until_listed({"ann", "bob", "cid"});
  WsClient dan = join(tako, "dan");
  watcher.read_until_seen("enter dan");
  tako.publish("room", "t", "1");
  CHECK(rich.next_json()["type"].string() == "t");
  CHECK(plain.next_json()["type"].string() == "t");
  CHECK(stream.next().is_message());
}

TEST_CASE("rooms do not see each other") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  WsClient ann = join(tako, "ann", "room", "id=1&_presence=list");
  WsClient bob = join(tako, "bob", "room", "id=2&_presence=list");
  Roster one;
  Roster two;
  while (!one.has("ann")) one.apply(expect(ann, "tako.presence")["data"]);
  while (!two.has("bob")) two.apply(expect(bob, "tako.presence")["data"]);
  CHECK(one.subjects() == std::set<std::string>{"ann"});
  CHECK(two.subjects() == std::set<std::string>{"bob"});
}
