// Sessions and losses make members; changes are numbered and told in batches.
#include "broker/presence/presence_channel.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace tako::broker {
namespace {

class Listener final : public PresenceOwner, public PresenceWatcher {
 public:
  [[nodiscard]] MemberId next_member() override { return ++last_id; }
  void on_entered(PresenceChannel& /*channel*/, const PresenceMember& member) override {
    heard.push_back("enter " + member.subject);
  }
  void on_updated(PresenceChannel& /*channel*/, const PresenceMember& member) override {
    heard.push_back("update " + member.subject + ' ' + member.info + member.data);
  }
  void on_left(PresenceChannel& /*channel*/, const PresenceMember& member,
               PresenceReason reason) override {
    heard.push_back("leave " + member.subject + ' ' + std::string(to_string(reason)));
  }
  void on_occupied(PresenceChannel& /*channel*/) override { heard.emplace_back("occupied"); }
  void on_vacated(PresenceChannel& /*channel*/) override { heard.emplace_back("vacated"); }
  void on_due_to_tell(PresenceChannel& channel) override {
    channel.tell(channel.history().version());
  }
  void on_presence(PresenceChannel& /*channel*/) override { ++told; }

  // What was heard since the last call.
  std::vector<std::string> take() { return std::exchange(heard, {}); }

  MemberId last_id = 0;
  int told = 0;
  std::vector<std::string> heard;
};

using Heard = std::vector<std::string>;

struct ChannelBench {
  ChannelBench() { channel.set_rule(rule, now); }

  MemberId enter(const std::string& subject, const std::string& data = {},
                 std::int64_t data_set_ms = 0) {
    const auto entered =
        channel.enter({.subject = subject, .data = data, .data_set_ms = data_set_ms}, true, 1'000);
    REQUIRE(entered.has_value());
    return *entered;
  }
  ErrorCode refuse(const PresenceSaid& said, bool may_grow = true) {
    const auto entered = channel.enter(said, may_grow, 1'000);
    REQUIRE_FALSE(entered.has_value());
    return entered.error().code;
  }
  void leave(const std::string& subject, MemberId member, PresenceReason reason) {
    channel.leave(subject, member, reason, now);
  }
  void pass(std::int64_t ms) {
    now += ms;
    channel.advance(now, 1'000);
  }

  std::int64_t now = 50'000;
  RuntimeLimits limits;
  Listener listener;
  PresenceRule rule;
  PresenceChannel channel{{.app = "default", .name = "chat", .key = "chat", .params_json = "{}"},
                          "7:defaultchat",
                          Epoch{5},
                          listener,
                          limits};
};

TEST_CASE("a member leaves with its last session when that says goodbye") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  CHECK(bench.enter("ann") == ann);  // Another tab.
  CHECK(bench.channel.count().subjects == 1);
  bench.leave("ann", ann, PresenceReason::Left);
  CHECK(bench.listener.take() == Heard{"enter ann"});
  bench.leave("ann", ann, PresenceReason::Left);
  bench.pass(100);
  CHECK(bench.listener.take() == Heard{"leave ann left"});
  CHECK(bench.channel.history().version() == PresenceVersion{2, Epoch{5}});
}

TEST_CASE("a goodbye is none when another session comes right behind it") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  bench.leave("ann", ann, PresenceReason::Left);
  bench.pass(99);
  CHECK(bench.enter("ann") == ann);
  bench.pass(10'000);
  CHECK(bench.listener.take() == Heard{"enter ann"});
  bench.leave("ann", ann, PresenceReason::Revoked);  // No goodbye: at once.
  CHECK(bench.listener.take() == Heard{"leave ann revoked"});
}

TEST_CASE("a goodbye right after a start waits for sessions that were not said again yet") {
  ChannelBench bench;
  bench.channel.restore({.subject = "ann"}, bench.now, 5'000);
  const MemberId ann = bench.enter("ann");
  bench.leave("ann", ann, PresenceReason::Left);
  bench.pass(200);
  CHECK(bench.enter("ann") == ann);  // Of another edge.
  bench.pass(10'000);
  CHECK(bench.listener.take().empty());
  bench.leave("ann", ann, PresenceReason::Left);
  bench.pass(100);
  CHECK(bench.listener.take() == Heard{"leave ann left"});
}

TEST_CASE("a lost member leaves when its grace is over, and not a moment before") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  bench.leave("ann", ann, PresenceReason::Lost);
  CHECK(bench.channel.due_ms() == bench.now + 5'000);
  bench.pass(4'999);
  CHECK(bench.channel.count().subjects == 1);
  bench.pass(1);
  CHECK(bench.listener.take() == Heard{"enter ann", "leave ann lost"});
}

TEST_CASE("whoever is back within the grace never left, and its next goodbye holds at once") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  bench.leave("ann", ann, PresenceReason::Lost);
  bench.pass(4'999);
  CHECK(bench.enter("ann") == ann);
  bench.pass(10'000);
  CHECK(bench.listener.take() == Heard{"enter ann"});
  bench.leave("ann", ann, PresenceReason::Left);  // The loss was taken back: nothing waits for it.
  bench.pass(100);
  CHECK(bench.listener.take() == Heard{"leave ann left"});
}

TEST_CASE("a goodbye waits for another session's loss, which may come back") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  static_cast<void>(bench.enter("ann"));
  bench.leave("ann", ann, PresenceReason::Lost);
  bench.pass(1'000);
  PresenceReason reason = PresenceReason::Left;
  SUBCASE("left") {}
  SUBCASE("expired") { reason = PresenceReason::Expired; }
  SUBCASE("revoked") { reason = PresenceReason::Revoked; }
  bench.leave("ann", ann, reason);
  CHECK(bench.listener.take() == Heard{"enter ann"});
  bench.pass(3'999);
  CHECK(bench.channel.count().subjects == 1);
  bench.pass(1);
  CHECK(bench.listener.take() == Heard{"leave ann lost"});
}

TEST_CASE("of two that were lost one comes back and says goodbye: the other's grace goes on") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  static_cast<void>(bench.enter("ann"));
  bench.leave("ann", ann, PresenceReason::Lost);
  bench.leave("ann", ann, PresenceReason::Lost);
  bench.pass(1'000);
  CHECK(bench.enter("ann") == ann);
  bench.leave("ann", ann, PresenceReason::Left);
  CHECK(bench.listener.take() == Heard{"enter ann"});
  bench.pass(4'000);
  CHECK(bench.listener.take() == Heard{"leave ann lost"});
}

TEST_CASE("the grace runs from the last loss") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  static_cast<void>(bench.enter("ann"));
  bench.leave("ann", ann, PresenceReason::Lost);
  bench.pass(3'000);
  bench.leave("ann", ann, PresenceReason::Lost);
  bench.pass(4'999);
  CHECK(bench.channel.count().subjects == 1);
  bench.pass(1);
  CHECK(bench.channel.count().subjects == 0);
}

TEST_CASE("a session of an earlier stay takes nobody away") {
  ChannelBench bench;
  const MemberId before = bench.enter("ann");
  CHECK(bench.channel.remove("ann", PresenceReason::Revoked));
  CHECK_FALSE(bench.channel.remove("ann", PresenceReason::Revoked));
  const MemberId again = bench.enter("ann");
  CHECK(again != before);
  bench.leave("ann", before, PresenceReason::Revoked);
  CHECK(bench.channel.count().subjects == 1);
  CHECK(bench.listener.take() == Heard{"enter ann", "leave ann revoked", "enter ann"});
}

TEST_CASE("who is taken away is gone with its losses") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  bench.leave("ann", ann, PresenceReason::Lost);
  CHECK(bench.channel.remove("ann", PresenceReason::Revoked));
  bench.pass(10'000);
  CHECK(bench.listener.take() == Heard{"enter ann", "leave ann revoked"});
}

TEST_CASE("without a grace a loss is a leave") {
  ChannelBench bench;
  bench.rule.grace_ms = 0;
  bench.channel.set_rule(bench.rule, bench.now);
  const MemberId ann = bench.enter("ann");
  bench.leave("ann", ann, PresenceReason::Lost);
  CHECK(bench.listener.take() == Heard{"enter ann", "leave ann lost"});
}

TEST_CASE("the newest data holds; the same again, and what is older, is no change") {
  ChannelBench bench;
  static_cast<void>(bench.enter("ann", "1", 100));
  static_cast<void>(bench.enter("ann", "2", 90));  // An edge that links again.
  static_cast<void>(bench.enter("ann"));           // A tab that says none.
  CHECK(bench.listener.take() == Heard{"enter ann"});
  CHECK(bench.channel.update({.subject = "ann", .data = "3", .data_set_ms = 101}).has_value());
  CHECK(bench.channel.update({.subject = "ann", .data = "3", .data_set_ms = 102}).has_value());
  CHECK(bench.channel.update({.subject = "ann", .data = "1", .data_set_ms = 101}).has_value());
  CHECK(bench.listener.take() == Heard{"update ann 3"});
  CHECK(bench.channel.update({.subject = "ann", .data = "", .data_set_ms = 103}).has_value());
  CHECK(bench.listener.take() == Heard{"update ann "});
  CHECK(bench.channel.history().version().offset == 3);
}

TEST_CASE("info is that of the newest session, and outlives it") {
  ChannelBench bench;
  const auto first = bench.channel.enter({.subject = "ann", .info = "1"}, true, 1'000);
  const auto second = bench.channel.enter({.subject = "ann", .info = "2"}, true, 2'000);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(*second == *first);
  bench.leave("ann", *second, PresenceReason::Left);
  CHECK(bench.listener.take() == Heard{"enter ann", "update ann 2"});
  CHECK(bench.channel.list()[0]->since_ms == 1'000);
}

TEST_CASE("members, bytes and sessions are bounded, and who is refused changes nothing") {
  ChannelBench bench;
  bench.rule.members_max = 2;
  bench.rule.data_bytes_max = 4;
  bench.limits.presence_sessions_max = 2;
  bench.channel.set_rule(bench.rule, bench.now);
  CHECK(bench.refuse({.subject = "ann", .info = "12345"}) == ErrorCode::PayloadTooLarge);
  CHECK(bench.refuse({.subject = "ann", .data = "12345"}) == ErrorCode::PayloadTooLarge);
  CHECK(bench.refuse({.subject = "ann"}, false) == ErrorCode::PresenceFull);
  const MemberId ann = bench.enter("ann");
  static_cast<void>(bench.enter("bob"));
  CHECK(bench.refuse({.subject = "cid"}) == ErrorCode::PresenceFull);
  static_cast<void>(bench.enter("ann"));
  CHECK(bench.refuse({.subject = "ann"}) == ErrorCode::PresenceFull);
  bench.leave("ann", ann, PresenceReason::Lost);
  static_cast<void>(bench.enter("ann"));  // It takes the loss's place.
  CHECK(bench.listener.take() == Heard{"enter ann", "enter bob"});
}

TEST_CASE("a list is never longer than one item of a link") {
  ChannelBench bench;
  bench.rule.data_bytes_max = 4'096;
  bench.channel.set_rule(bench.rule, bench.now);
  const std::string data(4'000, '1');
  std::size_t entered = 0;
  while (bench.channel.enter({.subject = std::to_string(entered), .data = data, .data_set_ms = 1},
                             true, 1'000)) {
    ++entered;
  }
  CHECK(entered == limits::kPresenceListBytesMax / (4'000 + 44));
  CHECK(bench.refuse({.subject = "more", .data = data}) == ErrorCode::PresenceFull);
  static_cast<void>(bench.channel.remove("0", PresenceReason::Left));
  CHECK(bench.channel.enter({.subject = "more", .data = data}, true, 1'000).has_value());
}

TEST_CASE("watchers are told at once after a quiet time, then once for each interval") {
  ChannelBench bench;
  bench.channel.watch(bench.listener);
  bench.pass(0);
  bench.pass(100);
  bench.listener.told = 0;
  static_cast<void>(bench.enter("ann"));
  bench.pass(0);
  CHECK(bench.listener.told == 1);
  static_cast<void>(bench.enter("bob"));
  static_cast<void>(bench.enter("cid"));
  bench.pass(99);
  CHECK(bench.listener.told == 1);
  CHECK(bench.channel.due_ms() == bench.now + 1);
  bench.pass(1);
  CHECK(bench.listener.told == 2);
  bench.pass(1'000);
  CHECK(bench.listener.told == 2);
  CHECK_FALSE(bench.channel.due_ms().has_value());
}

TEST_CASE(
    "a channel is occupied by its first client and vacated when the grace after its last is over") {
  ChannelBench bench;
  bench.channel.set_connections(0, 2, bench.now);
  bench.channel.set_connections(0, 3, bench.now);  // Another edge.
  CHECK(bench.channel.count().connections == 5);
  bench.channel.set_connections(2, 0, bench.now);
  bench.channel.set_connections(3, 0, bench.now);
  bench.pass(4'999);
  bench.channel.set_connections(0, 1, bench.now);
  bench.pass(10'000);
  CHECK(bench.listener.take() == Heard{"occupied"});
  bench.channel.set_connections(1, 0, bench.now);
  bench.pass(5'000);
  CHECK(bench.listener.take() == Heard{"vacated"});
  CHECK(bench.channel.is_idle());
}

TEST_CASE("another rule holds for those who are lost; without one everybody leaves") {
  ChannelBench bench;
  const MemberId ann = bench.enter("ann");
  static_cast<void>(bench.enter("bob"));
  bench.leave("ann", ann, PresenceReason::Lost);
  bench.rule.grace_ms = 1'000;
  bench.channel.set_rule(bench.rule, bench.now);
  bench.pass(1'000);
  CHECK(bench.listener.take() == Heard{"enter ann", "enter bob", "leave ann lost"});
  bench.channel.set_rule(std::nullopt, bench.now);
  CHECK(bench.listener.take() == Heard{"leave bob left"});
  CHECK(bench.refuse({.subject = "cid"}) == ErrorCode::PresenceOff);
}

TEST_CASE(
    "members of an earlier broker have a whole grace to come back, of a few seconds at least") {
  ChannelBench bench;
  bench.rule.grace_ms = 0;
  bench.channel.set_rule(bench.rule, bench.now);
  bench.channel.restore({.subject = "ann", .data = "1", .since_ms = 7, .data_set_ms = 3}, bench.now,
                        2'000);
  bench.channel.restore({.subject = "bob"}, bench.now, 2'000);
  bench.pass(1'999);
  static_cast<void>(bench.enter("ann", "1", 3));
  bench.pass(1);
  CHECK(bench.listener.take() == Heard{"leave bob lost"});
  CHECK(bench.channel.list()[0]->since_ms == 7);
}

TEST_CASE("pages of members go by subject") {
  ChannelBench bench;
  for (const char* subject : {"cid", "ann", "bob"}) static_cast<void>(bench.enter(subject));
  const auto first = bench.channel.page("", 2);
  REQUIRE(first.size() == 2);
  CHECK(first[1]->subject == "bob");
  const auto rest = bench.channel.page("bob", 2);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0]->subject == "cid");
}

}  // namespace
}  // namespace tako::broker
