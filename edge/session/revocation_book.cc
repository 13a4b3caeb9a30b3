// Looks scopes up from the narrowest to the widest.
#include "edge/session/revocation_book.h"

#include <algorithm>
#include <utility>

namespace tako::edge {
namespace {

constexpr std::int64_t kSweepMs = 1'000;  // between two looks at all bans

}  // namespace

void RevocationBook::add(const Revocation& revocation) {
  const Scope scope{revocation.app, revocation.subject, revocation.name, revocation.key};
  if (revocation.banned_until_ms != 0) note_ban(revocation, scope);
  if (revocation.at_ms == 0) return;
  std::int64_t& newest_ms = newest_ms_[revocation.app];
  newest_ms = std::max(newest_ms, revocation.at_ms);
  note_recent(revocation, scope);
}

std::int64_t RevocationBook::asks_from_ms(std::string_view app) const {
  const auto found = newest_ms_.find(app);
  return found == newest_ms_.end() ? 0 : found->second + 1;
}

void RevocationBook::note_recent(const Revocation& revocation, const Scope& scope) {
  const std::size_t most = limits_.revocations_max;
  while ((recent_.size() >= most && !recent_.contains(scope)) || due_.size() >= 2 * most) {
    ++counters_.revocations_max;
    drop_oldest();
  }
  Recent& recent = recent_[scope];
  std::int64_t& at_ms = revocation.reauthorize ? recent.reauthorize_ms : recent.ended_ms;
  at_ms = std::max(at_ms, revocation.at_ms);
  recent.until_ms = clock_.monotonic_ms() + limits_.revocation_keep_ms;
  due_.push_back({recent.until_ms, scope});
}

void RevocationBook::note_ban(const Revocation& revocation, const Scope& scope) {
  if (revocation.banned_until_ms <= clock_.wall_ms()) {
    bans_.erase(scope);
    return;
  }
  bans_.insert_or_assign(scope, Ban{revocation.banned_until_ms, revocation.reason});
}

void RevocationBook::drop_oldest() {
  const Due due = std::move(due_.front());
  due_.pop_front();
  const auto found = recent_.find(due.scope);
  if (found == recent_.end() || found->second.until_ms != due.until_ms) return;
  const Recent& dropped = found->second;
  if (dropped.until_ms > clock_.monotonic_ms()) {
    dropped_at_ms_ = std::max({dropped_at_ms_, dropped.ended_ms, dropped.reauthorize_ms});
    dropped_until_ms_ = dropped.until_ms;
  }
  recent_.erase(found);
}

template <typename Visit>
bool RevocationBook::any_scope(const ChannelIdentity& channel, std::string_view subject,
                               Visit visit) {
  for (const std::string_view who : {subject, std::string_view()}) {
    if (visit(Scope{channel.app, who, channel.name, channel.key}) ||
        visit(Scope{channel.app, who, channel.name, ""}) ||
        visit(Scope{channel.app, who, "", ""})) {
      return true;
    }
    if (subject.empty()) return false;  // Both are the same.
  }
  return false;
}

TakenBack RevocationBook::find(const ChannelIdentity& channel, std::string_view subject,
                               std::int64_t asked_ms) const {
  const bool may_be_dropped =
      asked_ms <= dropped_at_ms_ && clock_.monotonic_ms() < dropped_until_ms_;
  TakenBack result = may_be_dropped ? TakenBack::Reauthorize : TakenBack::No;
  if (recent_.empty()) return result;
  const auto look = [&](const Scope& scope) {
    const auto found = recent_.find(scope);
    if (found == recent_.end()) return false;
    if (asked_ms <= found->second.reauthorize_ms) result = TakenBack::Reauthorize;
    return asked_ms <= found->second.ended_ms;
  };
  return any_scope(channel, subject, look) ? TakenBack::Ended : result;
}

const std::string* RevocationBook::find_ban(const ChannelIdentity& channel,
                                            std::string_view subject) const {
  if (bans_.empty() || subject.empty()) return nullptr;
  const std::string* reason = nullptr;
  static_cast<void>(any_scope(channel, subject, [&](const Scope& scope) {
    const auto found = bans_.find(scope);
    if (found == bans_.end() || found->second.until_ms <= clock_.wall_ms()) return false;
    reason = &found->second.reason;
    return true;
  }));
  return reason;
}

void RevocationBook::tick() {
  const std::int64_t now_ms = clock_.monotonic_ms();
  while (!due_.empty() && due_.front().until_ms <= now_ms) drop_oldest();
  if (now_ms < next_sweep_ms_) return;
  next_sweep_ms_ = now_ms + kSweepMs;
  const std::int64_t wall_ms = clock_.wall_ms();
  std::erase_if(bans_, [wall_ms](const auto& entry) { return entry.second.until_ms <= wall_ms; });
}

}  // namespace tako::edge
