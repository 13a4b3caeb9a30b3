// The independent judge: laws 1 to 6 of the design over what every client saw.
#pragma once

#include <string>
#include <vector>

#include "tests/laws/history.h"

namespace tako::test {

struct Violation {
  int law = 0;
  std::string text;
};

// Law 1: offsets only rise within an epoch. Law 2: n is followed by n+1, or a gap was told; and
// everybody came to the end. Law 3: nothing twice. Law 4: what was acknowledged is not behind the
// end, and what was delivered is known to its publisher. Law 5: one message number has one position
// in an epoch, and with a durable log one offset over all epochs (publishers retry with the same
// key). Law 6: a message is seen only on its own channel, only by the authorized, not over a
// connection whose permission was taken back before, and is the same one for all. At most
// `violations_max` are listed.
[[nodiscard]] std::vector<Violation> check_laws(const History& history,
                                                std::size_t violations_max = 20);

}  // namespace tako::test
