// Keeps two indexes: by key and by time of expiry.
#include "broker/log/quiet_heads.h"

#include <utility>

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

std::optional<QuietHead> QuietHeads::take(std::string_view key) {
  const auto found = heads_.find(key);
  if (found == heads_.end()) return std::nullopt;
  QuietHead head = std::move(found->second.head);
  by_expiry_.erase(found->second.expiry);
  heads_.erase(found);
  return head;
}

bool QuietHeads::drop_first() {
  if (by_expiry_.empty()) return false;
  const auto first = by_expiry_.begin();
  const auto entry = heads_.find(*first->second);
  by_expiry_.erase(first);
  heads_.erase(entry);
  return true;
}

bool QuietHeads::drop_first_due(std::int64_t now_ms) {
  return !by_expiry_.empty() && by_expiry_.begin()->first <= now_ms && drop_first();
}

}  // namespace tako::broker
