// Presence over the link and back.
#include "edge/link_presence_codec.h"

#include <doctest/doctest.h>

using namespace tako;
using namespace tako::edge;

namespace {

void fill_member(proto::PresenceMember& member, const std::string& subject) {
  member.set_subject(subject);
  member.set_info("{}");
  member.set_data("1");
  member.set_since_ms(7);
}

void fill_version(proto::PresenceVersion& version, std::uint64_t number) {
  version.set_number(number);
  version.set_epoch(9);
}

const PresenceMember kAnn{.subject = "ann", .info = "{}", .data = "1", .since_ms = 7};

}  // namespace

TEST_CASE("a list is read with its version and members") {
  proto::BrokerItem item;
  item.mutable_presence_list()->set_channel(3);
  fill_version(*item.mutable_presence_list()->mutable_version(), 5);
  fill_member(*item.mutable_presence_list()->add_members(), "ann");
  CHECK(presence_channel_of(item) == 3);
  const auto list = std::get<MemberList>(presence_news_from(item));
  CHECK(list.version == PresenceVersion{5, {9}});
  CHECK(list.members == std::vector{kAnn});
}

TEST_CASE("changes are read in their order, with actions and reasons") {
  proto::BrokerItem item;
  proto::PresenceChanges& changes = *item.mutable_presence_changes();
  changes.set_channel(4);
  fill_version(*changes.mutable_after(), 5);
  fill_version(*changes.mutable_version(), 8);
  proto::PresenceChange& entered = *changes.add_changes();
  entered.set_action(proto::PRESENCE_ENTER);
  fill_member(*entered.mutable_member(), "ann");
  changes.add_changes()->set_action(proto::PRESENCE_UPDATE);
  proto::PresenceChange& gone = *changes.add_changes();
  gone.set_action(proto::PRESENCE_LEAVE);
  gone.mutable_member()->set_subject("bob");
  gone.set_reason(proto::PRESENCE_REVOKED);
  CHECK(presence_channel_of(item) == 4);
  const auto read = std::get<PresenceChanges>(presence_news_from(item));
  CHECK(read.after == PresenceVersion{5, {9}});
  CHECK(read.version == PresenceVersion{8, {9}});
  REQUIRE(read.changes.size() == 3);
  CHECK(read.changes[0] == PresenceChange{.action = PresenceAction::Enter, .member = kAnn});
  CHECK(read.changes[1].action == PresenceAction::Update);
  CHECK(read.changes[2].action == PresenceAction::Leave);
  CHECK(read.changes[2].member.subject == "bob");
  CHECK(read.changes[2].reason == PresenceEnd::Revoked);
}

TEST_CASE("counts and refusals are read") {
  proto::BrokerItem counts;
  counts.mutable_presence_counts()->set_channel(5);
  counts.mutable_presence_counts()->set_connections(12);
  counts.mutable_presence_counts()->set_subjects(9);
  CHECK(presence_channel_of(counts) == 5);
  CHECK(std::get<PresenceCounts>(presence_news_from(counts)) ==
        PresenceCounts{.connections = 12, .subjects = 9});
  proto::BrokerItem refused;
  refused.mutable_presence_refused()->set_channel(6);
  refused.mutable_presence_refused()->set_session(2);
  refused.mutable_presence_refused()->set_error(
      static_cast<std::uint32_t>(ErrorCode::PresenceFull));
  refused.mutable_presence_refused()->set_error_detail("10 are here");
  CHECK(presence_channel_of(refused) == 6);
  const auto refusal = std::get<PresenceRefusal>(presence_news_from(refused));
  CHECK(refusal.session == 2);
  CHECK(refusal.error.code == ErrorCode::PresenceFull);
  CHECK(refusal.error.message() == "10 are here");
}

TEST_CASE("what the edge says is written whole") {
  const ChannelIdentity channel{.app = "a", .name = "c", .key = "c?x=1", .params_json = "{}"};
  proto::PresenceOpen open;
  fill(open, 3, channel, {.connections = 2, .wants_list = true, .wants_counts = false},
       PresenceVersion{5, {9}});
  CHECK(open.channel() == 3);
  CHECK(open.app() == "a");
  CHECK(open.name() == "c");
  CHECK(open.key() == "c?x=1");
  CHECK(open.params_json() == "{}");
  CHECK(open.connections() == 2);
  CHECK(open.wants_list());
  CHECK_FALSE(open.wants_counts());
  CHECK(open.has().number() == 5);
  CHECK(open.has().epoch() == 9);
  proto::PresenceOpen fresh;
  fill(fresh, 3, channel, {}, std::nullopt);
  CHECK_FALSE(fresh.has_has());
  proto::PresenceSession session;
  fill(session, 3, 4, {.subject = "ann", .info = "{}", .data = "1", .data_set_ms = 7});
  CHECK(session.channel() == 3);
  CHECK(session.session() == 4);
  CHECK(session.subject() == "ann");
  CHECK(session.info() == "{}");
  CHECK(session.data() == "1");
  CHECK(session.data_set_ms() == 7);
}

TEST_CASE("the numbers of reasons are those of the link") {
  CHECK(static_cast<int>(PresenceEnd::Lost) == proto::PRESENCE_LOST);
  CHECK(static_cast<int>(PresenceEnd::Left) == proto::PRESENCE_LEFT);
  CHECK(static_cast<int>(PresenceEnd::Expired) == proto::PRESENCE_EXPIRED);
  CHECK(static_cast<int>(PresenceEnd::Revoked) == proto::PRESENCE_REVOKED);
}
