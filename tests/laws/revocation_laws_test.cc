// Law 6 under load: a restless crowd is disconnected again and again, subject by subject, and comes
// back; behind each acknowledgement nothing may reach the connections that it was for.
#include <doctest/doctest.h>

#include <random>

#include "tests/laws/crew.h"
#include "tests/laws/stage.h"
#include "tests/laws/swarm.h"

using namespace tako::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t kMessages = 10'000;
#else
constexpr std::uint32_t kMessages = 60'000;
#endif
constexpr int kSubjects = 12;
constexpr int kSubscribers = 300;

}  // namespace

TEST_CASE("behind a disconnect's answer nothing reaches those that it was for") {
  const std::uint64_t seed = choose_seed();
  INFO("TAKO_LAW_SEED=", seed);
  Stage stage({.public_rooms = 4'000, .private_rooms = 10'000});
  Swarm swarm({.edge = stage.cluster.edge(),
               .channels = stage.channels,
               .subscribers = kSubscribers,
               .subjects = kSubjects,
               .strangers = 4,
               .disturbed_each_ms = 4'000,
               .seed = seed});
  wait_until("the crowd", [&] { return swarm.connected() > kSubscribers / 2; });
  Crew crew({.routes = {{stage.cluster.app_socket(), "/v1/channels/"}},
             .targets = stage.publish_targets,
             .publishers = 4,
             .messages = kMessages,
             .seed = seed});
  std::mt19937_64 random(seed);
  std::uint64_t disconnects = 0;
  std::uint64_t met = 0;
  double counted = 0;
  while (!crew.is_done()) {
    const int subject = static_cast<int>(random() % kSubjects);
    swarm.before_disconnect(subject);
    const HttpResponse answer =
        stage.cluster.api("POST", "/v1/subjects/crowd-" + std::to_string(subject) + "/disconnect");
    const std::uint32_t next_number = crew.next_number();
    REQUIRE(answer.status == 200);
    REQUIRE_FALSE(answer.json().has("pending"));
    counted += answer.json()["subscriptions"].number();
    met += swarm.after_disconnect(subject, next_number);
    ++disconnects;
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));  // The crowd comes back.
  }
  std::printf("disconnects %llu, connections met %llu\n",
              static_cast<unsigned long long>(disconnects), static_cast<unsigned long long>(met));
  CHECK(disconnects > 20);
  CHECK(met > 50);
  CHECK(counted > 50);
  stage.judge(swarm, crew, kMessages + 1);
}
