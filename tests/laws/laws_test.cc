// The law test: publishers and a restless crowd on the real binaries, the window overrun, the
// broker killed; then the checker over what everybody saw. TAKO_LAW_SEED repeats a run.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "tests/laws/checker.h"
#include "tests/laws/crew.h"
#include "tests/laws/swarm.h"
#include "tests/support/cluster.h"
#include "tests/support/temp_dir.h"

using namespace tako::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t kMessages = 30'000;  // The same crowd; the sanitizers cost a factor of 10.
#else
constexpr std::uint32_t kMessages = 200'000;
#endif
constexpr int kSubscribers = 500;
constexpr int kStrangers = 12;
constexpr int kPublicRooms = 24;
constexpr int kPrivateRooms = 8;
constexpr int kClosingRoundsMax = 60;

// Windows of a few dozen messages: whoever stalls or stays away for a second is overrun.
constexpr std::string_view kDefinitions = R"({"definitions":[
  {"name":"room","auth":false,"maxMessages":40,
   "paramsSchema":{"type":"object","properties":{"r":{"type":"integer"}},"required":["r"]}},
  {"name":"secret","auth":{},"maxMessages":4000,
   "paramsSchema":{"type":"object","properties":{"r":{"type":"integer"}},"required":["r"]}}]})";

std::uint64_t choose_seed() {
  const char* given = std::getenv("TAKO_LAW_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

StubReply judge_token(const Json& call) {
  const bool is_good = call.has("header") && call["header"]["value"].string() == "good";
  if (is_good) return {.body = R"({"ok":true,"subject":"crowd","ttlMs":60000})"};
  return {.status = 403, .body = "{}"};
}

struct Stage {
  TempDir folder;
  Cluster cluster;
  std::vector<SwarmChannel> channels;
  std::vector<std::string> publish_targets;

  Stage()
      : cluster({.broker_config = "[[apps]]\nid = \"default\"\ndefinitions_file = \"" +
                                  folder.write("definitions.json", kDefinitions) + "\"\n"}) {
    cluster.app().on_authorize(judge_token);
    for (int i = 0; i < kPublicRooms + kPrivateRooms; ++i) {
      const bool is_private = i >= kPublicRooms;
      const std::string name = is_private ? "secret" : "room";
      const std::string query = "?r=" + std::to_string(i);
      channels.push_back({"/_tako/channels/" + name + query, is_private});
      publish_targets.push_back("/v1/channels/" + name + "/messages" + query);
    }
  }

  // One more message on every channel; their positions.
  std::vector<SeenPosition> publish_round(std::uint32_t first_number,
                                          std::vector<PublishedMessage>& published) {
    std::vector<SeenPosition> heads;
    for (std::size_t i = 0; i < publish_targets.size(); ++i) {
      const auto number = first_number + static_cast<std::uint32_t>(i);
      const HttpResponse answer =
          cluster.api("POST", publish_targets[i],
                      R"({"type":"m","data":{"n":)" + std::to_string(number) + R"(,"c":)" +
                          std::to_string(i) + "}}");
      REQUIRE(answer.status == 201);
      heads.push_back(parse_position(answer.json()["id"].string()));
      published.push_back({number, static_cast<std::uint16_t>(i), true, heads.back()});
    }
    return heads;
  }
};

// Publishes closing rounds until everybody has seen the last one (a plain WebSocket says nothing
// when it is subscribed, so a round may come before it is).
void bring_to_the_end(Stage& stage, const Swarm& swarm, History& history) {
  std::uint32_t number = kMessages + 1;
  for (int round = 0; round < kClosingRoundsMax; ++round) {
    history.heads = stage.publish_round(number, history.published);
    number += static_cast<std::uint32_t>(history.heads.size());
    const auto all_there = [&] { return swarm.count_at(history.heads) == swarm.authorized(); };
    if (eventually(all_there, std::chrono::seconds(2))) return;
  }
}

}  // namespace

TEST_CASE("the laws hold for a restless crowd while the window is overrun and the broker dies") {
  const std::uint64_t seed = choose_seed();
  INFO("TAKO_LAW_SEED=", seed);
  std::printf("TAKO_LAW_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Stage stage;
  Swarm swarm({.edge = stage.cluster.edge(),
               .channels = stage.channels,
               .subscribers = kSubscribers,
               .strangers = kStrangers,
               .seed = seed});
  Crew crew({.app_socket = stage.cluster.app_socket(),
             .targets = stage.publish_targets,
             .publishers = 8,
             .messages = kMessages,
             .seed = seed});

  const auto progress = [&](std::uint32_t percent) {
    wait_until(
        "publishers",
        [&] { return crew.acknowledged() >= kMessages / 100 * percent || crew.is_done(); },
        std::chrono::minutes(4));
  };
  progress(40);
  stage.cluster.restart_broker();
  progress(100);
  wait_until("publishers' end", [&] { return crew.is_done(); }, std::chrono::minutes(4));

  History history;
  history.is_durable = true;
  history.published = crew.published();
  swarm.calm();
  bring_to_the_end(stage, swarm, history);
  history.subscriptions = swarm.finish();

  std::printf("deliveries %llu, drops %llu, stalls %llu, gaps told %llu, retries %llu\n",
              static_cast<unsigned long long>(swarm.messages()),
              static_cast<unsigned long long>(swarm.drops()),
              static_cast<unsigned long long>(swarm.stalls()),
              static_cast<unsigned long long>(swarm.gaps()),
              static_cast<unsigned long long>(crew.retries()));
  const auto violations = check_laws(history);
  for (const Violation& violation : violations) {
    CAPTURE(violation.law);
    FAIL_CHECK(violation.text);
  }
  // The run was worth something: it was disturbed, windows passed, and much was delivered.
  CHECK(swarm.drops() > 100);
  CHECK(swarm.stalls() > 100);
  CHECK(swarm.gaps() > 100);
  CHECK(swarm.messages() > kMessages);
}
