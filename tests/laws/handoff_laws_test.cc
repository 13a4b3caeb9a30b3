// The laws over a chain of handoffs: publishers without a pause, and a crowd that is quiet, or
// drops and stalls at every moment of a handoff.
#include <doctest/doctest.h>

#include "tests/laws/crew.h"
#include "tests/laws/stage.h"
#include "tests/laws/swarm.h"

using namespace tako::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t kMessages = 12'000;
#else
constexpr std::uint32_t kMessages = 60'000;
#endif
constexpr std::uint32_t kHandoffs = 5;
constexpr int kSubscribers = 400;

struct Outcome {
  std::uint64_t ended = 0;
  std::uint64_t gaps = 0;
  std::uint64_t drops = 0;
};

// Publishes all messages while the edge is replaced again and again; judges what everybody saw.
Outcome run_chain(const Windows& windows, bool is_restless) {
  const std::uint64_t seed = choose_seed();
  INFO("TAKO_LAW_SEED=", seed);
  Stage stage(windows);
  Swarm swarm({.edge = stage.cluster.edge(),
               .channels = stage.channels,
               .subscribers = kSubscribers,
               .strangers = 4,
               .seed = seed,
               .is_restless = is_restless});
  if (!is_restless) {
    wait_for_metric(stage.cluster.edge_admin(), "tako_edge_subscriptions_started_total",
                    kSubscribers);
  }
  Crew crew({.routes = {{stage.cluster.app_socket(), "/v1/channels/"}},
             .targets = stage.publish_targets,
             .publishers = 4,
             .messages = kMessages,
             .seed = seed});
  for (std::uint32_t round = 1; round <= kHandoffs; ++round) {
    const std::uint32_t due = kMessages / (kHandoffs + 1) * round;
    wait_until(
        "publishers", [&] { return crew.acknowledged() >= due || crew.is_done(); },
        std::chrono::minutes(4));
    CHECK_FALSE(crew.is_done());  // Else this handoff would be one without load.
    stage.cluster.take_over();
  }
  stage.judge(swarm, crew, kMessages + 1);
  std::printf("deliveries %llu, drops %llu, ended by the edge %llu, gaps told %llu\n",
              static_cast<unsigned long long>(swarm.messages()),
              static_cast<unsigned long long>(swarm.drops()),
              static_cast<unsigned long long>(swarm.ended()),
              static_cast<unsigned long long>(swarm.gaps()));
  CHECK(swarm.messages() > kMessages);
  return {.ended = swarm.ended(), .gaps = swarm.gaps(), .drops = swarm.drops()};
}

}  // namespace

TEST_CASE("five handoffs under load: nobody is closed, nothing is lost, nothing comes twice") {
  const Outcome outcome = run_chain({.public_rooms = 10'000, .private_rooms = 10'000}, false);
  CHECK(outcome.ended == 0);
  CHECK(outcome.gaps == 0);
}

TEST_CASE("five handoffs under load of a crowd that drops and stalls, with windows that pass") {
  const Outcome outcome = run_chain({.public_rooms = 40, .private_rooms = 4'000}, true);
  CHECK(outcome.drops > 50);
}
