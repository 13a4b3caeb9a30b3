// Applies lists and changes, and finds the difference of two lists.
#include "edge/fanout/presence_mirror.h"

#include <utility>
#include <vector>

namespace tako::edge {
namespace {

constexpr std::size_t kMemberOverhead = 64;      // of what is printed of a member beside its parts
constexpr std::size_t kStepsBytesLeast = 4'096;  // kept, however short the list

std::size_t bytes_of(const PresenceMember& member) {
  return kMemberOverhead + member.subject.size() + member.info.size() + member.data.size();
}

PresenceMembers by_subject(std::vector<PresenceMember> members) {
  PresenceMembers out;
  for (PresenceMember& member : members) {
    std::string subject = member.subject;
    out.insert_or_assign(std::move(subject), std::move(member));
  }
  return out;
}

PresenceChange left(const std::string& subject) {
  return {.action = PresenceAction::Leave,
          .member = {.subject = subject, .info = {}, .data = {}, .since_ms = 0},
          .reason = PresenceEnd::Lost};
}

// Both are walked once, in the order of subjects. One that is there since another time has left in
// between and come back: but nobody saw it go, so that is an update.
std::vector<PresenceChange> difference(const PresenceMembers& from, const PresenceMembers& to) {
  std::vector<PresenceChange> changes;
  auto old_one = from.begin();
  for (const auto& [subject, member] : to) {
    while (old_one != from.end() && old_one->first < subject) {
      changes.push_back(left((old_one++)->first));
    }
    const bool was_there = old_one != from.end() && old_one->first == subject;
    if (!was_there) {
      changes.push_back({.action = PresenceAction::Enter, .member = member});
    } else if (old_one->second != member) {
      changes.push_back({.action = PresenceAction::Update, .member = member});
    }
    if (was_there) ++old_one;
  }
  for (; old_one != from.end(); ++old_one) changes.push_back(left(old_one->first));
  return changes;
}

}  // namespace

PresenceMirror::Step* PresenceMirror::take(MemberList list) {
  PresenceMembers members = by_subject(std::move(list.members));
  Step* step = nullptr;
  if (is_known_ && version_ != list.version) {
    step = keep(
        {.after = version_, .version = list.version, .changes = difference(members_, members)});
  }
  is_known_ = true;
  version_ = list.version;
  members_ = std::move(members);
  members_bytes_ = 0;
  for (const auto& [subject, member] : members_) members_bytes_ += bytes_of(member);
  return step;
}

PresenceMirror::Step* PresenceMirror::apply(PresenceChanges changes) {
  if (!is_known_ || changes.after != version_) return nullptr;
  for (const PresenceChange& change : changes.changes) {
    const auto found = members_.find(change.member.subject);
    if (found != members_.end()) members_bytes_ -= bytes_of(found->second);
    if (change.action == PresenceAction::Leave) {
      if (found != members_.end()) members_.erase(found);
      continue;
    }
    members_bytes_ += bytes_of(change.member);
    if (found != members_.end()) {
      found->second = change.member;
    } else {
      members_.emplace(change.member.subject, change.member);
    }
  }
  version_ = changes.version;
  return keep(std::move(changes));
}

PresenceMirror::Step* PresenceMirror::keep(PresenceChanges changes) {
  Step& step = steps_.emplace_back(Step{.what = std::move(changes), .bytes = kMemberOverhead});
  for (const PresenceChange& change : step.what.changes) step.bytes += bytes_of(change.member);
  steps_bytes_ += step.bytes;
  // The newest one stays: it is about to be told.
  while (steps_.size() > 1 && steps_bytes_ > kStepsBytesLeast && steps_bytes_ > members_bytes_) {
    drop_oldest();
  }
  return &step;
}

void PresenceMirror::drop_oldest() {
  steps_bytes_ -= steps_.front().bytes;
  steps_.pop_front();
}

void PresenceMirror::forget() {
  is_known_ = false;
  members_.clear();
  members_bytes_ = 0;
  steps_.clear();
  steps_bytes_ = 0;
}

std::optional<std::size_t> PresenceMirror::first_step_after(const PresenceVersion& version) const {
  if (!is_known_) return std::nullopt;
  if (version == version_) return steps_.size();
  for (std::size_t i = steps_.size(); i-- > 0;) {
    if (steps_[i].what.after == version) return i;
  }
  return std::nullopt;
}

}  // namespace tako::edge
