// Members and counts as the app and browsers are told them.
#include "broker/api/presence.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "broker/api/api_test_parts.h"

namespace tako::broker {
namespace {

class Unheard final : public PresenceWatcher {
 public:
  void on_presence(PresenceChannel& /*channel*/) override {}
};

struct MembersBench : ApiTestParts {
  MembersBench() {
    define(R"([
      {"name":"room","auth":false,"presence":{"membersMax":100000,"dataBytesMax":4096},
       "paramsSchema":{"type":"object","properties":{"id":{"type":"string"}}}},
      {"name":"hall","auth":false,"presence":{"list":"counts"}},
      {"name":"plain","auth":false}])");
  }
  PresenceChannel& open(const std::string& name, const std::string& key) {
    return presence.open({.app = app, .name = name, .key = key, .params_json = "{}"}, watcher);
  }
  void enter(PresenceChannel& channel, PresenceSaid said) {
    REQUIRE(presence.enter(channel, said).has_value());
  }

  Unheard watcher;
};

TEST_CASE("the list is told by subject, in pages, with its version and counts") {
  MembersBench bench;
  PresenceChannel& room = bench.open("room", "room?id=7");
  bench.presence.set_connections(room, 0, 5);
  bench.enter(room, {.subject = "cid"});
  bench.enter(room, {.subject = "a\"b", .info = R"({"n":1})", .data = "true", .data_set_ms = 1});
  const std::string since = std::to_string(bench.clock.wall_ms());
  const std::string version = to_string(room.history().version());
  const ApiAnswer all = bench.ask("GET", "/v1/channels/room/presence?id=7");
  CHECK(all.status == 200);
  CHECK(all.body == R"({"version":")" + version +
                        R"(","connections":5,"subjects":2,"members":[)"
                        R"({"subject":"a\"b","info":{"n":1},"data":true,"since":)" +
                        since + R"(},{"subject":"cid","since":)" + since + R"(}],"next":null})");
  const std::string first = bench.ask("GET", "/v1/channels/room/presence?id=7&_limit=1").body;
  CHECK(first.find(R"("next":"a\"b")") != std::string::npos);
  CHECK(first.find("cid") == std::string::npos);
  const std::string rest =
      bench.ask("GET", "/v1/channels/room/presence?id=7&_after=a%22b&_limit=1").body;
  CHECK(rest.find("cid") != std::string::npos);
  CHECK(rest.find(R"("next":null)") != std::string::npos);
}

TEST_CASE("a channel where nobody is has an empty list") {
  MembersBench bench;
  const ApiAnswer none = bench.ask("GET", "/v1/channels/room/presence?id=8");
  CHECK(none.status == 200);
  CHECK(none.body ==
        R"({"version":"0-00000000","connections":0,"subjects":0,"members":[],"next":null})");
}

TEST_CASE("where only counts are told, browsers see no member and the app sees all") {
  MembersBench bench;
  bench.enter(bench.open("hall", "hall"), {.subject = "ann"});
  CHECK(bench.ask("GET", "/v1/channels/hall/presence").body.find("ann") != std::string::npos);
  const std::string client = bench.ask("GET", "/v1/channels/hall/presence?_view=client").body;
  CHECK(client.find(R"("subjects":1,"members":[],"next":null)") != std::string::npos);
  bench.enter(bench.open("room", "room"), {.subject = "ann"});
  const std::string room = bench.ask("GET", "/v1/channels/room/presence?_view=client").body;
  CHECK(room.find("ann") != std::string::npos);
}

TEST_CASE("a page of long members ends early, and the next one goes on") {
  MembersBench bench;
  PresenceChannel& room = bench.open("room", "room");
  const std::string data = '"' + std::string(4'000, 'x') + '"';
  for (int i = 0; i < 600; ++i) {
    bench.enter(room, {.subject = std::to_string(1'000 + i), .data = data, .data_set_ms = 1});
  }
  const std::string page = bench.ask("GET", "/v1/channels/room/presence?_limit=1000").body;
  CHECK(page.size() < 2'200'000);
  CHECK(page.find(R"("next":"15)") != std::string::npos);
  CHECK(bench.counters.presence_page_bytes_max == 1);
}

TEST_CASE("what can't be answered is refused with its reason") {
  MembersBench bench;
  const auto refused = [&](const std::string& target, std::uint32_t status,
                           const std::string& code) {
    const ApiAnswer answer = bench.ask("GET", "/v1/channels/" + target);
    CHECK(answer.status == status);
    CHECK(answer.body.find('"' + code + '"') != std::string::npos);
  };
  refused("plain/presence", 400, "presence-off");
  refused("none/presence", 404, "channel-unknown");
  refused("room/presence?more=1", 400, "params-invalid");
  refused("room/presence?_from=1", 400, "bad-request");
  refused("room/presence?_view=all", 400, "bad-request");
  refused("room/presence?_limit=0", 400, "bad-request");
  refused("room/presence?_limit=1001", 400, "bad-request");
  CHECK(bench.counters.presence_page_max == 1);
  CHECK(bench.ask("POST", "/v1/channels/room/presence").status == 405);
}

}  // namespace
}  // namespace tako::broker
