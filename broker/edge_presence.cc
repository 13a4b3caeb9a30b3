// Turns the edge's items into stays, and a channel's history into items.
#include "broker/edge_presence.h"

#include <string>
#include <utility>

#include "broker/edge_frames.h"
#include "common/check.h"

namespace tako::broker {
namespace {

void put_version(proto::PresenceVersion& out, const PresenceVersion& version) {
  out.set_number(version.offset);
  out.set_epoch(version.epoch.value);
}

void put_member(proto::PresenceMember& out, const PresenceMember& member) {
  out.set_subject(member.subject);
  out.set_info(member.info);
  out.set_data(member.data);
  out.set_since_ms(member.since_ms);
}

void put_change(proto::PresenceChange& out, const PresenceChange& change) {
  out.set_action(static_cast<proto::PresenceAction>(change.action));
  put_member(*out.mutable_member(), *change.member);
  if (change.action == PresenceAction::Leave) {
    out.set_reason(static_cast<proto::PresenceGoneReason>(change.reason));
  }
}

// What a newer edge says of a departure is a loss: the mildest.
PresenceReason reason_of(proto::PresenceGoneReason reason) {
  const bool is_known = reason >= proto::PRESENCE_LOST && reason <= proto::PRESENCE_REVOKED;
  return is_known ? static_cast<PresenceReason>(reason) : PresenceReason::Lost;
}

}  // namespace

struct EdgePresence::Room final : PresenceWatcher {
  struct Listed {
    std::string subject;
    MemberId member = 0;
  };

  Room(EdgePresence& owning, Number chosen, const ChannelIdentity& identity)
      : owner(owning), number(chosen), channel(owning.table_.open(identity, *this)) {}

  void on_presence(PresenceChannel& /*channel*/) override {
    if (wants_telling()) owner.mark_dirty(*this);
  }
  [[nodiscard]] bool wants_list_told() const {
    const auto& rule = channel.rule();
    const bool has_list = rule.has_value() && rule->list == PresenceList::Members;
    if (!wants_list || !has_list) return false;
    // A list is told as it is; one that is ahead of the tellable changes waits for them.
    const PresenceVersion& tellable = channel.tellable();
    return !stands_at || stands_at->epoch != tellable.epoch || stands_at->offset < tellable.offset;
  }
  [[nodiscard]] bool wants_telling() const {
    if (is_held && channel.is_holding()) return false;
    return wants_list_told() || (wants_counts && told_count != channel.count());
  }

  EdgePresence& owner;
  const Number number;
  PresenceChannel& channel;
  bool is_dirty = false;
  bool is_held = false;  // it goes on from a list of an earlier broker
  bool wants_list = false;
  bool wants_counts = false;
  std::size_t connections = 0;
  std::optional<PresenceVersion> stands_at;
  std::optional<PresenceCount> told_count;
  std::unordered_map<std::uint64_t, Listed> sessions;
};

EdgePresence::EdgePresence(PresenceTable& table, EdgeOutbox& outbox, FrameSink& sink)
    : table_(table), outbox_(outbox), sink_(sink) {}

EdgePresence::~EdgePresence() { clear(); }

void EdgePresence::open(const proto::PresenceOpen& open) {
  auto& slot = rooms_[open.channel()];
  if (slot == nullptr) {
    slot = std::make_unique<Room>(*this, open.channel(),
                                  ChannelIdentity{.app = open.app(),
                                                  .name = open.name(),
                                                  .key = open.key(),
                                                  .params_json = open.params_json()});
    slot->is_held = open.has_has();
  }
  Room& room = *slot;
  if (open.wants_list() && !room.wants_list && open.has_has()) {
    room.stands_at = PresenceVersion{open.has().number(), Epoch{open.has().epoch()}};
  }
  const bool is_news =
      (open.wants_list() && !room.wants_list) || (open.wants_counts() && !room.wants_counts);
  if (!open.wants_list()) room.stands_at.reset();
  if (!open.wants_counts()) room.told_count.reset();
  room.wants_list = open.wants_list();
  room.wants_counts = open.wants_counts();
  const std::size_t before = std::exchange(room.connections, open.connections());
  table_.set_connections(room.channel, before, room.connections);
  // Whoever is new here is told at once, whatever the others wait for.
  if (is_news && room.wants_telling()) mark_dirty(room);
}

void EdgePresence::close(Number number) {
  const auto found = rooms_.find(number);
  if (found == rooms_.end()) return;
  const auto room = std::move(found->second);
  rooms_.erase(found);
  close(*room);
}

void EdgePresence::close(Room& room) {
  for (const auto& [session, listed] : room.sessions) {
    table_.leave(room.channel, listed.subject, listed.member, PresenceReason::Lost);
  }
  table_.set_connections(room.channel, room.connections, 0);
  table_.close(room.channel, room);
}

void EdgePresence::clear() {
  for (const auto& [number, room] : rooms_) close(*room);
  rooms_.clear();
  dirty_.clear();
}

std::optional<proto::PresenceRefused> EdgePresence::say(proto::PresenceSession& session) {
  const auto refused = [&](const Error& error) {
    proto::PresenceRefused item;
    item.set_channel(session.channel());
    item.set_session(session.session());
    item.set_error(static_cast<std::uint32_t>(error.code));
    item.set_error_detail(error.detail);
    return item;
  };
  const auto found = rooms_.find(session.channel());
  if (found == rooms_.end()) return refused({.code = ErrorCode::PresenceOff, .detail = {}});
  Room& room = *found->second;
  if (session.subject().empty()) return refused({.code = ErrorCode::Forbidden, .detail = {}});
  PresenceSaid said{.subject = std::move(*session.mutable_subject()),
                    .info = std::move(*session.mutable_info()),
                    .data = std::move(*session.mutable_data()),
                    .data_set_ms = session.data_set_ms()};
  const auto known = room.sessions.find(session.session());
  if (known != room.sessions.end()) {
    Room::Listed& listed = known->second;
    const bool is_here =
        listed.subject == said.subject && room.channel.find(said.subject) == listed.member;
    if (is_here) {
      const auto updated = table_.update(room.channel, listed.member, said);
      if (updated) return std::nullopt;
      room.sessions.erase(known);
      return refused(updated.error());
    }
    // Its stay is over (revoked), or it is somebody else now.
    table_.leave(room.channel, listed.subject, listed.member, PresenceReason::Left);
    room.sessions.erase(known);
  }
  const auto entered = table_.enter(room.channel, said);
  if (!entered) return refused(entered.error());
  room.sessions.emplace(session.session(), Room::Listed{std::move(said.subject), *entered});
  return std::nullopt;
}

void EdgePresence::gone(const proto::PresenceGone& gone) {
  const auto found = rooms_.find(gone.channel());
  if (found == rooms_.end()) return;
  Room& room = *found->second;
  const auto listed = room.sessions.extract(gone.session());
  if (listed.empty()) return;  // It was refused.
  table_.leave(room.channel, listed.mapped().subject, listed.mapped().member,
               reason_of(gone.reason()));
}

void EdgePresence::mark_dirty(Room& room) {
  if (std::exchange(room.is_dirty, true)) return;
  dirty_.push_back(room.number);
  sink_.schedule_flush();
}

void EdgePresence::pump_one() {
  TAKO_CHECK(!dirty_.empty());
  const auto found = rooms_.find(dirty_.front());
  dirty_.pop_front();
  if (found == rooms_.end() || !std::exchange(found->second->is_dirty, false)) return;
  if (found->second->wants_telling()) pump(*found->second);
}

void EdgePresence::pump(Room& room) {
  room.is_held = false;
  if (room.wants_list_told()) {
    const bool can_go_on = room.stands_at && room.channel.history().covers(*room.stands_at);
    can_go_on ? tell_changes(room) : tell_list(room);
  }
  if (room.wants_counts && room.told_count != room.channel.count()) tell_counts(room);
}

void EdgePresence::tell_list(Room& room) {
  ++table_.counters().lists_out_total;
  proto::BrokerItem item;
  proto::PresenceList& list = *item.mutable_presence_list();
  list.set_channel(room.number);
  put_version(*list.mutable_version(), room.channel.history().version());
  for (const PresenceMemberPtr& member : room.channel.list()) {
    put_member(*list.add_members(), *member);
  }
  outbox_.add(encode_item(item));
  room.stands_at = room.channel.history().version();
}

void EdgePresence::tell_changes(Room& room) {
  ++table_.counters().changes_out_total;
  proto::BrokerItem item;
  proto::PresenceChanges& changes = *item.mutable_presence_changes();
  changes.set_channel(room.number);
  put_version(*changes.mutable_after(), *room.stands_at);
  const PresenceVersion& upto = room.channel.tellable();
  put_version(*changes.mutable_version(), upto);
  for (const PresenceChange* change : room.channel.history().between(*room.stands_at, upto)) {
    put_change(*changes.add_changes(), *change);
  }
  outbox_.add(encode_item(item));
  room.stands_at = upto;
}

void EdgePresence::tell_counts(Room& room) {
  ++table_.counters().counts_out_total;
  room.told_count = room.channel.count();
  proto::BrokerItem item;
  proto::PresenceCounts& counts = *item.mutable_presence_counts();
  counts.set_channel(room.number);
  counts.set_connections(static_cast<std::uint32_t>(room.told_count->connections));
  counts.set_subjects(static_cast<std::uint32_t>(room.told_count->subjects));
  outbox_.add(encode_item(item));
}

}  // namespace tako::broker
