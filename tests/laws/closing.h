// The end of a run: everybody is brought to the head of every channel, so that the checker can say
// whether something is missing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/laws/history.h"
#include "tests/laws/swarm.h"
#include "tests/support/socket.h"

namespace tako::test {

struct ClosingTargets {
  Endpoint app_socket;
  std::vector<std::string> targets;  // per channel: `room/messages?r=1`
};

// Publishes one more message on every channel, numbered from `first_number` on, until all have seen
// the last ones, or it gives up (the checker then says who is missing). A plain WebSocket says
// nothing when it is subscribed, so a round may come before it is. Fills history.heads and adds to
// history.published. Returns the first number not used.
std::uint32_t bring_to_the_end(const ClosingTargets& to, const Swarm& swarm,
                               std::uint32_t first_number, History& history);

}  // namespace tako::test
