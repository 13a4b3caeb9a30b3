// Counts sessions and losses; numbers what follows from them.
#include "broker/presence/presence_channel.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/limit_counters.h"
#include "common/limits.h"

namespace tako::broker {
namespace {

constexpr std::int64_t kGoodbyeMs = 100;

}  // namespace

PresenceChannel::PresenceChannel(ChannelIdentity identity, std::string qualified_key, Epoch epoch,
                                 PresenceOwner& owner, const RuntimeLimits& limits)
    : identity_(std::move(identity)),
      qualified_key_(std::move(qualified_key)),
      owner_(owner),
      limits_(limits),
      history_(epoch),
      tellable_(history_.version()) {}

std::vector<PresenceMemberPtr> PresenceChannel::list() const { return page({}, members_.size()); }

std::vector<PresenceMemberPtr> PresenceChannel::page(std::string_view after,
                                                     std::size_t limit) const {
  std::vector<PresenceMemberPtr> given;
  given.reserve(std::min(limit, members_.size()));
  // No subject is empty: everybody is behind "".
  for (auto member = members_.upper_bound(after); member != members_.end() && given.size() < limit;
       ++member) {
    given.push_back(member->second.told);
  }
  return given;
}

std::optional<MemberId> PresenceChannel::find(std::string_view subject) const {
  const auto found = members_.find(subject);
  if (found == members_.end()) return std::nullopt;
  return found->second.id;
}

void PresenceChannel::set_rule(const std::optional<PresenceRule>& rule, std::int64_t now_ms) {
  if (rule_ == rule) return;
  rule_ = rule;
  while (!rule_ && !members_.empty()) erase(members_.begin(), PresenceReason::Left);
  for (auto member = members_.begin(); member != members_.end();) {
    const auto next = std::next(member);
    if (member->second.leaves_at_ms) settle(member, PresenceReason::Lost, now_ms);
    member = next;
  }
  if (vacated_at_ms_) vacated_at_ms_ = std::min(*vacated_at_ms_, now_ms + grace_ms());
  is_untold_ = true;
}

Result<void> PresenceChannel::check_sizes(const PresenceSaid& said) const {
  if (!rule_) return fail(ErrorCode::PresenceOff);
  const std::size_t most = rule_->data_bytes_max;
  if (said.info.size() <= most && said.data.size() <= most) return {};
  return fail(ErrorCode::PayloadTooLarge, "data and info of a member have at most " +
                                              std::to_string(most) + " bytes (dataBytesMax)");
}

Result<void> PresenceChannel::check_list(std::size_t before, std::size_t after) const {
  if (after <= before || list_bytes_ - before + after <= limits::kPresenceListBytesMax) return {};
  return fail_at(&LimitCounters::presence_list_bytes_max, ErrorCode::PresenceFull,
                 "the list of this channel's members is as long as it may be");
}

Result<MemberId> PresenceChannel::enter(const PresenceSaid& said, bool may_grow,
                                        std::int64_t wall_ms) {
  if (const auto fits = check_sizes(said); !fits) return std::unexpected(fits.error());
  const auto found = members_.find(said.subject);
  if (found == members_.end()) return enter_new(said, may_grow, wall_ms);
  Member& member = found->second;
  if (member.losses.empty() && member.sessions >= limits_.presence_sessions_max) {
    return fail_at(&LimitCounters::presence_sessions_max, ErrorCode::PresenceFull,
                   "this subject is here over too many sessions (presence_sessions_max)");
  }
  if (auto said_it = say(member, said); !said_it) return std::unexpected(said_it.error());
  stop_waiting(found);
  const auto taken_back = std::ranges::find(member.losses, 0, &Loss::floor_ms);
  if (taken_back != member.losses.end()) member.losses.erase(taken_back);
  ++member.sessions;
  return member.id;
}

Result<MemberId> PresenceChannel::enter_new(const PresenceSaid& said, bool may_grow,
                                            std::int64_t wall_ms) {
  if (members_.size() >= rule_->members_max) {
    return fail(ErrorCode::PresenceFull, "this channel has as many members as it may (membersMax)");
  }
  if (!may_grow) {
    return fail_at(&LimitCounters::presence_all_members_max, ErrorCode::PresenceFull,
                   "there are as many members as there may be (presence_all_members_max)");
  }
  auto told =
      std::make_shared<const PresenceMember>(PresenceMember{.subject = said.subject,
                                                            .info = said.info,
                                                            .data = said.data,
                                                            .since_ms = wall_ms,
                                                            .data_set_ms = said.data_set_ms});
  const std::size_t bytes = list_bytes(*told);
  if (auto fits = check_list(0, bytes); !fits) return std::unexpected(std::move(fits.error()));
  Member member{.id = owner_.next_member(),
                .told = told,
                .sessions = 1,
                .losses = {},
                .data_set_ms = said.data_set_ms,
                .leaves_at_ms = {}};
  const MemberId id = member.id;
  members_.emplace(said.subject, std::move(member));
  list_bytes_ += bytes;
  add_change(PresenceAction::Enter, told, {});
  owner_.on_entered(*this, *told);
  return id;
}

Result<void> PresenceChannel::update(const PresenceSaid& said) {
  if (const auto fits = check_sizes(said); !fits) return std::unexpected(fits.error());
  const auto found = members_.find(said.subject);
  if (found == members_.end()) return {};
  return say(found->second, said);
}

// Whoever said the same is passed over; an older word on the data too, as an edge that links again
// says all it knows.
Result<void> PresenceChannel::say(Member& member, const PresenceSaid& said) {
  const bool is_newest = said.data_set_ms > 0 && said.data_set_ms >= member.data_set_ms;
  const std::string& data = is_newest ? said.data : member.told->data;
  if (said.info != member.told->info || data != member.told->data) {
    auto told = std::make_shared<const PresenceMember>(
        PresenceMember{.subject = said.subject,
                       .info = said.info,
                       .data = data,
                       .since_ms = member.told->since_ms,
                       .data_set_ms = is_newest ? said.data_set_ms : member.data_set_ms});
    const std::size_t before = list_bytes(*member.told);
    const std::size_t after = list_bytes(*told);
    if (auto fits = check_list(before, after); !fits) return fits;
    list_bytes_ += after - before;
    member.told = told;
    add_change(PresenceAction::Update, told, {});
    owner_.on_updated(*this, *told);
  }
  if (is_newest) member.data_set_ms = said.data_set_ms;
  return {};
}

void PresenceChannel::leave(std::string_view subject, MemberId member, PresenceReason reason,
                            std::int64_t now_ms) {
  const auto found = members_.find(subject);
  if (found == members_.end() || found->second.id != member) return;
  --found->second.sessions;
  const bool is_goodbye = reason == PresenceReason::Left && found->second.sessions == 0;
  if (reason == PresenceReason::Lost || is_goodbye) {
    found->second.losses.push_back({.at_ms = now_ms, .is_goodbye = is_goodbye});
  }
  if (found->second.sessions == 0) settle(found, reason, now_ms);
}

void PresenceChannel::settle(Members::iterator found, PresenceReason reason, std::int64_t now_ms) {
  Member& member = found->second;
  stop_waiting(found);
  std::erase_if(member.losses, [&](const Loss& loss) { return deadline(loss) <= now_ms; });
  if (member.losses.empty()) return erase(found, reason);
  wait(found, reason);
}

// Lost, if any session was that may come back; else as it said.
void PresenceChannel::wait(Members::iterator found, PresenceReason reason) {
  Member& member = found->second;
  std::int64_t last_ms = 0;
  member.leaves_as = reason;
  for (const Loss& loss : member.losses) {
    last_ms = std::max(last_ms, deadline(loss));
    if (!loss.is_goodbye && loss.floor_ms == 0) member.leaves_as = PresenceReason::Lost;
  }
  member.leaves_at_ms = last_ms;
  waiting_.emplace(last_ms, found->first);
}

void PresenceChannel::stop_waiting(Members::iterator found) {
  Member& member = found->second;
  if (member.leaves_at_ms) waiting_.erase({*member.leaves_at_ms, found->first});
  member.leaves_at_ms.reset();
}

bool PresenceChannel::remove(std::string_view subject, PresenceReason reason) {
  const auto found = members_.find(subject);
  if (found == members_.end()) return false;
  erase(found, reason);
  return true;
}

void PresenceChannel::erase(Members::iterator found, PresenceReason reason) {
  stop_waiting(found);
  const PresenceMemberPtr left = found->second.told;
  list_bytes_ -= list_bytes(*left);
  members_.erase(found);
  // The data of those who are gone is kept for nobody.
  add_change(PresenceAction::Leave,
             std::make_shared<const PresenceMember>(PresenceMember{.subject = left->subject}),
             reason);
  owner_.on_left(*this, *left, reason);
}

void PresenceChannel::add_change(PresenceAction action, PresenceMemberPtr member,
                                 PresenceReason reason) {
  history_.add({.action = action, .member = std::move(member), .reason = reason}, list_bytes_);
  is_untold_ = true;
}

void PresenceChannel::set_connections(std::size_t before, std::size_t after, std::int64_t now_ms) {
  if (before == after) return;
  connections_ = connections_ - before + after;
  is_untold_ = true;
  if (connections_ == 0) {
    vacated_at_ms_ = now_ms + grace_ms();
    return;
  }
  vacated_at_ms_.reset();
  if (std::exchange(is_occupied_, true)) return;
  owner_.on_occupied(*this);
}

void PresenceChannel::restore(PresenceMember member, std::int64_t now_ms, std::int64_t floor_ms) {
  auto told = std::make_shared<const PresenceMember>(std::move(member));
  list_bytes_ += list_bytes(*told);
  const auto [found, is_new] = members_.try_emplace(
      told->subject, Member{.id = owner_.next_member(),
                            .told = told,
                            .sessions = 0,
                            .losses = {{.at_ms = now_ms, .floor_ms = floor_ms}},
                            .data_set_ms = told->data_set_ms,
                            .leaves_at_ms = {}});
  if (is_new) wait(found, PresenceReason::Lost);
}

void PresenceChannel::restore_occupied(std::int64_t now_ms, std::int64_t floor_ms) {
  is_occupied_ = true;
  vacated_at_ms_ = now_ms + std::max(grace_ms(), floor_ms);
}

void PresenceChannel::unwatch(PresenceWatcher& watcher) {
  const auto found = std::ranges::find(watchers_, &watcher);
  if (found != watchers_.end()) watchers_.erase(found);
}

std::optional<std::int64_t> PresenceChannel::due_ms() const {
  std::optional<std::int64_t> due;
  const auto at = [&due](std::optional<std::int64_t> time_ms) {
    if (time_ms && (!due || *time_ms < *due)) due = time_ms;
  };
  if (is_untold_ && !watchers_.empty()) at(next_told_ms_);
  if (!waiting_.empty()) at(waiting_.begin()->first);
  at(vacated_at_ms_);
  at(hold_until_ms_);
  return due;
}

std::size_t PresenceChannel::advance(std::int64_t now_ms, std::size_t leaves_max) {
  std::size_t left = 0;
  while (!waiting_.empty() && waiting_.begin()->first <= now_ms && left < leaves_max) {
    const auto found = members_.find(waiting_.begin()->second);
    erase(found, found->second.leaves_as);
    ++left;
  }
  if (vacated_at_ms_ && *vacated_at_ms_ <= now_ms) {
    vacated_at_ms_.reset();
    is_occupied_ = false;
    owner_.on_vacated(*this);
  }
  if (hold_until_ms_ && *hold_until_ms_ <= now_ms) {
    hold_until_ms_.reset();
    is_untold_ = true;
  }
  if (is_untold_ && next_told_ms_ <= now_ms) {
    is_untold_ = false;
    next_told_ms_ = now_ms + (rule_ ? *rule_ : PresenceRule{}).batch_ms;
    owner_.on_due_to_tell(*this);
  }
  return left;
}

void PresenceChannel::tell(const PresenceVersion& version) {
  tellable_ = version;
  for (PresenceWatcher* watcher : watchers_) watcher->on_presence(*this);
}

bool PresenceChannel::is_idle() const {
  return watchers_.empty() && members_.empty() && !is_occupied_;
}

std::int64_t PresenceChannel::grace_ms() const {
  return (rule_ ? *rule_ : PresenceRule{}).grace_ms;
}

std::int64_t PresenceChannel::deadline(const Loss& loss) const {
  if (loss.is_goodbye) return loss.at_ms + kGoodbyeMs;
  return loss.at_ms + std::max(grace_ms(), loss.floor_ms);
}

}  // namespace tako::broker
