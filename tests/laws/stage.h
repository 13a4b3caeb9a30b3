// What the law tests play on: a cluster with public and private rooms, and the way to an end that
// everybody has seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/laws/history.h"
#include "tests/laws/swarm.h"
#include "tests/support/cluster.h"
#include "tests/support/temp_dir.h"

namespace tako::test {

// TAKO_LAW_SEED, or a random one; printed, so that a run can be repeated.
[[nodiscard]] std::uint64_t choose_seed();

// Messages that a room retains.
struct Windows {
  int public_rooms = 0;
  int private_rooms = 0;
};

class Stage {
 public:
  explicit Stage(const Windows& windows);

  // As in closing.h.
  void bring_to_the_end(const Swarm& swarm, std::uint32_t first_number, History& history);

 private:
  TempDir folder_;

 public:
  Cluster cluster;
  std::vector<SwarmChannel> channels;
  std::vector<std::string> publish_targets;  // `room/messages?r=1`
};

}  // namespace tako::test
