// A ring as long as the list.
#include "broker/presence/presence_history.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tako::broker {
namespace {

// A room of a few: its changes of the last moments are kept all the same.
constexpr std::size_t kBytesMin = 4'096;

}  // namespace

void PresenceHistory::add(PresenceChange change, std::size_t list_bytes) {
  ++head_;
  bytes_ += tako::broker::list_bytes(*change.member);
  changes_.push_back(std::move(change));
  while (bytes_ > std::max(list_bytes, kBytesMin)) {
    bytes_ -= tako::broker::list_bytes(*changes_.front().member);
    changes_.pop_front();
  }
}

bool PresenceHistory::covers(const PresenceVersion& version) const {
  return version.epoch == epoch_ && version.offset <= head_ &&
         head_ - version.offset <= changes_.size();
}

std::vector<const PresenceChange*> PresenceHistory::between(const PresenceVersion& version,
                                                            const PresenceVersion& upto) const {
  const auto count = static_cast<std::ptrdiff_t>(upto.offset - version.offset);
  std::vector<const PresenceChange*> given;
  given.reserve(static_cast<std::size_t>(count));
  // From the newest on: what comes after a change is known when it is looked at.
  std::unordered_map<std::string_view, PresenceAction> next;
  const auto first = changes_.rbegin() + static_cast<std::ptrdiff_t>(head_ - upto.offset);
  for (auto change = first; change != first + count; ++change) {
    const auto [later, is_last] = next.try_emplace(change->member->subject, change->action);
    const bool is_replaced = !is_last && change->action == PresenceAction::Update &&
                             later->second == PresenceAction::Update;
    later->second = change->action;
    if (!is_replaced) given.push_back(&*change);
  }
  std::ranges::reverse(given);
  return given;
}

}  // namespace tako::broker
