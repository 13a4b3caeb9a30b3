// Keeps what is recent, what bars, and one word for the rest.
#include "broker/channel/revocation_log.h"

#include <algorithm>
#include <utility>

namespace tako::broker {
namespace {

constexpr std::int64_t kSweepMs = 1'000;  // between two looks at all bans

}  // namespace

bool RevocationLog::takes_ban(const BanScope& scope) {
  if (bans_.size() < limits_.bans_max || ban_numbers_.contains(scope)) return true;
  ++counters_.bans_max;
  return false;
}

void RevocationLog::restore_passed(std::uint64_t number, const std::string& app,
                                   std::int64_t at_ms) {
  pass_over({number, Revocation{.app = app, .at_ms = at_ms}});
}

// It is kept as long as either has it.
void RevocationLog::forget(std::uint64_t number) {
  if (keeper_ == nullptr || recent_.contains(number) || bans_.contains(number)) return;
  keeper_->forget(number);
}

void RevocationLog::add(std::uint64_t number, Revocation revocation) {
  if (keeper_ != nullptr) keeper_->keep(number, revocation);
  if (revocation.banned_until_ms != 0) keep_ban(number, revocation);
  if (revocation.at_ms == 0) return;
  while (recent_.size() >= limits_.revocations_max) {
    ++counters_.revocations_max;
    let_oldest_go();
  }
  recent_.emplace(number, Kept{.item = {number, std::move(revocation)},
                               .until_ms = clock_.monotonic_ms() + limits_.revocation_keep_ms});
}

void RevocationLog::keep_ban(std::uint64_t number, const Revocation& revocation) {
  const auto [known, is_new] = ban_numbers_.try_emplace(ban_scope(revocation), number);
  std::int64_t until_ms = revocation.banned_until_ms;
  if (!is_new) {
    const auto old = bans_.find(known->second);
    // A lifted one is told for as long as an edge may believe in it.
    until_ms = std::max(until_ms, old->second.until_ms);
    const std::uint64_t replaced = std::exchange(known->second, number);
    bans_.erase(old);
    forget(replaced);
  }
  bans_.emplace(number, Kept{.item = {number, revocation}, .until_ms = until_ms});
}

void RevocationLog::let_oldest_go() {
  const auto oldest = recent_.extract(recent_.begin());
  pass_over(oldest.mapped().item);
  forget(oldest.key());
}

void RevocationLog::pass_over(const ControlItem& gone) {
  const Revocation& revocation = *gone.revocation();
  ControlItem& passed = passed_[revocation.app];
  std::int64_t at_ms = revocation.at_ms;
  if (const Revocation* before = passed.revocation()) at_ms = std::max(at_ms, before->at_ms);
  passed.number = std::max(passed.number, gone.number);
  passed.change = Revocation{.app = revocation.app, .reauthorize = true, .at_ms = at_ms};
  if (keeper_ != nullptr) keeper_->pass_over(revocation.app, passed.number, at_ms);
}

void RevocationLog::tick() {
  const std::int64_t now_ms = clock_.monotonic_ms();
  while (!recent_.empty() && recent_.begin()->second.until_ms <= now_ms) {
    ++counters_.revocation_keep_ms;
    let_oldest_go();
  }
  if (now_ms < next_sweep_ms_) return;
  next_sweep_ms_ = now_ms + kSweepMs;
  const std::int64_t wall_ms = clock_.wall_ms();
  std::erase_if(ban_numbers_, [&](const auto& entry) {
    const auto ban = bans_.find(entry.second);
    if (ban->second.until_ms > wall_ms) return false;
    pass_over(ban->second.item);
    bans_.erase(ban);
    forget(entry.second);
    return true;
  });
}

const ControlItem* RevocationLog::next_after(std::uint64_t number) const {
  const ControlItem* next = nullptr;
  const auto consider = [&](const ControlItem& item) {
    if (item.number > number && (next == nullptr || item.number < next->number)) next = &item;
  };
  for (const ByNumber* kept : {&recent_, &bans_}) {
    const auto above = kept->upper_bound(number);
    if (above != kept->end()) consider(above->second.item);
  }
  for (const auto& [app, item] : passed_) consider(item);
  return next;
}

}  // namespace tako::broker
