// Keeps two indexes: by key and by time of expiry.
#include "broker/log/quiet_heads.h"

#include <utility>

#include "broker/log/place.h"
#include "common/check.h"

namespace tako::broker {

void QuietHeads::remember(std::string_view key, QuietHead head, std::int64_t expires_ms) {
  const auto [entry, is_new] = heads_.try_emplace(std::string(key));
  TAKO_CHECK(is_new);  // It was open until now, and open() takes it out.
  entry->second.head = std::move(head);
  entry->second.expiry = by_expiry_.emplace(expires_ms, &entry->first);
}

const QuietHead* QuietHeads::find(std::string_view key) const {
  const auto found = heads_.find(key);
  return found == heads_.end() ? nullptr : &found->second.head;
}

QuietHead* QuietHeads::find(std::string_view key) {
  const auto found = heads_.find(key);
  return found == heads_.end() ? nullptr : &found->second.head;
}

std::int64_t QuietHeads::expires_ms(std::string_view key) const {
  const auto found = heads_.find(key);
  TAKO_CHECK(found != heads_.end());
  return found->second.expiry->first;
}

std::vector<std::string> QuietHeads::keys_in(std::uint32_t slot) const {
  std::vector<std::string> keys;
  for (const auto& [key, remembered] : heads_) {
    const std::uint64_t place = remembered.head.stated_at.place;
    if (place != 0 && Place::from_packed(place).slot == slot) keys.push_back(key);
  }
  return keys;
}

std::optional<QuietHead> QuietHeads::take(std::string_view key) {
  const auto found = heads_.find(key);
  if (found == heads_.end()) return std::nullopt;
  QuietHead head = std::move(found->second.head);
  by_expiry_.erase(found->second.expiry);
  heads_.erase(found);
  return head;
}

std::optional<QuietHead> QuietHeads::drop_first() {
  if (by_expiry_.empty()) return std::nullopt;
  const auto first = by_expiry_.begin();
  const auto entry = heads_.find(*first->second);
  QuietHead head = std::move(entry->second.head);
  by_expiry_.erase(first);
  heads_.erase(entry);
  return head;
}

std::optional<QuietHead> QuietHeads::drop_first_due(std::int64_t now_ms) {
  if (by_expiry_.empty() || by_expiry_.begin()->first > now_ms) return std::nullopt;
  return drop_first();
}

}  // namespace tako::broker
