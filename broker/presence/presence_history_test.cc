// What a version can still be continued with.
#include "broker/presence/presence_history.h"

#include <doctest/doctest.h>

#include <string>

namespace tako::broker {
namespace {

PresenceChange change(PresenceAction action, const std::string& subject,
                      const std::string& data = {}) {
  return {.action = action,
          .member = std::make_shared<const PresenceMember>(
              PresenceMember{.subject = subject, .data = data})};
}

std::string text(const std::vector<const PresenceChange*>& changes) {
  std::string out;
  for (const PresenceChange* each : changes) {
    out += "eul"[static_cast<int>(each->action)] + each->member->subject + each->member->data + ' ';
  }
  return out;
}

using enum PresenceAction;

TEST_CASE("of several updates in a row the last is told, where it stood; the numbers go on") {
  PresenceHistory history(Epoch{5});
  history.add(change(Enter, "a"), 10'000);
  history.add(change(Update, "a", "1"), 10'000);
  history.add(change(Update, "b", "1"), 10'000);
  history.add(change(Update, "a", "2"), 10'000);
  history.add(change(Leave, "a"), 10'000);
  history.add(change(Enter, "a"), 10'000);
  history.add(change(Update, "a", "3"), 10'000);
  CHECK(history.version() == PresenceVersion{7, Epoch{5}});
  CHECK(text(history.between({0, Epoch{5}}, history.version())) == "ea ub1 ua2 la ea ua3 ");
  CHECK(text(history.between({3, Epoch{5}}, history.version())) == "ua2 la ea ua3 ");
  CHECK(text(history.between({7, Epoch{5}}, history.version())).empty());
}

TEST_CASE("a version of another epoch, ahead of the head, or too old is not covered") {
  PresenceHistory history(Epoch{5});
  CHECK(history.covers({0, Epoch{5}}));
  history.add(change(Enter, "a"), 10'000);
  CHECK(history.covers({0, Epoch{5}}));
  CHECK(history.covers({1, Epoch{5}}));
  CHECK_FALSE(history.covers({2, Epoch{5}}));
  CHECK_FALSE(history.covers({1, Epoch{6}}));
}

TEST_CASE("changes are kept while they are shorter than the list") {
  PresenceHistory history(Epoch{5});
  const std::string data(1'000, '1');
  for (int i = 0; i < 100; ++i) history.add(change(Update, "a", data), 20'000);
  CHECK(history.bytes() <= 20'000);
  CHECK(history.covers({85, Epoch{5}}));
  CHECK_FALSE(history.covers({70, Epoch{5}}));
  for (int i = 0; i < 100; ++i) history.add(change(Leave, "a"), 0);  // Of an empty room: a few.
  CHECK(history.bytes() <= 4'096);
  CHECK(history.covers({190, Epoch{5}}));
}

}  // namespace
}  // namespace tako::broker
