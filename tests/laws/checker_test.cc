// The checker itself: it passes a clean history and finds each planted fault, by its law.
#include "tests/laws/checker.h"

#include <doctest/doctest.h>

using namespace tako::test;
using Kind = SeenEvent::Kind;

namespace {

constexpr std::uint64_t kEpoch = 0x6161616161616161;  // "aaaaaaaa"
constexpr std::uint64_t kOther = 0x6262626262626262;

SeenEvent event(Kind kind, std::uint64_t offset, std::uint32_t number = 0,
                std::uint64_t epoch = kEpoch) {
  return {.kind = kind,
          .has_position = true,
          .payload_channel = 0,
          .number = number,
          .position = {offset, epoch}};
}

// Two subscribers of channel 0 that saw messages 101…105; one resumed in between.
History clean_history() {
  History history;
  SubscriptionHistory steady{.channel = 0, .name = "steady", .events = {event(Kind::Fresh, 0)}};
  SubscriptionHistory resumed = steady;
  resumed.name = "resumed";
  for (std::uint32_t n = 1; n <= 5; ++n) {
    steady.events.push_back(event(Kind::Message, n, 100 + n));
    resumed.events.push_back(event(Kind::Message, n, 100 + n));
    if (n == 3) resumed.events.push_back(event(Kind::Resumed, 3));
    history.published.push_back(
        {.number = 100 + n, .channel = 0, .is_acknowledged = true, .position = {n, kEpoch}});
  }
  history.subscriptions = {steady, resumed};
  history.heads = {{5, kEpoch}};
  return history;
}

bool breaks(const History& history, int law) {
  const auto violations = check_laws(history);
  for (const Violation& violation : violations) {
    if (violation.law == law) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a clean history has no violation") { CHECK(check_laws(clean_history()).empty()); }

TEST_CASE("a planted loss is law 2") {
  History history = clean_history();
  history.subscriptions[0].events.erase(history.subscriptions[0].events.begin() + 3);
  CHECK(breaks(history, 2));
}

TEST_CASE("a loss at the end is law 2") {
  History history = clean_history();
  history.subscriptions[1].events.pop_back();
  CHECK(breaks(history, 2));
}

TEST_CASE("a planted repeat is law 3") {
  History history = clean_history();
  auto& events = history.subscriptions[0].events;
  events.insert(events.begin() + 3, events[2]);
  CHECK(breaks(history, 3));
}

TEST_CASE("a planted swap is law 1") {
  History history = clean_history();
  auto& events = history.subscriptions[0].events;
  std::swap(events[2], events[3]);
  CHECK(breaks(history, 1));
}

TEST_CASE("a resume that starts elsewhere than at the cursor is law 2") {
  History history = clean_history();
  history.subscriptions[1].events[4].position.offset = 4;
  CHECK(breaks(history, 2));
}

TEST_CASE("a new epoch without a told gap is law 2, with one it is fine") {
  History history = clean_history();
  for (auto& subscription : history.subscriptions) {
    subscription.events.push_back(event(Kind::Message, 1, 106, kOther));
  }
  history.heads = {{1, kOther}};
  CHECK(breaks(history, 2));
  for (auto& subscription : history.subscriptions) {
    subscription.events.insert(subscription.events.end() - 1, event(Kind::Gap, 0, 0, kOther));
  }
  CHECK(check_laws(history).empty());
}

TEST_CASE("a message that was delivered, and that no publisher was told of, is law 4") {
  History history = clean_history();
  history.knows_all_published = true;
  CHECK(check_laws(history).empty());
  history.published.pop_back();
  CHECK(breaks(history, 4));
}

TEST_CASE("a message stored twice under one key is law 5") {
  History history = clean_history();
  for (auto& subscription : history.subscriptions) {
    subscription.events.push_back(event(Kind::Message, 6, 105));
  }
  history.heads = {{6, kEpoch}};
  CHECK(breaks(history, 5));
}

TEST_CASE("a planted leak is law 6: a foreign channel's message, another's content, a stranger") {
  History foreign = clean_history();
  foreign.subscriptions[0].events[2].payload_channel = 1;
  CHECK(breaks(foreign, 6));

  History changed = clean_history();
  changed.subscriptions[0].events[2].number = 999;
  CHECK(breaks(changed, 6));

  History stranger = clean_history();
  stranger.subscriptions[0].is_authorized = false;
  CHECK(breaks(stranger, 6));
}

TEST_CASE("what comes over a connection whose permission was taken back is law 6") {
  History history = clean_history();
  auto& events = history.subscriptions[0].events;
  const SeenEvent opened{.kind = Kind::Opened, .position = {}};
  events.insert(events.begin(), opened);
  CHECK(check_laws(history).empty());
  // Behind message 103: nothing may come.
  const SeenEvent revoked{.kind = Kind::Revoked, .position = {}};
  events.insert(events.begin() + 5, revoked);
  CHECK(breaks(history, 6));
  SUBCASE("unless it is a new connection") { events.insert(events.begin() + 6, opened); }
  SUBCASE("of a slow reader only what was published later") {
    events[5].number = 105;
    CHECK(breaks(history, 6));
    events[5].number = 106;
  }
  CHECK(check_laws(history).empty());
}

TEST_CASE("positions print as they are parsed") {
  CHECK(print_position(parse_position("42-0abcdefv")) == "42-0abcdefv");
}

TEST_CASE("with a durable log another epoch goes on numbering, and nothing is stored anew") {
  History history = clean_history();
  for (SubscriptionHistory& subscription : history.subscriptions) {
    for (SeenEvent& seen : subscription.events) {
      if (seen.position.offset > 3) seen.position.epoch = kOther;
    }
  }
  for (PublishedMessage& message : history.published) {
    if (message.position.offset > 3) message.position.epoch = kOther;
  }
  history.heads = {{5, kOther}};
  CHECK(breaks(history, 2));  // A log in memory has to tell.
  history.is_durable = true;
  CHECK(check_laws(history).empty());

  History lost = history;
  lost.published.push_back(
      {.number = 200, .channel = 0, .is_acknowledged = true, .position = {6, kOther}});
  CHECK(breaks(lost, 4));
  History again = history;
  again.published.push_back(
      {.number = 101, .channel = 0, .is_acknowledged = true, .position = {4, kOther}});
  CHECK(breaks(again, 5));
  History silent = history;
  silent.subscriptions[0].events.erase(silent.subscriptions[0].events.begin() + 4);
  CHECK(breaks(silent, 2));
}
