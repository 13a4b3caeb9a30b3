// The law test: publishers and a restless crowd on the real binaries, the window overrun, the
// broker killed; then the checker over what everybody saw. TAKO_LAW_SEED repeats a run.
#include <doctest/doctest.h>

#include "tests/laws/crew.h"
#include "tests/laws/stage.h"
#include "tests/laws/swarm.h"

using namespace tako::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t kMessages = 30'000;  // The same crowd; the sanitizers cost a factor of 10.
#else
constexpr std::uint32_t kMessages = 200'000;
#endif
constexpr int kSubscribers = 500;
constexpr int kStrangers = 12;

// Windows of a few dozen messages: whoever stalls or stays away for a second is overrun.
constexpr Windows kWindows{.public_rooms = 40, .private_rooms = 4'000};

}  // namespace

TEST_CASE("the laws hold for a restless crowd while the window is overrun and the broker dies") {
  const std::uint64_t seed = choose_seed();
  INFO("TAKO_LAW_SEED=", seed);
  Stage stage(kWindows);
  Swarm swarm({.edge = stage.cluster.edge(),
               .channels = stage.channels,
               .subscribers = kSubscribers,
               .strangers = kStrangers,
               .seed = seed});
  Crew crew({.routes = {{stage.cluster.app_socket(), "/v1/channels/"}},
             .targets = stage.publish_targets,
             .publishers = 8,
             .messages = kMessages,
             .seed = seed});

  wait_until(
      "publishers", [&] { return crew.acknowledged() >= kMessages / 100 * 40 || crew.is_done(); },
      std::chrono::minutes(4));
  stage.cluster.restart_broker();
  stage.judge(swarm, crew, kMessages + 1);
  std::printf("deliveries %llu, drops %llu, stalls %llu, gaps told %llu, retries %llu\n",
              static_cast<unsigned long long>(swarm.messages()),
              static_cast<unsigned long long>(swarm.drops()),
              static_cast<unsigned long long>(swarm.stalls()),
              static_cast<unsigned long long>(swarm.gaps()),
              static_cast<unsigned long long>(crew.retries()));
  // The run was worth something: it was disturbed, windows passed, and much was delivered.
  CHECK(swarm.drops() > 100);
  CHECK(swarm.stalls() > 100);
  CHECK(swarm.gaps() > 100);
  CHECK(swarm.messages() > kMessages);
}
