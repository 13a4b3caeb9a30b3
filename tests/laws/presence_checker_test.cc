// The judge of presence finds what is planted, and nothing where nothing is.
#include "tests/laws/presence_checker.h"

#include <doctest/doctest.h>

#include <functional>
#include <string_view>

using namespace tako::test;

namespace {

using Kind = PresenceFrame::Kind;
using std::chrono::milliseconds;

PresenceFrame list(std::string version, std::vector<SeenMember> members) {
  return {.kind = Kind::List,
          .after = {},
          .version = std::move(version),
          .members = std::move(members),
          .changes = {}};
}

PresenceFrame changes(std::string after, std::string version, std::vector<SeenChange> made) {
  return {.kind = Kind::Changes,
          .after = std::move(after),
          .version = std::move(version),
          .members = {},
          .changes = std::move(made)};
}

// Ann is there all the time, Bob comes with data, changes it, and says goodbye.
PresenceHistory good() {
  const std::vector<PresenceFrame> told{
      list("1-e", {{"ann", ""}}),
      changes("1-e", "2-e", {{"enter", {"bob", "1"}, ""}}),
      {.kind = Kind::Reconnected, .after = {}, .version = {}, .members = {}, .changes = {}},
      changes("2-e", "4-e", {{"update", {"bob", "2"}, ""}, {"leave", {"bob", ""}, "left"}})};
  return {.grace = milliseconds(5'000),
          .watchers = {{.name = "w1", .room = 1, .is_there_at_end = true, .frames = told},
                       {.name = "w2",
                        .room = 1,
                        .is_there_at_end = true,
                        .frames = {list("2-e", {{"bob", "1"}, {"ann", ""}}), told[3]}}},
          .subjects = {{.subject = "ann",
                        .room = 1,
                        .goodbyes = 0,
                        .absences = {milliseconds(100)},
                        .is_there_at_end = true,
                        .data_at_end = ""},
                       {.subject = "bob",
                        .room = 1,
                        .goodbyes = 1,
                        .absences = {},
                        .is_there_at_end = false,
                        .data_at_end = ""}}};
}

bool finds(std::string_view text, const std::function<void(PresenceHistory&)>& plant) {
  PresenceHistory history = good();
  plant(history);
  for (const std::string& fault : check_presence(history)) {
    if (fault.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a history without a fault has none") { CHECK(check_presence(good()).empty()); }

TEST_CASE("planted faults of presence are found") {
  CHECK(finds("holds 2-e", [](auto& h) { h.watchers[0].frames[3].after = "3-e"; }));
  CHECK(finds("holds no list",
              [](auto& h) { h.watchers[0].frames.erase(h.watchers[0].frames.begin()); }));
  CHECK(finds("and is present", [](auto& h) {
    h.watchers[0].frames[1].changes.push_back({"enter", {"ann", ""}, ""});
  }));
  CHECK(finds("and is absent", [](auto& h) {
    h.watchers[0].frames[1].changes.push_back({"leave", {"cid", ""}, "lost"});
  }));
  CHECK(finds("lists ann twice",
              [](auto& h) { h.watchers[1].frames[0].members.push_back({"ann", ""}); }));
  CHECK(finds("elsewhere", [](auto& h) { h.watchers[1].frames[0].members[0].data = "7"; }));
  CHECK(finds("where the truth is", [](auto& h) { h.subjects[0].data_at_end = "9"; }));
}

TEST_CASE("who blinked never left, and nobody leaves more often than it went") {
  const auto leaves_and_enters = [](auto& h) {
    h.watchers.resize(1);
    h.watchers[0].frames.push_back(changes("4-e", "5-e", {{"leave", {"ann", ""}, "lost"}}));
    h.watchers[0].frames.push_back(changes("5-e", "6-e", {{"enter", {"ann", ""}, ""}}));
  };
  CHECK(finds("ann left 1 times (lost@5-e), and went 0 times", leaves_and_enters));
  PresenceHistory away = good();
  leaves_and_enters(away);
  away.subjects[0].absences = {milliseconds(6'000)};
  CHECK(check_presence(away).empty());
}
