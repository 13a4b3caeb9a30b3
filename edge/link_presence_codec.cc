// Field by field between protobuf and what the edge knows of presence.
#include "edge/link_presence_codec.h"

#include <utility>

namespace tako::edge {
namespace {

PresenceVersion version_from(const proto::PresenceVersion& version) {
  return {.number = version.number(), .epoch = {version.epoch()}};
}

PresenceMember member_from(proto::PresenceMember& member) {
  return {.subject = std::move(*member.mutable_subject()),
          .info = std::move(*member.mutable_info()),
          .data = std::move(*member.mutable_data()),
          .since_ms = member.since_ms()};
}

// Of a newer broker's reasons and actions we know the nearest.
PresenceEnd reason_from(proto::PresenceGoneReason reason) {
  switch (reason) {
    case proto::PRESENCE_LEFT:
      return PresenceEnd::Left;
    case proto::PRESENCE_EXPIRED:
      return PresenceEnd::Expired;
    case proto::PRESENCE_REVOKED:
      return PresenceEnd::Revoked;
    default:
      return PresenceEnd::Lost;
  }
}

PresenceAction action_from(proto::PresenceAction action) {
  switch (action) {
    case proto::PRESENCE_ENTER:
      return PresenceAction::Enter;
    case proto::PRESENCE_LEAVE:
      return PresenceAction::Leave;
    default:
      return PresenceAction::Update;
  }
}

PresenceNews list_from(proto::PresenceList& list) {
  MemberList out;
  out.version = version_from(list.version());
  out.members.reserve(static_cast<std::size_t>(list.members_size()));
  for (proto::PresenceMember& member : *list.mutable_members()) {
    out.members.push_back(member_from(member));
  }
  return out;
}

PresenceNews changes_from(proto::PresenceChanges& changes) {
  PresenceChanges out;
  out.after = version_from(changes.after());
  out.version = version_from(changes.version());
  out.changes.reserve(static_cast<std::size_t>(changes.changes_size()));
  for (proto::PresenceChange& change : *changes.mutable_changes()) {
    out.changes.push_back({.action = action_from(change.action()),
                           .member = member_from(*change.mutable_member()),
                           .reason = reason_from(change.reason())});
  }
  return out;
}

}  // namespace

ChannelNumber presence_channel_of(const proto::BrokerItem& item) {
  switch (item.item_case()) {
    case proto::BrokerItem::kPresenceList:
      return item.presence_list().channel();
    case proto::BrokerItem::kPresenceChanges:
      return item.presence_changes().channel();
    case proto::BrokerItem::kPresenceCounts:
      return item.presence_counts().channel();
    default:
      return item.presence_refused().channel();
  }
}

PresenceNews presence_news_from(proto::BrokerItem& item) {
  switch (item.item_case()) {
    case proto::BrokerItem::kPresenceList:
      return list_from(*item.mutable_presence_list());
    case proto::BrokerItem::kPresenceChanges:
      return changes_from(*item.mutable_presence_changes());
    case proto::BrokerItem::kPresenceCounts:
      return PresenceCounts{.connections = item.presence_counts().connections(),
                            .subjects = item.presence_counts().subjects()};
    default: {
      const proto::PresenceRefused& refused = item.presence_refused();
      return PresenceRefusal{
          .session = refused.session(),
          .error = {error_code_from_number(refused.error()), refused.error_detail(), 0}};
    }
  }
}

void fill(proto::PresenceOpen& out, ChannelNumber number, const ChannelIdentity& channel,
          const PresenceReport& report, const std::optional<PresenceVersion>& has) {
  out.set_channel(number);
  out.set_app(channel.app);
  out.set_name(channel.name);
  out.set_key(channel.key);
  out.set_params_json(channel.params_json);
  out.set_connections(report.connections);
  out.set_wants_list(report.wants_list);
  out.set_wants_counts(report.wants_counts);
  if (!has) return;
  out.mutable_has()->set_number(has->number);
  out.mutable_has()->set_epoch(has->epoch.value);
}

void fill(proto::PresenceSession& out, ChannelNumber number, std::uint64_t session,
          const PresenceListing& listing) {
  out.set_channel(number);
  out.set_session(session);
  out.set_subject(std::string(listing.subject));
  out.set_info(std::string(listing.info));
  out.set_data(std::string(listing.data));
  out.set_data_set_ms(listing.data_set_ms);
}

}  // namespace tako::edge
