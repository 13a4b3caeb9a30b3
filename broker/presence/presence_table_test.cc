// Channels are made, refreshed, told of, forgotten, and known again after a restart.
#include "broker/presence/presence_table.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/channel/test_broker.h"
#include "broker/state/test_state.h"

namespace tako::broker {
namespace {

constexpr std::string_view kWithPresence = R"({"definitions":[
  {"name":"room","auth":false,"presence":true,"paramsSchema":{"type":"object","properties":
    {"id":{"type":"string"}}}},
  {"name":"quiet","auth":false,"webhooks":["channel-vacated"]},
  {"name":"brief","auth":false,"presence":{"graceMs":1000}}]})";

class Journal final : public PresenceEvents {
 public:
  void on_member_entered(const ChannelIdentity& channel, const PresenceMember& member) override {
    lines.push_back(channel.key + " +" + member.subject + member.info + member.data);
  }
  void on_member_left(const ChannelIdentity& channel, const PresenceMember& member,
                      PresenceReason reason) override {
    lines.push_back(channel.key + " -" + member.subject + ' ' + std::string(to_string(reason)));
  }
  void on_channel_occupied(const ChannelIdentity& channel) override {
    lines.push_back(channel.key + " occupied");
  }
  void on_channel_vacated(const ChannelIdentity& channel) override {
    lines.push_back(channel.key + " vacated");
  }
  std::vector<std::string> take() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;
};

using Lines = std::vector<std::string>;

class SilentWatcher final : public PresenceWatcher {
 public:
  void on_presence(PresenceChannel& /*channel*/) override { ++told; }
  int told = 0;
};

struct TableBench : TestBroker {
  explicit TableBench(StateStore& state, std::string_view definitions = kWithPresence,
                      RuntimeLimits changed = {})
      : TestBroker(changed),
        presence({.definitions = registry,
                  .state = state,
                  .clock = clock,
                  .random = random,
                  .limits = limits,
                  .limit_counters = counters}) {
    define(definitions);
    presence.set_events(&journal);
    presence.restore();
  }

  void define(std::string_view definitions) {
    registry.put("default", definitions,
                 [](const Result<DefinitionsPut>& put) { REQUIRE(put.has_value()); });
  }
  PresenceChannel& open(const std::string& name) {
    return presence.open(TestBroker::channel(name), watcher);
  }
  MemberId enter(PresenceChannel& channel, const std::string& subject,
                 const std::string& data = {}) {
    const auto entered =
        presence.enter(channel, {.subject = subject, .data = data, .data_set_ms = 1});
    REQUIRE(entered.has_value());
    return *entered;
  }
  void pass(std::int64_t ms) {
    clock.advance(ms);
    presence.tick();
  }

  SilentWatcher watcher;
  Journal journal;
  PresenceTable presence;
};

TEST_CASE("a channel lives while somebody watches, is in it, or may come back") {
  NoStateStore state;
  TableBench bench(state);
  PresenceChannel& channel = bench.open("room");
  CHECK(&bench.open("room") == &channel);
  bench.presence.set_connections(channel, 0, 1);
  const MemberId ann = bench.enter(channel, "ann");
  bench.presence.leave(channel, "ann", ann, PresenceReason::Lost);
  bench.presence.set_connections(channel, 1, 0);
  bench.presence.close(channel, bench.watcher);
  bench.presence.close(channel, bench.watcher);
  CHECK(bench.presence.find("default", "room") == &channel);
  bench.pass(5'000);
  CHECK(bench.presence.find("default", "room") == nullptr);
  CHECK(bench.presence.channels() == 0);
  CHECK(bench.journal.take() ==
        Lines{"room occupied", "room +ann", "room -ann lost", "room vacated"});
  CHECK(bench.presence.members() == 0);
  CHECK(bench.presence.counters().enters_total == 1);
  CHECK(bench.presence.counters().leaves_total == 1);
}

TEST_CASE("the alarm is set for what is due next, and only earlier than it was") {
  NoStateStore state;
  TableBench bench(state);
  std::string alarms;  // "100 " each
  bench.presence.set_alarm(
      [&](std::chrono::milliseconds wait) { alarms += std::to_string(wait.count()) + ' '; });
  PresenceChannel& room = bench.open("room");
  PresenceChannel& brief = bench.open("brief");
  bench.pass(10'000);  // What a start holds back, and the first telling.
  alarms.clear();
  const MemberId ann = bench.enter(room, "ann");
  bench.presence.leave(room, "ann", ann, PresenceReason::Lost);
  CHECK(alarms == "100 ");
  bench.pass(100);
  CHECK(alarms == "100 4900 ");
  const MemberId bob = bench.enter(brief, "bob");
  bench.presence.leave(brief, "bob", bob, PresenceReason::Lost);
  CHECK(alarms == "100 4900 1000 ");
  bench.pass(400);
  CHECK(alarms == "100 4900 1000 600 ");
}

TEST_CASE(
    "what a kill would take back is not told; a state that can't be written holds nobody up") {
  TestState state;
  TableBench bench(state);
  PresenceChannel& room = bench.open("room");
  bench.pass(10'000);
  bench.pass(100);
  const PresenceVersion before = room.tellable();
  const int told = bench.watcher.told;
  state.is_holding = true;
  static_cast<void>(bench.enter(room, "ann"));
  const PresenceVersion with_ann = room.history().version();
  static_cast<void>(bench.enter(room, "bob"));  // Behind what is being written.
  CHECK(room.tellable() == before);
  CHECK(bench.watcher.told == told);
  state.let_through();
  CHECK(room.tellable() == with_ann);
  CHECK(bench.watcher.told == told + 1);
  bench.pass(100);
  state.let_through(fail(ErrorCode::LogFull));
  CHECK(room.tellable() == room.history().version());
}

TEST_CASE("members of all channels are bounded") {
  NoStateStore state;
  TableBench bench(state, kWithPresence, RuntimeLimits{.presence_all_members_max = 1});
  const MemberId ann = bench.enter(bench.open("room"), "ann");
  PresenceChannel& brief = bench.open("brief");
  const auto refused = bench.presence.enter(brief, {.subject = "bob"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::PresenceFull);
  CHECK(bench.counters.presence_all_members_max == 1);
  CHECK(bench.presence.counters().refused_total == 1);
  bench.presence.leave(bench.open("room"), "ann", ann, PresenceReason::Expired);
  static_cast<void>(bench.enter(brief, "bob"));
}

TEST_CASE("an update that is refused takes the session off the list") {
  NoStateStore state;
  TableBench bench(state);
  PresenceChannel& room = bench.open("room");
  const MemberId ann = bench.enter(room, "ann");
  const auto refused = bench.presence.update(
      room, ann, {.subject = "ann", .data = std::string(2'000, '1'), .data_set_ms = 2});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::PayloadTooLarge);
  bench.pass(100);
  CHECK(bench.journal.take() == Lines{"room +ann", "room -ann left"});
}

TEST_CASE("a disconnected subject is gone everywhere, or where it is meant, lost ones too") {
  NoStateStore state;
  TableBench bench(state);
  PresenceChannel& room = bench.open("room");
  PresenceChannel& brief = bench.open("brief");
  const MemberId ann = bench.enter(room, "ann");
  bench.presence.leave(room, "ann", ann, PresenceReason::Lost);
  for (const char* subject : {"ann", "bob"}) static_cast<void>(bench.enter(brief, subject));
  bench.journal.take();
  CHECK(bench.presence.disconnect("other", "ann", "", "") == 0);
  CHECK(bench.presence.disconnect("default", "ann", "room", "room?id=1") == 0);
  CHECK(bench.presence.disconnect("default", "ann", "room", "") == 1);
  CHECK(bench.presence.disconnect("default", "ann", "", "") == 1);
  CHECK(bench.journal.take() == Lines{"room -ann revoked", "brief -ann revoked"});
  CHECK(bench.presence.disconnect("default", "", "brief", "brief") == 1);
  CHECK(bench.journal.take() == Lines{"brief -bob revoked"});
  static_cast<void>(bench.enter(brief, "cid"));
  CHECK(bench.presence.disconnect("default", "", "brief", "") == 1);
  bench.pass(10'000);
  CHECK(bench.presence.members() == 0);
}

TEST_CASE("a definition that loses its presence ends it; one that gets it begins anew") {
  NoStateStore state;
  TableBench bench(state);
  PresenceChannel& room = bench.open("room");
  static_cast<void>(bench.enter(room, "ann"));
  bench.define(R"({"definitions":[{"name":"room","auth":false}]})");
  bench.presence.tick();
  CHECK(bench.journal.take() == Lines{"room +ann", "room -ann left"});
  const auto off = bench.presence.enter(room, {.subject = "ann"});
  REQUIRE_FALSE(off.has_value());
  CHECK(off.error().code == ErrorCode::PresenceOff);
  bench.define(kWithPresence);
  static_cast<void>(bench.enter(room, "ann"));  // The rule is looked at when it is needed, too.
  CHECK(bench.journal.take() == Lines{"room +ann"});
}

TEST_CASE("a restarted broker knows its members, who have a whole grace to come back") {
  TestState state;
  std::int64_t since = 0;
  {
    TableBench bench(state);
    since = bench.clock.wall_ms();
    PresenceChannel& room = bench.open("room");
    for (const char* subject : {"ann", "bob", "cid"}) {
      static_cast<void>(bench.enter(room, subject, "1"));
    }
    static_cast<void>(bench.presence.disconnect("default", "cid", "", ""));
    CHECK(state.rows.size() == 2);
  }
  TableBench bench(state);
  CHECK(bench.presence.members() == 2);
  bench.pass(4'000);
  PresenceChannel& room = bench.open("room");
  CHECK_FALSE(room.is_holding());
  static_cast<void>(bench.enter(room, "ann", "1"));
  CHECK(room.list()[0]->since_ms == since);
  CHECK(bench.journal.take().empty());
  bench.pass(1'000);
  CHECK(bench.journal.take() == Lines{"room -bob lost"});
  CHECK(state.rows.size() == 1);
}

TEST_CASE("members of a channel that has no presence any more are forgotten at the start") {
  TestState state;
  {
    TableBench bench(state);
    static_cast<void>(bench.enter(bench.open("room"), "ann"));
  }
  TableBench bench(state, R"({"definitions":[{"name":"other","auth":false}]})");
  CHECK(bench.presence.members() == 0);
  CHECK(bench.presence.channels() == 0);
  CHECK(state.rows.empty());
}

TEST_CASE("links that end with the broker take nobody away") {
  TestState state;
  TableBench bench(state);
  PresenceChannel& room = bench.open("room");
  bench.presence.set_connections(room, 0, 1);
  const MemberId ann = bench.enter(room, "ann");
  bench.journal.take();
  bench.presence.freeze();
  bench.presence.leave(room, "ann", ann, PresenceReason::Left);
  bench.presence.set_connections(room, 1, 0);
  bench.presence.close(room, bench.watcher);
  bench.pass(60'000);
  CHECK(bench.journal.take().empty());
  CHECK(state.rows.size() == 1);
}

TEST_CASE("an app that wants to know is told once that a channel is occupied, over restarts") {
  TestState state;
  {
    TableBench bench(state);
    bench.presence.set_connections(bench.open("quiet"), 0, 1);
    bench.presence.set_connections(bench.open("room"), 0, 1);  // Its app asks for no such events.
    CHECK(bench.journal.take() == Lines{"quiet occupied", "room occupied"});
    CHECK(state.rows.size() == 1);
  }
  {
    TableBench bench(state);
    bench.presence.set_connections(bench.open("quiet"), 0, 1);
    bench.pass(10'000);
    CHECK(bench.journal.take().empty());
  }
  TableBench bench(state);
  bench.pass(5'000);
  CHECK(bench.journal.take() == Lines{"quiet vacated"});
  CHECK(state.rows.empty());
}

TEST_CASE("a crowd that is lost at once leaves in shares, and the alarm asks for the next") {
  NoStateStore state;
  TableBench bench(state);
  int alarms = 0;
  bench.presence.set_alarm([&](std::chrono::milliseconds) { ++alarms; });
  PresenceChannel& room = bench.open("room");
  for (int i = 0; i < 5'000; ++i) {
    const std::string subject = std::to_string(i);
    bench.presence.leave(room, subject, bench.enter(room, subject), PresenceReason::Lost);
  }
  bench.pass(5'000);
  CHECK(bench.presence.members() == 3'000);
  const int before = alarms;
  bench.presence.tick();
  CHECK(alarms > before);
  bench.presence.tick();
  CHECK(bench.presence.members() == 0);
}

}  // namespace
}  // namespace tako::broker
