// The life of a permission, step by step.
#include "edge/session/permission.h"

#include <doctest/doctest.h>

#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

using Step = Permission::Step;

constexpr std::int64_t kWallStart = 1'700'000'000'000;  // at monotonic 0

Grant for_ever() {
  Grant grant;
  grant.subject = "ann";
  grant.asked_ms = 1;
  return grant;
}

Grant until(std::int64_t end_ms) {
  Grant grant = for_ever();
  grant.expires_at_ms = kWallStart + end_ms;
  grant.expires_ms = end_ms;
  return grant;
}

TEST_CASE("a permission without an end asks for nothing") {
  Permission permission;
  permission.grant(for_ever(), 10, true);
  CHECK(permission.due_ms() == 0);
  CHECK(permission.take_step(1'000'000) == Step::Nothing);
  CHECK(permission.asked_ms() == 1);
}

TEST_CASE("the app is asked 30 s before the end, or half-way, once") {
  Permission permission;
  permission.grant(until(100'000), 0, false);
  CHECK(permission.due_ms() == 70'000);
  CHECK(permission.take_step(69'999) == Step::Nothing);
  CHECK(permission.take_step(70'000) == Step::AskApp);
  CHECK(permission.take_step(70'001) == Step::Nothing);
  CHECK(permission.due_ms() == 100'000);
  CHECK(permission.take_step(100'000) == Step::Expire);

  permission.grant(until(140'000), 100'000, false);
  CHECK(permission.due_ms() == 120'000);
}

TEST_CASE("a client that can answer is asked first, and the app when it says nothing") {
  Permission permission;
  permission.grant(until(100'000), 0, true);
  CHECK(permission.take_step(70'000) == Step::AskClient);
  CHECK(permission.awaits_client());
  CHECK(permission.due_ms() == 85'000);
  SUBCASE("nothing comes") {
    CHECK(permission.take_step(85'000) == Step::AskApp);
    CHECK_FALSE(permission.awaits_client());
  }
  SUBCASE("it answers") { permission.on_client_answered(); }
  CHECK(permission.take_step(86'000) == Step::Nothing);
  CHECK(permission.due_ms() == 100'000);
}

TEST_CASE("a later end goes on, the same end is asked about no more") {
  Permission permission;
  permission.grant(until(60'000), 0, false);
  CHECK(permission.take_step(30'000) == Step::AskApp);
  permission.grant(until(60'000), 30'000, false);
  CHECK(permission.due_ms() == 60'000);
  CHECK(permission.take_step(45'000) == Step::Nothing);
  permission.grant(until(120'000), 45'000, false);
  CHECK(permission.due_ms() == 90'000);
  permission.grant(for_ever(), 90'000, false);
  CHECK(permission.due_ms() == 0);
}

TEST_CASE("an early answer with the same end changes nothing of what is to come") {
  Permission permission;
  permission.grant(until(100'000), 0, false);
  permission.grant(until(100'000), 10'000, false);
  CHECK(permission.due_ms() == 70'000);
}

TEST_CASE("an app that does not answer is asked again while there is time") {
  Permission permission;
  permission.grant(until(16'000), 0, false);
  CHECK(permission.take_step(8'000) == Step::AskApp);
  permission.on_unanswered(8'000);
  CHECK(permission.take_step(12'000) == Step::AskApp);
  permission.on_unanswered(14'000);
  CHECK(permission.take_step(15'000) == Step::AskApp);
  permission.on_unanswered(15'000);
  CHECK(permission.due_ms() == 16'000);
}

TEST_CASE("a jump of the wall clock neither ends nor prolongs") {
  Permission permission;
  permission.grant(until(100'000), 0, false);
  proto::SubscriptionRecord record;
  permission.save(record);
  Permission moved;
  moved.restore(record, 50'000, kWallStart + 1'000'000'000);
  CHECK(moved.expires_ms() == 100'000);
  CHECK(moved.due_ms() == 70'000);
}

TEST_CASE("a permission moves with all that is due") {
  Permission permission;
  permission.grant(until(100'000), 0, true);
  CHECK(permission.take_step(70'000) == Step::AskClient);
  proto::SubscriptionRecord record;
  permission.save(record);
  Permission moved;
  moved.restore(record, 71'000, kWallStart + 71'000);
  CHECK(moved.awaits_client());
  CHECK(moved.granted().subject == "ann");
  CHECK(moved.asked_ms() == 1);
  CHECK(moved.take_step(85'000) == Step::AskApp);
}

TEST_CASE("a record of a version that saved the wall time only is understood") {
  proto::SubscriptionRecord record;
  record.mutable_grant()->set_subject("ann");
  record.mutable_grant()->set_expires_at_ms(kWallStart + 100'000);
  Permission moved;
  moved.restore(record, 60'000, kWallStart + 60'000);
  CHECK(moved.expires_ms() == 100'000);
  CHECK(moved.due_ms() == 80'000);
}

}  // namespace
}  // namespace tako::edge
