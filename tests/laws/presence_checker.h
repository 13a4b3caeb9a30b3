// The independent judge of presence: over what every watcher was told, and what every subject did.
#pragma once

#include <string>
#include <vector>

#include "tests/laws/presence_history.h"

namespace tako::test {

// - Changes apply exactly behind the version that is held; who is absent enters, who is present is
//   updated or leaves.
// - All lists of one version are the same list.
// - Whoever was never away for half of the grace, and never said goodbye, never left; and nobody
//   leaves more often than it went.
// - At the end every list is the truth.
// At most `faults_max` are listed.
[[nodiscard]] std::vector<std::string> check_presence(const PresenceHistory& history,
                                                      std::size_t faults_max = 20);

}  // namespace tako::test
