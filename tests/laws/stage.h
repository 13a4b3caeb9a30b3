// What the law tests play on: a cluster with public and private rooms, and the way to an end that
// everybody has seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/laws/crew.h"
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

  // Waits for the publishers' end, brings everybody to the end (closing.h, with numbers from
  // `first_number` on), and fails the test for each law that is broken.
  void judge(Swarm& swarm, Crew& crew, std::uint32_t first_number);

 private:
  TempDir folder_;

 public:
  Cluster cluster;
  std::vector<SwarmChannel> channels;
  std::vector<std::string> publish_targets;  // `room/messages?r=1`
};

}  // namespace tako::test
