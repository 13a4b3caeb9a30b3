// Watching presence: versions, event streams, slow watchers, and the list in pages.
#include <doctest/doctest.h>

#include "tests/behaviour/presence_fixture.h"

using namespace tako::test;

TEST_CASE("who holds a list is told what changed behind its version, as long as that is known") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  WsClient ann = join(tako, "ann");
  watcher.read_until_listed({"ann"});
  const std::string with_ann = watcher.roster().version;
  WsClient bob = join(tako, "bob");
  watcher.read_until_listed({"ann", "bob"});
  const auto first_frame = [&](const std::string& version) {
    WsClient back =
        join(tako, "eye", "room", "_presence=list&_presence_enter=0&_presence_version=" + version);
    return expect(back, "tako.presence")["data"];
  };
  const Json behind = first_frame(with_ann);
  CHECK(behind["after"].string() == with_ann);
  CHECK(behind["changes"].size() == 1);
  CHECK(behind["changes"][0]["subject"].string() == "bob");
  CHECK(first_frame("1-00000000").has("members"));
  CHECK(first_frame("nonsense").has("members"));
  WsClient current =
      join(tako, "eye", "room",
           "_presence=list&_presence_enter=0&_presence_version=" + watcher.roster().version);
  WsClient cid = join(tako, "cid");
  CHECK(expect(current, "tako.presence")["data"]["changes"][0]["subject"].string() == "cid");
}

TEST_CASE("what the URL asks for waits for the credential, over a handoff too") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  WsClient late(tako.edge(), channel_path("room", "_presence=list&_presence_data=1"),
                {.subprotocol = "tako.v1"});
  REQUIRE(late.status() == 101);
  tako.take_over();
  late.send_text(auth_envelope("ann"));
  CHECK(expect(late, "tako.ready")["data"]["presence"].string() == "list");
  Roster roster;
  while (!roster.has("ann")) roster.apply(expect(late, "tako.presence")["data"]);
  CHECK(roster.member("ann")["data"].number() == 1);
}

TEST_CASE("an event stream is told the same, as events") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  SseClient stream(tako.edge(), channel_path("room", "_presence=list&_presence_enter=0"),
                   named("eye"));
  static_cast<void>(stream.opening_id());
  SseClient counts(tako.edge(), channel_path("room", "_presence=counts"), named("cid"));
  static_cast<void>(counts.opening_id());
  Roster roster;
  const auto read = [&] {
    const SseBlock block = stream.next();
    REQUIRE(block.event == "tako.presence");
    CHECK_FALSE(block.id.has_value());
    roster.apply(block.json());
  };
  WsClient ann = join(tako, "ann");
  while (!roster.has("ann") || !roster.has("cid")) read();
  ann.send_close(1000);
  while (roster.has("ann")) read();
  double connections = 0;
  while (connections != 2) {
    const SseBlock block = counts.next();
    REQUIRE(block.event == "tako.occupancy");
    connections = block.json()["connections"].number();
  }
}

TEST_CASE("a watcher that does not keep up is passed over, and gets the list when it reads") {
  ClusterOptions options = with_presence();
  options.edge_arguments = {"--limit", "outbox_bytes_max=4096"};
  Cluster tako(options);
  allow_names(tako.app());
  WsClient ann = join(tako, "ann", "big");
  WsClient slow = join(tako, "eye", "big", "_presence=list&_presence_enter=0", 0, 4'096);
  const auto edge = [&](std::string_view series) { return metric(tako.edge_admin(), series); };
  int updates = 0;
  // With one watcher, frames told stay behind frames received once it is passed over.
  while (edge("tako_edge_presence_changes_total") <
         edge("tako_edge_presence_deliveries_total") + 20) {
    REQUIRE(updates < 20'000);
    for (int i = 0; i < 50; ++i) {
      say_presence(ann, R"({"action":"update","data":")" + std::string(4'000, 'x') +
                            std::to_string(++updates) + R"("})");
    }
    ann.send_text(R"({"type":"tako.presence","ref":"end","data":{"action":"enter"}})");
    static_cast<void>(expect(ann, "tako.ack"));
  }
  const std::string last = std::to_string(updates);
  Roster roster;
  while (roster.lists < 2 || !roster.member("ann")["data"].string().ends_with("x" + last)) {
    roster.apply(expect(slow, "tako.presence")["data"]);
  }
  CHECK(edge("tako_edge_presence_lists_told_total") >= 2);
  CHECK(edge("tako_edge_presence_holes_total") == 0);
}

TEST_CASE("the list in pages, by subject, for those who have the right") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  Watcher watcher(tako);
  std::vector<WsClient> clients;
  for (const char* name : {"cid", "ann", "bob"}) clients.push_back(join(tako, name));
  watcher.read_until_listed({"ann", "bob", "cid"});
  const auto page = [&](std::string_view query) {
    const HttpResponse response =
        http_get(tako.edge(), "/_tako/channels/room/presence" + std::string(query), named("eye"));
    REQUIRE(response.status == 200);
    return response.json();
  };
  const Json first = page("?_limit=2");
  REQUIRE(first["members"].size() == 2);
  CHECK(first["members"][0]["subject"].string() == "ann");
  CHECK(first["members"][0]["info"]["name"].string() == "ann");
  CHECK(first["members"][1]["subject"].string() == "bob");
  CHECK(first["subjects"].number() == 3);
  CHECK(first["version"].string() == watcher.roster().version);
  const Json second = page("?_limit=2&_after=" + first["next"].string());
  CHECK(second["members"].size() == 1);
  CHECK(second["members"][0]["subject"].string() == "cid");
  CHECK(second["next"].is_null());
  CHECK(page("?id=nobody")["members"].size() == 0);
  check_refused(http_get(tako.edge(), "/_tako/channels/room/presence", named("muted-ann")), 403,
                "forbidden");
  check_refused(http_get(tako.edge(), "/_tako/channels/bare/presence", named("ann")), 400,
                "presence-off");
  check_refused(http_get(tako.edge(), "/_tako/channels/room/presence?_limit=0", named("ann")), 400,
                "bad-request");
}

TEST_CASE("where only counts are listed, browsers get no members and the app does") {
  Cluster tako(with_presence());
  allow_names(tako.app());
  WsClient ann = join(tako, "ann", "hall", "_presence=counts");
  while (expect(ann, "tako.occupancy")["data"]["subjects"].number() != 1) {
  }
  const HttpResponse seen = http_get(tako.edge(), "/_tako/channels/hall/presence", named("bob"));
  REQUIRE(seen.status == 200);
  CHECK(seen.json()["members"].size() == 0);
  CHECK(seen.json()["subjects"].number() == 1);
  CHECK(tako.api("GET", "/v1/channels/hall/presence").json()["members"].size() == 1);
}
