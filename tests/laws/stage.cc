// Rooms and their app.
#include "tests/laws/stage.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/laws/checker.h"
#include "tests/laws/closing.h"

namespace tako::test {
namespace {

constexpr int kPublicRooms = 24;
constexpr int kPrivateRooms = 8;

std::string definitions_of(const Windows& windows) {
  // The crowd does not answer pings, and a busy machine needs more than two usual intervals.
  const std::string schema =
      R"("keepaliveIntervalMs":600000,)"
      R"("paramsSchema":{"type":"object","properties":{"r":{"type":"integer"}},"required":["r"]}})";
  return R"({"definitions":[{"name":"room","auth":false,"maxMessages":)" +
         std::to_string(windows.public_rooms) + "," + schema +
         R"(,{"name":"secret","auth":{},"maxMessages":)" + std::to_string(windows.private_rooms) +
         "," + schema + "]}";
}

StubReply judge_token(const Json& call) {
  const std::string token = call.has("header") ? call["header"]["value"].string() : "";
  if (!token.starts_with("crowd-")) return {.status = 403, .body = "{}"};
  return {.body = R"({"ok":true,"ttlMs":60000,"subject":")" + token + "\"}"};
}

}  // namespace

std::uint64_t choose_seed() {
  const char* given = std::getenv("TAKO_LAW_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("TAKO_LAW_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

Stage::Stage(const Windows& windows)
    : cluster({.broker_config = "[[apps]]\nid = \"default\"\ndefinitions_file = \"" +
                                folder_.write("definitions.json", definitions_of(windows)) +
                                "\"\n"}) {
  cluster.app().on_authorize(judge_token);
  for (int i = 0; i < kPublicRooms + kPrivateRooms; ++i) {
    const bool is_private = i >= kPublicRooms;
    const std::string name = is_private ? "secret" : "room";
    const std::string query = "?r=" + std::to_string(i);
    channels.push_back({"/_tako/channels/" + name + query, is_private});
    publish_targets.push_back(name + "/messages" + query);
  }
}

void Stage::judge(Swarm& swarm, Crew& crew, std::uint32_t first_number) {
  wait_until("publishers' end", [&] { return crew.is_done(); }, std::chrono::minutes(4));
  History history;
  history.is_durable = true;
  history.knows_all_published = true;
  history.published = crew.published();
  swarm.calm();
  bring_to_the_end({cluster.app_socket(), publish_targets}, swarm, first_number, history);
  history.subscriptions = swarm.finish();
  for (const Violation& violation : check_laws(history)) {
    CAPTURE(violation.law);
    FAIL_CHECK(violation.text);
  }
}

}  // namespace tako::test
