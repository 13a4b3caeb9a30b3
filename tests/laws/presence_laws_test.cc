// Presence in a storm: subjects come and go at random while edges and broker are killed, restarted,
// frozen and handed over; then the checker over what every watcher was told.
//
//   TAKO_LAW_SEED  repeats a run's faults
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/laws/faults.h"
#include "tests/laws/fleet.h"
#include "tests/laws/presence_checker.h"
#include "tests/laws/presence_crowd.h"
#include "tests/laws/stage.h"

using namespace tako::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kFaults = 4;
#else
constexpr int kFaults = 12;
#endif
constexpr std::size_t kEdges = 3;
constexpr std::chrono::milliseconds kGrace{6'000};
constexpr Duration kAgreement{60'000};

// Keepalives are far away: the crowd does not answer pings.
constexpr std::string_view kDefinitions = R"({"definitions":[
  {"name":"room","auth":{},"keepaliveIntervalMs":600000,"presence":{"graceMs":6000},
   "clientRate":{"connection":0,"subject":0,"channel":0},
   "paramsSchema":{"type":"object","properties":{"r":{"type":"integer"}},"required":["r"]}}]})";

StubReply judge_token(const Json& call) {
  if (!call.has("header")) return {.status = 403, .body = "{}"};
  return {.body = R"({"ok":true,"subject":)" + call["header"]["value"].print() + "}"};
}

}  // namespace

TEST_CASE("in a storm every list is one of the truth's versions, and nobody leaves for a blink") {
  const std::uint64_t seed = choose_seed();
  INFO("TAKO_LAW_SEED=", seed);
  Fleet fleet({.edges = kEdges, .definitions = std::string(kDefinitions)});
  fleet.app().on_authorize(judge_token);
  PresenceCrowd crowd({.edge = fleet.edge_address(), .grace = kGrace, .seed = seed});
  for (const Fault& fault : draw_faults(seed, kFaults, kEdges)) {
    INFO(describe(fault));
    std::this_thread::sleep_for(fault.before);  // Of storm.
    REQUIRE_NOTHROW(fleet.apply(fault));
  }
  fleet.wait_until_ready();
  crowd.settle();
  const bool has_agreed = eventually([&] { return crowd.is_agreed(); }, kAgreement);
  CAPTURE(crowd.disagreement());
  CHECK(has_agreed);
  const PresenceHistory history = crowd.finish();
  std::printf("presence: %llu connections, %llu frames told\n",
              static_cast<unsigned long long>(crowd.connects()),
              static_cast<unsigned long long>(crowd.frames()));
  CHECK(crowd.frames() > 1'000);
  for (const std::string& fault : check_presence(history)) FAIL_CHECK(fault);
  fleet.end();
}
