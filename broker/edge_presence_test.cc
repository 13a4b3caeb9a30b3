// Edges say who is there, and what they are told by versions is the truth.
#include "broker/edge_presence.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/state/test_state.h"
#include "broker/test_edge.h"

namespace tako::broker {
namespace {

constexpr std::string_view kRooms = R"({"definitions":[
  {"name":"room","auth":false,"presence":{"membersMax":50}},
  {"name":"hall","auth":false,"presence":{"list":"counts"}},
  {"name":"plain","auth":false}]})";

using Wire = std::tuple<std::string, std::string, std::int64_t>;  // info, data, since

// What a client's list is: made of lists and changes alone, each judged by its versions.
struct HeldList {
  void take(const proto::PresenceList& list) {
    members.clear();
    for (const proto::PresenceMember& member : list.members()) put(member);
    version = list.version();
    ++lists;
  }
  void take(const proto::PresenceChanges& changes) {
    REQUIRE(version.has_value());
    CHECK(changes.after().number() == version->number());
    CHECK(changes.after().epoch() == version->epoch());
    CHECK(changes.version().number() > version->number());
    CHECK(changes.version().epoch() == version->epoch());
    for (const proto::PresenceChange& change : changes.changes()) {
      const std::string& subject = change.member().subject();
      const bool is_enter = change.action() == proto::PRESENCE_ENTER;
      CHECK(members.contains(subject) != is_enter);
      if (change.action() == proto::PRESENCE_LEAVE) {
        CHECK(change.member().data().empty());
        members.erase(subject);
      } else {
        put(change.member());
      }
    }
    version = changes.version();
    ++frames;
  }
  void put(const proto::PresenceMember& member) {
    members[member.subject()] = {member.info(), member.data(), member.since_ms()};
  }

  std::map<std::string, Wire> members;
  std::optional<proto::PresenceVersion> version;
  std::optional<std::pair<std::size_t, std::size_t>> counts;
  int lists = 0;
  int frames = 0;
  std::vector<std::pair<std::uint64_t, ErrorCode>> refused;
};

struct PresenceBench : LinkBench {
  explicit PresenceBench(StateStore* durable = nullptr, RuntimeLimits changed = {},
                         std::int64_t later_ms = 0)
      : LinkBench(changed, durable) {
    clock.advance(later_ms);
    random = SeededRandom(static_cast<std::uint64_t>(later_ms));  // Epochs of its own.
    define(kRooms);
    presence.restore();
  }
  void define(std::string_view definitions) {
    registry.put("default", definitions, [](const Result<DefinitionsPut>& /*put*/) {});
  }
};

// An edge with clients.
class Peer {
 public:
  explicit Peer(PresenceBench& bench, std::uint64_t instance = 1) : edge_(bench) {
    edge_.hello("edge", instance);
  }

  void open(std::uint32_t number, const std::string& name, std::uint32_t connections = 1) {
    proto::EdgeFrame frame;
    proto::PresenceOpen& open = *frame.add_items()->mutable_presence_open();
    open.set_channel(number);
    open.set_app("default");
    open.set_name(name);
    open.set_key(name);
    open.set_connections(connections);
    open.set_wants_list(true);
    open.set_wants_counts(true);
    const HeldList& held = lists[number];
    if (held.version) *open.mutable_has() = *held.version;
    say(frame);
  }
  void close(std::uint32_t number) {
    proto::EdgeFrame frame;
    frame.add_items()->mutable_presence_close()->set_channel(number);
    say(frame);
  }
  void enter(std::uint32_t number, std::uint64_t session, const std::string& subject,
             const std::string& data = {}, std::int64_t data_set_ms = 0) {
    proto::EdgeFrame frame;
    proto::PresenceSession& said = *frame.add_items()->mutable_presence_session();
    said.set_channel(number);
    said.set_session(session);
    said.set_subject(subject);
    said.set_data(data);
    said.set_data_set_ms(data_set_ms);
    say(frame);
  }
  void gone(std::uint32_t number, std::uint64_t session, proto::PresenceGoneReason reason) {
    proto::EdgeFrame frame;
    proto::PresenceGone& gone = *frame.add_items()->mutable_presence_gone();
    gone.set_channel(number);
    gone.set_session(session);
    gone.set_reason(reason);
    say(frame);
  }
  void say(const proto::EdgeFrame& frame) {
    edge_.say(frame);
    take();
  }
  // Ends the turn, and takes what came.
  void turn() {
    edge_.turn();
    take();
  }
  void read_on() {
    edge_.read_on();
    take();
  }
  void stop_reading() { edge_.is_reading = false; }
  [[nodiscard]] const std::string& close_reason() const { return edge_.close_reason; }
  [[nodiscard]] std::string subjects(std::uint32_t number) {
    std::string joined;
    for (const auto& [subject, member] : lists[number].members) joined += subject + ' ';
    return joined;
  }

  std::map<std::uint32_t, HeldList> lists;

 private:
  void take() {
    for (const proto::BrokerItem& item : std::exchange(edge_.items, {})) {
      if (item.has_presence_list())
        lists[item.presence_list().channel()].take(item.presence_list());
      if (item.has_presence_changes()) {
        lists[item.presence_changes().channel()].take(item.presence_changes());
      }
      if (item.has_presence_counts()) {
        const proto::PresenceCounts& counts = item.presence_counts();
        lists[counts.channel()].counts = {counts.connections(), counts.subjects()};
      }
      if (item.has_presence_refused()) {
        const proto::PresenceRefused& refused = item.presence_refused();
        lists[refused.channel()].refused.emplace_back(refused.session(),
                                                      error_code_from_number(refused.error()));
      }
    }
  }

  TestEdge edge_;
};

TEST_CASE("an edge gets the list first, then what changes, each once per interval") {
  PresenceBench bench;
  Peer one(bench, 1);
  Peer two(bench, 2);
  one.open(7, "room", 2);
  CHECK(one.lists[7].lists == 1);
  one.enter(7, 1, "ann", "1", 5);
  two.open(9, "room", 1);
  CHECK(two.subjects(9) == "ann ");
  bench.clock.advance(100);
  bench.presence.tick();
  one.turn();
  CHECK(one.subjects(7) == "ann ");
  CHECK(one.lists[7].counts == std::pair<std::size_t, std::size_t>{3, 1});

  bench.clock.advance(100);
  two.enter(9, 1, "bob");
  CHECK(two.subjects(9) == "ann bob ");  // The first after a quiet time.
  one.turn();
  const int frames = one.lists[7].frames;
  for (int i = 0; i < 10; ++i) two.enter(9, 2, "cid", std::to_string(i), 10 + i);
  one.turn();
  for (std::uint32_t i = 3; i < 6; ++i) one.open(7, "room", i);  // Its own clients come.
  CHECK(one.lists[7].frames == frames);
  CHECK(one.lists[7].counts == std::pair<std::size_t, std::size_t>{3, 2});
  bench.clock.advance(100);
  bench.presence.tick();
  one.turn();
  CHECK(one.lists[7].frames == frames + 1);
  CHECK(one.subjects(7) == "ann bob cid ");
  CHECK(one.lists[7].counts == std::pair<std::size_t, std::size_t>{6, 3});
  CHECK(one.lists[7].lists == 1);
}

TEST_CASE("an edge that links again goes on by its version, and gets a list when it is too old") {
  PresenceBench bench;
  bench.clock.advance(10'000);
  auto one = std::make_unique<Peer>(bench, 1);
  Peer two(bench, 2);
  one->open(1, "room");
  two.open(1, "room");
  two.enter(1, 1, "ann");
  bench.clock.advance(100);
  bench.presence.tick();
  one->turn();
  HeldList held = one->lists[1];
  CHECK(held.members.size() == 1);
  one.reset();
  two.enter(1, 2, "bob");

  Peer again(bench, 1);
  again.lists[1] = held;
  again.open(1, "room");
  bench.clock.advance(100);
  bench.presence.tick();
  again.turn();
  CHECK(again.lists[1].lists == held.lists);
  CHECK(again.subjects(1) == "ann bob ");

  held = again.lists[1];
  again.close(1);
  for (int i = 0; i < 200; ++i) two.enter(1, 3, "cid", std::to_string(i), i + 1);
  again.lists[1] = held;
  again.open(1, "room");
  bench.clock.advance(100);
  bench.presence.tick();
  again.turn();
  CHECK(again.lists[1].lists == held.lists + 1);
  CHECK(again.subjects(1) == "ann bob cid ");
}

TEST_CASE("sessions of a link that ends are lost; those that are said again never left") {
  PresenceBench bench;
  Peer watcher(bench, 2);
  watcher.open(1, "room");
  auto one = std::make_unique<Peer>(bench, 1);
  one->open(1, "room", 3);
  one->enter(1, 1, "ann");
  one->enter(1, 2, "bob");
  one.reset();
  CHECK(bench.presence.members() == 2);
  Peer again(bench, 1);
  again.open(1, "room", 1);
  again.enter(1, 1, "ann");
  bench.clock.advance(5'000);
  bench.presence.tick();
  watcher.turn();
  CHECK(watcher.subjects(1) == "ann ");
  CHECK(watcher.lists[1].counts == std::pair<std::size_t, std::size_t>{2, 1});
}

TEST_CASE("a channel of counts tells counts, and no list") {
  PresenceBench bench;
  Peer one(bench);
  one.open(1, "hall", 4);
  one.enter(1, 1, "ann");
  bench.clock.advance(100);
  bench.presence.tick();
  one.turn();
  CHECK(one.lists[1].counts == std::pair<std::size_t, std::size_t>{4, 1});
  CHECK(one.lists[1].lists == 0);
}

TEST_CASE("sessions that can't be listed are refused, and their connection counts") {
  PresenceBench bench;
  Peer one(bench);
  one.open(1, "plain");
  one.enter(1, 1, "ann");
  one.enter(2, 2, "ann");  // Nothing was opened.
  one.open(3, "room", 60);
  for (std::uint64_t i = 0; i < 51; ++i) one.enter(3, i, std::to_string(i));
  one.enter(3, 7, "7", std::string(2'000, '1'), 5);  // It is taken off.
  one.enter(3, 99, "");
  using Refused = std::vector<std::pair<std::uint64_t, ErrorCode>>;
  CHECK(one.lists[1].refused == Refused{{1, ErrorCode::PresenceOff}});
  CHECK(one.lists[2].refused == Refused{{2, ErrorCode::PresenceOff}});
  CHECK(one.lists[3].refused == Refused{{50, ErrorCode::PresenceFull},
                                        {7, ErrorCode::PayloadTooLarge},
                                        {99, ErrorCode::Forbidden}});
  bench.clock.advance(100);
  bench.presence.tick();
  CHECK(bench.presence.members() == 49);
  one.turn();
  CHECK(one.lists[3].counts == std::pair<std::size_t, std::size_t>{60, 49});
}

TEST_CASE("a session of a stay that was taken away enters anew when it speaks again") {
  PresenceBench bench;
  Peer one(bench);
  one.open(1, "room");
  one.enter(1, 1, "ann");
  CHECK(bench.presence.disconnect("default", "ann", "", "") == 1);
  one.enter(1, 1, "ann");
  CHECK(bench.presence.members() == 1);
  one.gone(1, 1, proto::PRESENCE_EXPIRED);
  CHECK(bench.presence.members() == 0);
}

TEST_CASE(
    "after a start without a state an edge with clients' lists is told when the grace is over") {
  PresenceBench bench;
  Peer old(bench, 1);
  Peer fresh(bench, 2);
  old.lists[1].version.emplace().set_number(3);
  old.open(1, "room");
  fresh.open(1, "room");
  CHECK(fresh.lists[1].lists == 1);
  old.enter(1, 1, "ann");
  bench.clock.advance(4'999);
  bench.presence.tick();
  old.turn();
  CHECK(old.lists[1].lists == 0);
  CHECK_FALSE(old.lists[1].counts.has_value());
  bench.clock.advance(1 + 100);  // And the interval since the others were told.
  bench.presence.tick();
  old.turn();
  CHECK(old.lists[1].counts == std::pair<std::size_t, std::size_t>{2, 1});
  CHECK(old.subjects(1) == "ann ");
}

TEST_CASE("an edge that does not read is told the list, or the changes, when it does") {
  PresenceBench bench(nullptr, RuntimeLimits{.link_outbox_bytes_max = 1'024});
  Peer slow(bench, 1);
  Peer one(bench, 2);
  slow.open(1, "room");
  one.open(1, "room");
  slow.stop_reading();
  for (int i = 0; i < 500; ++i) {
    one.enter(1, 1, "ann", std::to_string(i), i + 1);
    one.enter(1, 2 + static_cast<std::uint64_t>(i % 3), "bob" + std::to_string(i % 3));
    bench.clock.advance(100);
    bench.presence.tick();
    slow.turn();
  }
  slow.read_on();
  one.turn();
  CHECK(slow.lists[1].members == one.lists[1].members);
  CHECK(slow.lists[1].frames < 100);
  CHECK(slow.close_reason().empty());
}

TEST_CASE("an edge with clients on more channels than there may be is hung up on") {
  PresenceBench bench(nullptr, RuntimeLimits{.feeds_max = 1});
  Peer one(bench);
  one.open(1, "room");
  one.open(1, "room", 5);
  CHECK(one.close_reason().empty());
  one.open(2, "hall");
  CHECK_FALSE(one.close_reason().empty());
  CHECK(bench.counters.feeds_max == 1);
}

// ---- The storm: several edges, whatever happens, in any order.

struct Storm {
  Storm(std::uint64_t seed, StateStore* state) : random(seed), durable(state) {
    for (std::uint64_t i = 0; i < kEdges; ++i) link(i);
  }

  static constexpr std::uint64_t kEdges = 3;
  static constexpr std::uint32_t kRoom = 1;

  void link(std::uint64_t index) {
    // What the edge's clients hold outlives its link.
    HeldList held;
    if (edges[index]) held = edges[index]->lists[kRoom];
    edges[index].reset();
    relink(index, std::move(held));
  }
  void relink(std::uint64_t index, HeldList held) {
    edges[index] = std::make_unique<Peer>(*bench, index + 1);
    held.refused.clear();
    edges[index]->lists[kRoom] = held;
    edges[index]->open(kRoom, "room", 1);
    for (const auto& [session, subject] : sessions[index]) {
      edges[index]->enter(kRoom, session, subject);
    }
  }
  // Another broker, a second later; clients stay with their edges.
  void restart() {
    const std::int64_t passed_ms = bench->clock.wall_ms() - FakeClock().wall_ms() + 1'000;
    if (random.below(2) == 0) bench->presence.freeze();  // It ended in order; else it was killed.
    HeldList held[kEdges];
    for (std::uint64_t i = 0; i < kEdges; ++i) {
      held[i] = edges[i]->lists[kRoom];
      edges[i].reset();
    }
    bench = std::make_unique<PresenceBench>(durable, RuntimeLimits{}, passed_ms);
    for (std::uint64_t i = 0; i < kEdges; ++i) relink(i, std::move(held[i]));
  }
  void step() {
    const std::uint64_t index = random.below(kEdges);
    Peer& edge = *edges[index];
    const std::uint64_t session = random.below(12) + (random.below(4) == 0 ? 98 : 0);
    const bool is_used = sessions[index].contains(session);
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
        if (is_used) return say(index, session, sessions[index][session]);
        return say(index, session, "s" + std::to_string(random.below(8)));
      case 3:
      case 4:
        if (!is_used) return;
        sessions[index].erase(session);
        edge.gone(kRoom, session, static_cast<proto::PresenceGoneReason>(random.below(4)));
        return;
      case 5:
        return pass(static_cast<std::int64_t>(random.below(3'000)));
      case 6:
        return random.below(2) == 0 ? edge.stop_reading() : edge.read_on();
      case 7:
        if (random.below(4) == 0) link(index);
        return;
      case 8:
        if (random.below(50) == 0) restart();
        if (random.below(4) == 0) revoke("s" + std::to_string(random.below(8)));
        return;
      default:
        return pass(static_cast<std::int64_t>(random.below(200)));
    }
  }
  void say(std::uint64_t index, std::uint64_t session, const std::string& subject) {
    sessions[index][session] = subject;
    edges[index]->enter(kRoom, session, subject, std::to_string(random.below(3)),
                        static_cast<std::int64_t>(bench->clock.wall_ms()));
  }
  // The edges hear of it later: meanwhile the subject may be let in again.
  void revoke(const std::string& subject) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ended;
    for (std::uint64_t index = 0; index < kEdges; ++index) {
      std::erase_if(sessions[index], [&](const auto& entry) {
        if (entry.second == subject) ended.emplace_back(index, entry.first);
        return entry.second == subject;
      });
    }
    bench->presence.disconnect("default", subject, "", "");
    const std::uint64_t again = 100 + random.below(10);
    if (random.below(2) == 0 && !sessions[0].contains(again)) say(0, again, subject);
    for (const auto& [index, session] : ended) {
      if (sessions[index].contains(session)) continue;  // By the same number.
      edges[index]->gone(kRoom, session, proto::PRESENCE_REVOKED);
    }
  }
  void pass(std::int64_t ms) {
    bench->clock.advance(ms);
    bench->presence.tick();
    for (const auto& edge : edges) edge->turn();
  }
  // When all is quiet, every list is the truth: those who have a session, and nobody else.
  void check() {
    for (const auto& edge : edges) edge->read_on();
    pass(6'000);
    pass(200);
    std::set<std::string> truth;
    for (const auto& each : sessions) {
      for (const auto& [session, subject] : each) truth.insert(subject);
    }
    const PresenceChannel* room = bench->presence.find("default", "room");
    REQUIRE(room != nullptr);
    std::map<std::string, Wire> members;
    for (const PresenceMemberPtr& member : room->list()) {
      members[member->subject] = {member->info, member->data, member->since_ms};
      CHECK(truth.contains(member->subject));
    }
    CHECK(members.size() == truth.size());
    for (const auto& edge : edges) {
      CHECK(edge->lists[kRoom].members == members);
      REQUIRE(edge->lists[kRoom].version.has_value());
      CHECK(edge->lists[kRoom].version->number() == room->history().version().offset);
      CHECK(edge->lists[kRoom].counts ==
            std::pair<std::size_t, std::size_t>{kEdges, members.size()});
    }
  }

  SeededRandom random;
  StateStore* durable;
  std::unique_ptr<PresenceBench> bench = std::make_unique<PresenceBench>(durable);
  std::map<std::uint64_t, std::string> sessions[kEdges];
  std::unique_ptr<Peer> edges[kEdges];
};

TEST_CASE("through a storm of all that can happen, lists and changes by version give the truth") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    TestState state;
    Storm storm(seed, seed % 2 == 0 ? &state : nullptr);
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 400; ++i) storm.step();
      storm.check();
    }
    if (seed % 2 == 0) CHECK(state.rows.size() == storm.bench->presence.members());
  }
}

}  // namespace
}  // namespace tako::broker
