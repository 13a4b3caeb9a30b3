// PresenceMirror: a channel's list as this edge last heard it, and the changes that led there.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "edge/fanout/presence_encoder.h"

namespace tako::edge {

class PresenceMirror {
 public:
  // Changes that were told together, and their frames.
  struct Step {
    PresenceChanges what;
    FrameSet frames = {};
    std::size_t bytes = 0;
  };

  [[nodiscard]] bool is_known() const { return is_known_; }
  [[nodiscard]] const PresenceVersion& version() const { return version_; }
  [[nodiscard]] const PresenceMembers& members() const { return members_; }

  // The whole list. What is different from the list that was known is a step, whatever the epochs,
  // so that whoever holds the one gets to the other; null: nothing was known, or nothing is new.
  Step* take(MemberList list);
  // Null: they do not follow what is known.
  Step* apply(PresenceChanges changes);
  void forget();

  // Oldest first, each behind the one before; the last one leads to version().
  [[nodiscard]] std::deque<Step>& steps() { return steps_; }
  // Where in steps() those begin that lead from a list of that version to the present one; nullopt:
  // that is not known any more.
  [[nodiscard]] std::optional<std::size_t> first_step_after(const PresenceVersion& version) const;

 private:
  Step* keep(PresenceChanges changes);
  void drop_oldest();

  bool is_known_ = false;
  PresenceVersion version_;
  PresenceMembers members_;
  std::size_t members_bytes_ = 0;
  // The newest ones, as long as they are shorter than the list: then they save something.
  std::deque<Step> steps_;
  std::size_t steps_bytes_ = 0;
};

}  // namespace tako::edge
