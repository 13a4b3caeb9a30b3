// Owns the channels; visits those that are due.
#include "broker/presence/presence_table.h"

#include <algorithm>

#include "common/channel_name.h"
#include "common/check.h"

namespace tako::broker {
namespace {

// Of one tick(), which takes a few milliseconds then; the rest follows at once, behind others.
constexpr std::size_t kLeavesMax = 2'000;
constexpr std::size_t kChannelsMax = 2'000;
// A restart takes a second or two until every edge has linked again, whatever the grace.
constexpr std::int64_t kStartGraceMsMin = 5'000;

}  // namespace

PresenceTable::PresenceTable(const PresenceParts& parts)
    : parts_(parts), rows_(parts.state), started_ms_(parts.clock.monotonic_ms()) {}

void PresenceTable::set_alarm(std::function<void(std::chrono::milliseconds)> on_alarm) {
  on_alarm_ = std::move(on_alarm);
  alarm_ms_.reset();
  set_next_alarm();
}

void PresenceTable::restore() {
  started_ms_ = parts_.clock.monotonic_ms();
  definitions_seen_ = parts_.definitions.changes();
  is_restoring_ = true;
  restore_members();
  restore_occupied();
  is_restoring_ = false;
}

void PresenceTable::restore_members() {
  for (RecoveredMember& recovered : rows_.members()) {
    Entry& found = find_or_make(recovered.channel);
    if (!found.channel.rule()) {
      rows_.erase_member(recovered.channel, recovered.member.subject);
      settle(found);
      continue;
    }
    index(found.channel, recovered.member.subject);
    ++members_;
    found.channel.restore(std::move(recovered.member), started_ms_, kStartGraceMsMin);
    plan(found);
  }
}

void PresenceTable::restore_occupied() {
  for (const ChannelIdentity& channel : rows_.occupied()) {
    Entry& found = find_or_make(channel);
    found.channel.restore_occupied(started_ms_, kStartGraceMsMin);
    plan(found);
  }
}

PresenceChannel* PresenceTable::find(std::string_view app, std::string_view key) {
  const auto found = by_key_.find(make_qualified_key(app, key));
  if (found == by_key_.end()) return nullptr;
  refresh(*found->second);
  return &found->second->channel;
}

PresenceTable::Entry& PresenceTable::entry(PresenceChannel& channel) {
  const auto found = by_key_.find(channel.qualified_key());
  TAKO_CHECK(found != by_key_.end());
  return *found->second;
}

PresenceTable::Entry& PresenceTable::find_or_make(const ChannelIdentity& identity) {
  std::string qualified_key = make_qualified_key(identity.app, identity.key);
  if (const auto found = by_key_.find(qualified_key); found != by_key_.end()) {
    refresh(*found->second);
    return *found->second;
  }
  PresenceOwner& owner = *this;
  auto made = std::make_unique<Entry>(++last_number_, identity, std::move(qualified_key),
                                      make_epoch(parts_.random.next()), owner, parts_.limits);
  Entry& added = *made;
  by_key_.emplace(added.channel.qualified_key(), &added);
  channels_.emplace(added.number, std::move(made));
  // Until an app has put anything, what an earlier process knew of the channel holds.
  if (parts_.definitions.version(identity.app) == 0 && is_restoring_) {
    added.channel.set_rule(PresenceRule{}, started_ms_);
  }
  refresh(added);
  return added;
}

PresenceChannel& PresenceTable::open(const ChannelIdentity& identity, PresenceWatcher& watcher) {
  Entry& found = find_or_make(identity);
  found.channel.watch(watcher);
  const std::int64_t hold_until_ms =
      started_ms_ + std::max(found.channel.grace_ms(), kStartGraceMsMin);
  if (!rows_.is_durable() && parts_.clock.monotonic_ms() < hold_until_ms) {
    found.channel.hold(hold_until_ms);
  }
  plan(found);
  return found.channel;
}

void PresenceTable::close(PresenceChannel& channel, PresenceWatcher& watcher) {
  channel.unwatch(watcher);
  settle(entry(channel));
}

void PresenceTable::set_connections(PresenceChannel& channel, std::size_t before,
                                    std::size_t after) {
  if (is_frozen_) return;
  channel.set_connections(before, after, parts_.clock.monotonic_ms());
  settle(entry(channel));
}

template <typename Value>
Result<Value> PresenceTable::counted(Result<Value> result) {
  if (result) return result;
  ++counters_.refused_total;
  count_limit(result.error(), parts_.limit_counters);
  return result;
}

Result<MemberId> PresenceTable::enter(PresenceChannel& channel, const PresenceSaid& said) {
  Entry& found = entry(channel);
  refresh(found);
  const bool may_grow = members_ < parts_.limits.presence_all_members_max;
  auto entered = counted(channel.enter(said, may_grow, parts_.clock.wall_ms()));
  settle(found);
  return entered;
}

Result<void> PresenceTable::update(PresenceChannel& channel, MemberId member,
                                   const PresenceSaid& said) {
  Entry& found = entry(channel);
  refresh(found);
  auto updated = counted(channel.update(said));
  if (!updated) {
    channel.leave(said.subject, member, PresenceReason::Left, parts_.clock.monotonic_ms());
  }
  settle(found);
  return updated;
}

void PresenceTable::leave(PresenceChannel& channel, std::string_view subject, MemberId member,
                          PresenceReason reason) {
  if (is_frozen_) return;
  Entry& found = entry(channel);
  refresh(found);
  channel.leave(subject, member, reason, parts_.clock.monotonic_ms());
  settle(found);
}

std::vector<PresenceChannel*> PresenceTable::channels_of(std::string_view app,
                                                         std::string_view subject,
                                                         std::string_view name,
                                                         std::string_view key) {
  std::vector<PresenceChannel*> channels;
  const auto add = [&](PresenceChannel& channel) {
    const ChannelIdentity& identity = channel.identity();
    if (identity.app != app) return;
    if (!name.empty() && identity.name != name) return;
    if (!key.empty() && identity.key != key) return;
    channels.push_back(&channel);
  };
  if (!subject.empty()) {
    const auto found = by_subject_.find(make_qualified_key(app, subject));
    if (found == by_subject_.end()) return channels;
    for (PresenceChannel* channel : found->second) add(*channel);
  } else if (!key.empty()) {
    if (PresenceChannel* channel = find(app, key)) add(*channel);
  } else {
    for (const auto& [number, held] : channels_) add(held->channel);
  }
  return channels;
}

std::size_t PresenceTable::disconnect(std::string_view app, std::string_view subject,
                                      std::string_view name, std::string_view key) {
  std::size_t left = 0;
  for (PresenceChannel* channel : channels_of(app, subject, name, key)) {
    if (!subject.empty()) {
      left += channel->remove(subject, PresenceReason::Revoked) ? 1 : 0;
    } else {
      for (const PresenceMemberPtr& member : channel->list()) {
        left += channel->remove(member->subject, PresenceReason::Revoked) ? 1 : 0;
      }
    }
    settle(entry(*channel));
  }
  return left;
}

void PresenceTable::tick() {
  is_ticking_ = true;
  refresh_some();
  const std::int64_t now_ms = parts_.clock.monotonic_ms();
  std::size_t leaves = kLeavesMax;
  for (std::size_t visits = 0; visits < kChannelsMax && leaves > 0; ++visits) {
    if (is_frozen_ || due_.empty() || due_.begin()->first.first > now_ms) break;
    Entry& found = *due_.begin()->second;
    const std::size_t before = members_;
    settle(found, leaves);
    leaves -= std::min(leaves, before - members_);
  }
  is_ticking_ = false;
  alarm_ms_.reset();
  set_next_alarm();
}

void PresenceTable::settle(Entry& entry, std::size_t leaves_max) {
  const std::int64_t now_ms = parts_.clock.monotonic_ms();
  entry.channel.advance(now_ms, is_frozen_ ? 0 : leaves_max);
  plan(entry);
  if (!entry.channel.is_idle()) return;
  if (entry.due_ms) due_.erase({*entry.due_ms, entry.number});
  by_key_.erase(entry.channel.qualified_key());
  channels_.erase(entry.number);
}

void PresenceTable::plan(Entry& entry) {
  const auto due_ms = entry.channel.due_ms();
  if (due_ms == entry.due_ms) return;
  if (entry.due_ms) due_.erase({*entry.due_ms, entry.number});
  entry.due_ms = due_ms;
  if (due_ms) due_.emplace(std::pair(*due_ms, entry.number), &entry);
  set_next_alarm();
}

void PresenceTable::set_next_alarm() {
  if (!on_alarm_ || is_ticking_ || is_frozen_ || due_.empty()) return;
  const std::int64_t due_ms = due_.begin()->first.first;
  if (alarm_ms_ && *alarm_ms_ <= due_ms) return;
  alarm_ms_ = due_ms;
  on_alarm_(
      std::chrono::milliseconds(std::max<std::int64_t>(0, due_ms - parts_.clock.monotonic_ms())));
}

void PresenceTable::refresh(Entry& entry) {
  const ChannelIdentity& identity = entry.channel.identity();
  const std::uint64_t version = parts_.definitions.version(identity.app);
  if (entry.definitions_version == version || version == 0) return;
  entry.definitions_version = version;
  const Definition* definition = parts_.definitions.find(identity.app, identity.name);
  entry.channel.set_rule(definition == nullptr ? std::nullopt : definition->presence,
                         parts_.clock.monotonic_ms());
  plan(entry);
}

void PresenceTable::refresh_some() {
  if (std::exchange(definitions_seen_, parts_.definitions.changes()) !=
      parts_.definitions.changes()) {
    refreshing_ = 0;
  }
  for (std::size_t visits = 0; refreshing_ && visits < kChannelsMax; ++visits) {
    const auto next = channels_.lower_bound(*refreshing_);
    if (next == channels_.end()) return refreshing_.reset();
    refreshing_ = next->first + 1;
    refresh(*next->second);
    settle(*next->second);
  }
}

void PresenceTable::on_entered(PresenceChannel& channel, const PresenceMember& member) {
  ++counters_.enters_total;
  ++members_;
  index(channel, member.subject);
  rows_.put_member(channel.identity(), member);
  if (events_ != nullptr) events_->on_member_entered(channel.identity(), member);
}

void PresenceTable::on_updated(PresenceChannel& channel, const PresenceMember& member) {
  ++counters_.updates_total;
  rows_.put_member(channel.identity(), member);
}

void PresenceTable::on_left(PresenceChannel& channel, const PresenceMember& member,
                            PresenceReason reason) {
  ++counters_.leaves_total;
  --members_;
  unindex(channel, member.subject);
  rows_.erase_member(channel.identity(), member.subject);
  if (events_ != nullptr) events_->on_member_left(channel.identity(), member, reason);
}

bool PresenceTable::tells_occupancy(const PresenceChannel& channel) const {
  const ChannelIdentity& identity = channel.identity();
  const Definition* definition = parts_.definitions.find(identity.app, identity.name);
  return definition != nullptr &&
         (definition->webhooks.channel_occupied || definition->webhooks.channel_vacated);
}

void PresenceTable::on_occupied(PresenceChannel& channel) {
  if (tells_occupancy(channel)) rows_.put_occupied(channel.identity());
  if (events_ != nullptr) events_->on_channel_occupied(channel.identity());
}

void PresenceTable::on_vacated(PresenceChannel& channel) {
  if (tells_occupancy(channel)) rows_.erase_occupied(channel.identity());
  if (events_ != nullptr) events_->on_channel_vacated(channel.identity());
}

void PresenceTable::on_due_to_tell(PresenceChannel& channel) {
  parts_.state.when_written([this, is_alive = is_alive_, number = entry(channel).number,
                             version = channel.history().version()](const Result<void>&) {
    if (!*is_alive) return;
    if (const auto found = channels_.find(number); found != channels_.end()) {
      found->second->channel.tell(version);
    }
  });
}

void PresenceTable::index(PresenceChannel& channel, std::string_view subject) {
  by_subject_[make_qualified_key(channel.identity().app, subject)].push_back(&channel);
}

void PresenceTable::unindex(const PresenceChannel& channel, std::string_view subject) {
  const auto found = by_subject_.find(make_qualified_key(channel.identity().app, subject));
  if (found == by_subject_.end()) return;
  auto& channels = found->second;
  const auto at = std::ranges::find(channels, &channel);
  if (at == channels.end()) return;
  *at = channels.back();
  channels.pop_back();
  if (channels.empty()) by_subject_.erase(found);
}

}  // namespace tako::broker
