// A list by age and an index by key.
#include "edge/server/authorize_cache.h"

#include <openssl/evp.h>

#include <algorithm>
#include <iterator>

#include "common/check.h"

namespace tako::edge {

CallKey call_key(std::string_view body) {
  CallKey key{};
  TAKO_CHECK(EVP_Digest(body.data(), body.size(), key.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return key;
}

std::optional<Grant> AuthorizeCache::find(const CallKey& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  if (found->second->until_ms > clock_.monotonic_ms()) return found->second->grant;
  drop(found->second);
  return std::nullopt;
}

AuthorizeCache::Kept AuthorizeCache::keep(std::string_view app, const CallKey& key,
                                          const AuthorizeAnswer& answer) {
  std::int64_t keep_ms = answer.ttl_ms;
  if (answer.grant.expires_at_ms) {
    keep_ms = std::min(keep_ms, *answer.grant.expires_at_ms - clock_.wall_ms());
  }
  const bool is_shortened = keep_ms > ms_max_;
  keep_ms = std::min(keep_ms, ms_max_);
  if (keep_ms <= 0 || answers_max_ == 0) return Kept::No;
  if (const auto old = by_key_.find(key); old != by_key_.end()) drop(old->second);
  const bool is_full = entries_.size() >= answers_max_;
  if (is_full) drop(entries_.begin());
  entries_.push_back({std::string(app), key, answer.grant, clock_.monotonic_ms() + keep_ms});
  by_key_.emplace(key, std::prev(entries_.end()));
  if (is_full) return Kept::YesInPlaceOfAnother;
  return is_shortened ? Kept::YesShortened : Kept::Yes;
}

void AuthorizeCache::forget_app(std::string_view app) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->app == app) drop(entry);
    entry = next;
  }
}

void AuthorizeCache::drop(Entries::iterator entry) {
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace tako::edge
