// The times before an end, and what a permission is on its way to another process.
#include "edge/session/permission.h"

#include <algorithm>
#include <utility>

#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

// An app that permits for less than twice this is asked half-way: never without a pause.
constexpr std::int64_t kNoticeMs = 30'000;
constexpr std::int64_t kAgainLeastMs = 1'000;  // between two tries of an app that does not answer

void save_grant(const Grant& grant, proto::GrantRecord& record) {
  record.set_subject(grant.subject);
  if (grant.expires_at_ms) record.set_expires_at_ms(*grant.expires_at_ms);
  if (grant.keepalive_interval_ms) record.set_keepalive_interval_ms(*grant.keepalive_interval_ms);
  if (grant.max_connection_lifetime_ms) {
    record.set_max_connection_lifetime_ms(*grant.max_connection_lifetime_ms);
  }
  record.set_presence_info(grant.presence_info);
  if (!grant.rights) return;
  record.set_has_rights(true);
  for (const std::string& right : *grant.rights) record.add_rights(right);
}

Grant restored_grant(const proto::GrantRecord& record) {
  Grant grant;
  grant.subject = record.subject();
  if (record.has_expires_at_ms()) grant.expires_at_ms = record.expires_at_ms();
  if (record.has_keepalive_interval_ms()) {
    grant.keepalive_interval_ms = record.keepalive_interval_ms();
  }
  if (record.has_max_connection_lifetime_ms()) {
    grant.max_connection_lifetime_ms = record.max_connection_lifetime_ms();
  }
  grant.presence_info = record.presence_info();
  if (record.has_rights()) grant.rights.emplace(record.rights().begin(), record.rights().end());
  return grant;
}

}  // namespace

void Permission::grant(Grant grant, std::int64_t now_ms, bool can_ask_client) {
  const Grant before = std::exchange(grant_, std::move(grant));
  awaits_client_ = false;
  // The same end again: what was asked for before it is not asked for again.
  const bool is_later = !before.expires_at_ms || !grant_.expires_at_ms ||
                        *grant_.expires_at_ms > *before.expires_at_ms;
  if (!is_later) {
    grant_.expires_ms = std::min(grant_.expires_ms, before.expires_ms);
    return;
  }
  next_ = grant_.expires_ms == 0 ? Step::Nothing : can_ask_client ? Step::AskClient : Step::AskApp;
  next_ms_ = grant_.expires_ms - std::min(kNoticeMs, (grant_.expires_ms - now_ms) / 2);
}

void Permission::on_unanswered(std::int64_t now_ms) {
  const std::int64_t pause_ms = (grant_.expires_ms - now_ms) / 2;
  if (grant_.expires_ms == 0 || pause_ms < kAgainLeastMs) return on_refused();
  next_ = Step::AskApp;
  next_ms_ = now_ms + pause_ms;
}

void Permission::on_client_answered() {
  awaits_client_ = false;
  on_refused();
}

std::int64_t Permission::due_ms() const {
  if (grant_.expires_ms == 0 || next_ == Step::Expire) return grant_.expires_ms;
  return next_ms_;
}

Permission::Step Permission::take_step(std::int64_t now_ms) {
  if (grant_.expires_ms == 0) return Step::Nothing;
  if (now_ms >= grant_.expires_ms) return Step::Expire;
  if (next_ == Step::Expire || now_ms < next_ms_) return Step::Nothing;
  const Step step = std::exchange(next_, Step::Expire);
  awaits_client_ = step == Step::AskClient;
  if (!awaits_client_) return step;
  next_ = Step::AskApp;
  next_ms_ = now_ms + (grant_.expires_ms - now_ms) / 2;
  return step;
}

void Permission::save(proto::SubscriptionRecord& record) const {
  save_grant(grant_, *record.mutable_grant());
  record.set_asked_ms(grant_.asked_ms);
  if (grant_.expires_ms == 0) return;
  record.set_expires_ms(grant_.expires_ms);
  record.set_next_step(static_cast<std::uint32_t>(next_));
  record.set_next_step_ms(next_ms_);
  record.set_awaits_client(awaits_client_);
}

void Permission::restore(const proto::SubscriptionRecord& record, std::int64_t now_ms,
                         std::int64_t wall_ms) {
  Grant restored = restored_grant(record.grant());
  restored.asked_ms = record.asked_ms();
  if (!restored.expires_at_ms) return grant(std::move(restored), now_ms, false);
  restored.expires_ms = record.expires_ms();
  if (restored.expires_ms == 0) {
    restored.expires_ms = now_ms + std::max<std::int64_t>(*restored.expires_at_ms - wall_ms, 0);
    return grant(std::move(restored), now_ms, false);
  }
  grant_ = std::move(restored);
  const bool is_known = record.next_step() <= static_cast<std::uint32_t>(Step::Expire);
  next_ = is_known ? static_cast<Step>(record.next_step()) : Step::Expire;
  next_ms_ = record.next_step_ms();
  awaits_client_ = record.awaits_client();
}

}  // namespace tako::edge
