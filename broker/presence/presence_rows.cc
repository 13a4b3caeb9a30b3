// Keys that no two members share; values as proto/state.proto has them.
#include "broker/presence/presence_rows.h"

#include <utility>

#include "common/channel_name.h"
#include "proto/state.pb.h"

namespace tako::broker {
namespace {

constexpr std::string_view kMember = "member/";
constexpr std::string_view kOccupied = "occupied/";

std::string occupied_key(const ChannelIdentity& channel) {
  return std::string(kOccupied) + make_qualified_key(channel.app, channel.key);
}

// The channel's own key is length-prefixed in front of the subject.
std::string member_key(const ChannelIdentity& channel, std::string_view subject) {
  return std::string(kMember) +
         make_qualified_key(make_qualified_key(channel.app, channel.key), subject);
}

template <typename Row>
ChannelIdentity channel_of(Row& row) {
  std::string name = row.key().substr(0, row.key().find('?'));
  return {.app = std::move(*row.mutable_app()),
          .name = std::move(name),
          .key = std::move(*row.mutable_key()),
          .params_json = std::move(*row.mutable_params_json())};
}

}  // namespace

void PresenceRows::put_member(const ChannelIdentity& channel, const PresenceMember& member) {
  if (!store_.is_durable()) return;
  proto::MemberRow row;
  row.set_app(channel.app);
  row.set_key(channel.key);
  row.set_params_json(channel.params_json);
  row.set_subject(member.subject);
  row.set_info(member.info);
  row.set_data(member.data);
  row.set_data_set_ms(member.data_set_ms);
  row.set_since_ms(member.since_ms);
  store_.put(member_key(channel, member.subject), row.SerializeAsString());
}

void PresenceRows::erase_member(const ChannelIdentity& channel, std::string_view subject) {
  if (store_.is_durable()) store_.erase(member_key(channel, subject));
}

void PresenceRows::put_occupied(const ChannelIdentity& channel) {
  if (!store_.is_durable()) return;
  proto::OccupiedRow row;
  row.set_app(channel.app);
  row.set_key(channel.key);
  row.set_params_json(channel.params_json);
  store_.put(occupied_key(channel), row.SerializeAsString());
}

void PresenceRows::erase_occupied(const ChannelIdentity& channel) {
  if (store_.is_durable()) store_.erase(occupied_key(channel));
}

std::vector<RecoveredMember> PresenceRows::members() {
  std::vector<RecoveredMember> recovered;
  for (const StateRow& stored : store_.restore(kMember)) {
    proto::MemberRow row;
    if (!row.ParseFromString(stored.value) || row.subject().empty()) continue;
    PresenceMember member{.subject = std::move(*row.mutable_subject()),
                          .info = std::move(*row.mutable_info()),
                          .data = std::move(*row.mutable_data()),
                          .since_ms = row.since_ms(),
                          .data_set_ms = row.data_set_ms()};
    recovered.push_back({channel_of(row), std::move(member)});
  }
  return recovered;
}

std::vector<ChannelIdentity> PresenceRows::occupied() {
  std::vector<ChannelIdentity> recovered;
  for (const StateRow& stored : store_.restore(kOccupied)) {
    proto::OccupiedRow row;
    if (row.ParseFromString(stored.value)) recovered.push_back(channel_of(row));
  }
  return recovered;
}

}  // namespace tako::broker
