// The gate: who waits for the link, how long, and how many.
#include "edge/session/link_gate.h"

#include <doctest/doctest.h>

#include <vector>

#include "edge/fanout/testing/fake_broker.h"

namespace tako::edge {
namespace {

struct Gate {
  FakeClock clock;
  testing::FakeBroker broker{clock};
  SeededRandom random{1};
  RuntimeLimits limits;
  LimitCounters counters;
  LinkGate gate{broker, clock, random, limits, counters};
  std::vector<Result<void>> answers;

  [[nodiscard]] std::unique_ptr<LinkGate::Ticket> wait() {
    return gate.wait([this](const Result<void>& result) { answers.push_back(result); });
  }
};

TEST_CASE_FIXTURE(Gate, "who waits passes when the link stands") {
  const auto ticket = wait();
  gate.tick();
  CHECK(answers.empty());
  broker.link_up();
  gate.on_link_up();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].has_value());
}

TEST_CASE_FIXTURE(Gate, "who waited too long hears when to come back") {
  const auto ticket = wait();
  clock.advance(limits.link_wait_ms);
  gate.tick();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error().code == ErrorCode::Unavailable);
  CHECK(answers[0].error().retry_after_ms >= 1'000);
  CHECK(counters.link_wait_ms == 1);
}

TEST_CASE_FIXTURE(Gate, "for a broker that said goodbye everybody waits longer") {
  broker.restart_until = clock.monotonic_ms() + limits.link_restart_wait_ms;
  const auto ticket = wait();
  clock.advance(limits.link_restart_wait_ms - 1);
  gate.tick();
  CHECK(answers.empty());
  clock.advance(1);
  gate.tick();
  REQUIRE(answers.size() == 1);
  CHECK(counters.link_restart_wait_ms == 1);
  CHECK(counters.link_wait_ms == 0);
}

TEST_CASE_FIXTURE(Gate, "one too many is refused at the next tick") {
  limits.link_pending_requests_max = 1;
  const auto first = wait();
  const auto second = wait();
  CHECK(answers.empty());
  gate.tick();
  REQUIRE(answers.size() == 1);
  CHECK_FALSE(answers[0].has_value());
  CHECK(counters.link_pending_requests_max == 1);
}

TEST_CASE_FIXTURE(Gate, "who has gone is not called") {
  wait().reset();
  broker.link_up();
  gate.on_link_up();
  CHECK(answers.empty());
}

}  // namespace
}  // namespace tako::edge
