// Positions and cursors: printed, parsed, and every answer that a cursor can get.
#include "common/position.h"

#include <doctest/doctest.h>

#include "common/random.h"

namespace tako {
namespace {

constexpr Epoch kNow{0x1234567890};
constexpr Epoch kOlder{0x22};
constexpr Epoch kOldest{0x11};

Cursor at(std::uint64_t offset, Epoch epoch = kNow) {
  return {.from_oldest = false, .position = {offset, epoch}};
}

// Offsets 11 to 20 are retained; epoch kOldest ended at 5, kOlder at 15.
const ReplayWindow kWindow{
    .epoch = kNow, .head = 20, .oldest = 11, .older_epochs = {{kOldest, 5}, {kOlder, 15}}};

void check_goes_on(const Cursor& cursor, const ReplayWindow& window, std::uint64_t after) {
  const Resume resume = resume_at(cursor, window);
  CHECK_FALSE(resume.gap);
  CHECK(resume.after == after);
}

void check_gap(const Cursor& cursor, const ReplayWindow& window, GapReason reason) {
  const Resume resume = resume_at(cursor, window);
  CHECK(resume.gap);
  CHECK(resume.reason == reason);
  CHECK(resume.after == window.head);
}

}  // namespace

TEST_CASE("a position prints as decimal offset and eight characters of epoch") {
  CHECK(to_string(Position{42, Epoch{0}}) == "42-00000000");
  CHECK(to_string(Position{0, make_epoch(~0ULL)}) == "0-vvvvvvvv");
  CHECK(to_string(Epoch{1}) == "00000001");
  CHECK(to_string(Epoch{32}) == "00000010");
  CHECK(make_epoch(~0ULL).value == (1ULL << 40U) - 1);
}

TEST_CASE("what is printed is parsed back, whatever the position") {
  SeededRandom random(7);
  for (int i = 0; i < 2'000; ++i) {
    const Position position{random.below(1'000'000'000'000'000'000), make_epoch(random.next())};
    const auto cursor = parse_cursor(to_string(position));
    REQUIRE(cursor.has_value());
    REQUIRE(*cursor == Cursor{.from_oldest = false, .position = position});
  }
}

TEST_CASE("the cursor 0 asks for everything retained") {
  CHECK(parse_cursor("0") == Cursor{.from_oldest = true, .position = {}});
}

TEST_CASE("anything else is malformed") {
  for (const std::string_view text : {"",
                                      "1",
                                      "00",
                                      "-",
                                      "-00000000",
                                      "1-",
                                      "1-0000000",
                                      "1-000000000",
                                      "1-0000000w",
                                      "1-0000000V",
                                      "01-00000000",
                                      "+1-00000000",
                                      "-1-00000000",
                                      " 1-00000000",
                                      "1-00000000 ",
                                      "1 -00000000",
                                      "1.0-00000000",
                                      "1e3-00000000",
                                      "1-00000000-",
                                      "1--00000000",
                                      "0x1-00000000",
                                      "1000000000000000000-00000000",
                                      "99999999999999999999-00000000",
                                      "abc",
                                      "\xD9\xA1-00000000"}) {
    const auto cursor = parse_cursor(text);
    CHECK_MESSAGE(!cursor.has_value(), text);
    if (!cursor) CHECK(cursor.error().code == ErrorCode::CursorMalformed);
  }
  CHECK_FALSE(parse_cursor(std::string_view("0\0", 2)).has_value());
  CHECK(parse_cursor("0-00000000").has_value());
  CHECK(parse_cursor("999999999999999999-vvvvvvvv").has_value());
}

TEST_CASE("a cursor inside the window goes on right behind it") {
  check_goes_on(at(10), kWindow, 10);  // All that is retained follows.
  check_goes_on(at(11), kWindow, 11);
  check_goes_on(at(19), kWindow, 19);
  check_goes_on(at(20), kWindow, 20);  // The head: live.
}

TEST_CASE("a cursor older than the window, ahead of the head or of a lost history is a gap") {
  check_gap(at(9), kWindow, GapReason::WindowPassed);
  check_gap(at(0), kWindow, GapReason::WindowPassed);
  check_gap(at(21), kWindow, GapReason::AheadOfHead);
  check_gap(at(20, Epoch{0x99}), kWindow, GapReason::HistoryLost);
  check_gap(at(0, Epoch{0x99}), kWindow, GapReason::HistoryLost);
}

TEST_CASE("an older epoch continues up to its recorded end, and only there") {
  check_goes_on(at(15, kOlder), kWindow, 15);
  check_goes_on(at(10, kOlder), kWindow, 10);
  check_gap(at(16, kOlder), kWindow, GapReason::HistoryLost);
  check_gap(at(5, kOldest), kWindow, GapReason::WindowPassed);
  check_gap(at(6, kOldest), kWindow, GapReason::HistoryLost);
}

TEST_CASE("everything retained never is a gap") {
  const Cursor everything{.from_oldest = true, .position = {}};
  check_goes_on(everything, kWindow, 10);
  check_goes_on(everything, {.epoch = kNow, .head = 20, .oldest = 21}, 20);
  check_goes_on(everything, {.epoch = kNow, .head = 0, .oldest = 1}, 0);
}

TEST_CASE("a quiet channel whose messages all went keeps its head as a cursor") {
  const ReplayWindow quiet{.epoch = kNow, .head = 20, .oldest = 21};
  check_goes_on(at(20), quiet, 20);
  check_gap(at(19), quiet, GapReason::WindowPassed);
}

TEST_CASE("a channel never published to hands out a cursor that resumes") {
  const ReplayWindow fresh{.epoch = kNow, .head = 0, .oldest = 1};
  check_goes_on(at(0), fresh, 0);
  check_gap(at(1), fresh, GapReason::AheadOfHead);
  const ReplayWindow first{.epoch = kNow, .head = 3, .oldest = 1};
  check_goes_on(at(0), first, 0);
}

TEST_CASE("each reason for a gap has a name for the wire") {
  CHECK(to_string(GapReason::WindowPassed) == "window-passed");
  CHECK(to_string(GapReason::HistoryLost) == "history-lost");
  CHECK(to_string(GapReason::AheadOfHead) == "ahead-of-head");
  CHECK(to_string(GapReason::Conflated) == "conflated");
}

}  // namespace tako
