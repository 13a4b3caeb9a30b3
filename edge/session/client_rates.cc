// One table for all three: keys begin with a letter each.
#include "edge/session/client_rates.h"

#include <array>
#include <utility>

namespace tako::edge {
namespace {

// Names may hold any bytes but this one.
constexpr char kBetween = '\0';

std::string key_of(char kind, std::string_view app, std::string_view first,
                   std::string_view second = {}) {
  std::string key(1, kind);
  key.reserve(app.size() + first.size() + second.size() + 3);
  key.append(app) += kBetween;
  key.append(first) += kBetween;
  key.append(second);
  return key;
}

}  // namespace

Result<void> ClientRates::take(const RatedSender& sender) {
  struct Bound {
    std::string_view of;
    std::int64_t per_second;
    std::string key;
    std::uint64_t& refused;
  };
  const ClientRate& rate = sender.definition.client_rate;
  const std::string& app = sender.channel.app;
  const std::string& name = sender.definition.name;
  const std::array<Bound, 3> bounds{
      Bound{"connection", sender.connection == 0 ? 0 : rate.connection,
            key_of('c', app, name, std::to_string(sender.connection)),
            counters_.rate_limited_by_connection},
      Bound{"subject", sender.subject.empty() ? 0 : rate.subject,
            key_of('s', app, name, sender.subject), counters_.rate_limited_by_subject},
      Bound{"channel", rate.channel, key_of('h', app, sender.channel.key),
            counters_.rate_limited_by_channel}};
  for (const Bound& bound : bounds) {
    const std::int64_t wait = bound.per_second == 0 ? 0 : wait_ms(bound.key, bound.per_second);
    if (wait == 0) continue;
    ++bound.refused;
    return std::unexpected(Error{ErrorCode::RateLimited,
                                 "more than " + std::to_string(bound.per_second) +
                                     " messages a second of one " + std::string(bound.of),
                                 wait});
  }
  for (const Bound& bound : bounds) {
    if (bound.per_second != 0) count(bound.key, bound.per_second);
  }
  forget(kForgottenPerTake);
  return {};
}

std::int64_t ClientRates::wait_ms(const std::string& key, std::int64_t per_second) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return 0;
  return found->second->bucket.wait_ms(per_second, clock_.monotonic_ms());
}

void ClientRates::count(const std::string& key, std::int64_t per_second) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    if (entries_.size() >= limits_.client_rate_buckets_max) {
      ++limit_counters_.client_rate_buckets_max;
      by_key_.erase(entries_.front().key);
      entries_.pop_front();
    }
    entries_.push_back({key, {}});
    found = by_key_.emplace(entries_.back().key, std::prev(entries_.end())).first;
  } else {
    entries_.splice(entries_.end(), entries_, found->second);
  }
  found->second->bucket.take(per_second, clock_.monotonic_ms());
}

void ClientRates::forget(std::size_t most) {
  const std::int64_t now = clock_.monotonic_ms();
  while (most-- > 0 && !entries_.empty() && entries_.front().bucket.is_full(now)) {
    by_key_.erase(entries_.front().key);
    entries_.pop_front();
  }
}

}  // namespace tako::edge
