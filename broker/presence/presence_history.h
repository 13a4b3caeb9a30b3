// PresenceHistory: the version of a channel's list, and the changes that led to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "broker/presence/presence_member.h"

namespace tako::broker {

//   changes        … 5 6 7 8 9
//   version          │       └─ head: the list as it is
//                    └─ whoever stands at 4 or later is told changes, others the list
class PresenceHistory {
 public:
  // `epoch`: a new one for each channel that is made: numbers begin at 0 then.
  explicit PresenceHistory(Epoch epoch) : epoch_(epoch) {}

  [[nodiscard]] PresenceVersion version() const { return {head_, epoch_}; }
  // Every change has a number, also one that nobody is told. `list_bytes`: of the list behind the
  // change. Older changes go when they have become longer than that: then the list is the shorter
  // answer.
  void add(PresenceChange change, std::size_t list_bytes);
  // Whoever stands at `version` can go on by changes.
  [[nodiscard]] bool covers(const PresenceVersion& version) const;
  // Those behind a version that is covered up to a later one of the same epoch, in order; of
  // several updates of a member in a row the last one. Good until the next add().
  [[nodiscard]] std::vector<const PresenceChange*> between(const PresenceVersion& version,
                                                           const PresenceVersion& upto) const;
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  Epoch epoch_;
  std::uint64_t head_ = 0;
  std::deque<PresenceChange> changes_;
  std::size_t bytes_ = 0;
};

}  // namespace tako::broker
