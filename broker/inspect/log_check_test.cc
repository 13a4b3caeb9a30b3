// What check_log finds in healthy logs, and in each way in which one may be broken.
#include "broker/inspect/log_check.h"

#include <doctest/doctest.h>

#include "broker/log/memory_folder.h"
#include "broker/log/test_segments.h"

namespace tako::broker {
namespace {

constexpr Epoch kEpoch{7};

SegmentText two_messages(std::uint64_t number, std::uint64_t previous_size, std::uint64_t before) {
  SegmentText text(number, previous_size);
  text.state(1, "7:defaultchat", {before, kEpoch});
  text.message({.stream = 1, .position = {before + 1, kEpoch}});
  text.message({.stream = 1, .position = {before + 2, kEpoch}});
  return text;
}

// Three segments of two messages each.
MemoryFolder healthy() {
  MemoryFolder folder;
  std::uint64_t previous_size = 0;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    SegmentText text = two_messages(number, previous_size, 2 * (number - 1));
    if (number == 3) text.end();
    previous_size = text.bytes().size();
    folder.put(number, text.bytes());
  }
  return folder;
}

LogCheck check(const MemoryFolder& folder) {
  auto log = LogSnapshot::take(folder);
  REQUIRE(log.has_value());
  return check_log(**log);
}

std::string kinds(const LogCheck& check) {
  std::string text;
  for (const LogFinding& finding : check.findings) {
    if (!text.empty()) text += ' ';
    text += to_string(finding.kind);
  }
  return text;
}

TEST_CASE("a log that ended in order is sound, and a start goes on") {
  const LogCheck found = check(healthy());
  CHECK(found.is_sound);
  CHECK(found.findings.empty());
  CHECK(found.segments.size() == 3);
  CHECK(found.records == 10);
  CHECK(found.segments[0].records == 3);
  CHECK(found.segments[0].version == log_format::kVersion);
  CHECK(found.segments[0].created_ms == 1'000'000);
  CHECK(found.bytes == found.segments[0].bytes * 2 + found.segments[2].bytes);
  CHECK(found.continues);
  CHECK(found.messages == 6);
  CHECK(found.channels == 1);
  CHECK(found.refusal.empty());
}

TEST_CASE("an empty folder is a sound log in which nothing is") {
  const LogCheck found = check({});
  CHECK(found.is_sound);
  CHECK(found.is_empty);
}

TEST_CASE("damage is told with its file and place") {
  MemoryFolder folder = healthy();
  const std::uint64_t place = two_messages(2, 0, 2).spans()[1].place;
  const std::uint64_t end = two_messages(2, 0, 2).spans()[1].end;
  folder.bytes(2)[place + 20] ^= 1;
  const LogCheck found = check(folder);
  CHECK_FALSE(found.is_sound);
  REQUIRE(kinds(found) == "damaged lost-runs");
  CHECK(found.findings[0].file == "0000000000000002.seg");
  CHECK(found.findings[0].at == place);
  CHECK(found.findings[0].count == end - place);
  CHECK(found.findings[1].count == 1);
  CHECK(found.segments[1].damaged_bytes == end - place);
  CHECK(found.segments[1].records == 2);
  CHECK_FALSE(found.continues);
  CHECK(found.messages == 3);
}

TEST_CASE("the torn end of the newest segment is no damage; of an older one it is") {
  MemoryFolder folder = healthy();
  folder.bytes(3).resize(folder.bytes(3).size() - 20);
  const LogCheck torn = check(folder);
  CHECK(torn.is_sound);
  REQUIRE(kinds(torn) == "torn");
  CHECK(torn.cut_bytes == torn.findings[0].count);
  CHECK_FALSE(torn.continues);

  folder = healthy();
  folder.bytes(2).resize(folder.bytes(2).size() - 8);
  const LogCheck cut = check(folder);
  CHECK_FALSE(cut.is_sound);
  CHECK(kinds(cut) == "damaged cut-short lost-runs");
  CHECK(cut.findings[1].count == 8);
}

TEST_CASE("missing segments are told, in the middle and before the first") {
  MemoryFolder folder = healthy();
  folder.erase(2);
  const LogCheck middle = check(folder);
  CHECK_FALSE(middle.is_sound);
  REQUIRE(kinds(middle) == "missing lost-runs");
  CHECK(middle.findings[0].file == "0000000000000003.seg");

  folder.erase(1);
  const LogCheck first = check(folder);
  REQUIRE(kinds(first) == "missing");  // The end record knows.
  CHECK(first.findings[0].count == 2);
  CHECK(first.findings[0].file.empty());
}

TEST_CASE("a segment without a right header is one finding") {
  MemoryFolder folder = healthy();
  folder.bytes(2)[30] ^= 1;
  const LogCheck found = check(folder);
  CHECK_FALSE(found.is_sound);
  CHECK(kinds(found) == "bad-header lost-runs");
  CHECK(found.segments[1].version == 0);
  CHECK(found.segments[1].records == 0);
}

TEST_CASE("a newest segment that was made and not written is no damage") {
  MemoryFolder folder = healthy();
  folder.put(4, folder.bytes(3).substr(0, 10));
  const LogCheck found = check(folder);
  CHECK(found.is_sound);
  CHECK(kinds(found) == "unwritten");
}

TEST_CASE("a newer format is told, and that a start would refuse it") {
  MemoryFolder folder = healthy();
  folder.put(3, log_format::encode({.version = 9, .version_min = 9, .number = 3, .salt = 1}));
  const LogCheck found = check(folder);
  CHECK_FALSE(found.is_sound);
  CHECK(kinds(found) == "other-version");
  CHECK(found.refusal.find("format 9") != std::string::npos);
}

TEST_CASE("files of others are named and no damage") {
  MemoryFolder folder = healthy();
  folder.put("notes.txt", "mine");
  const LogCheck found = check(folder);
  CHECK(found.is_sound);
  REQUIRE(kinds(found) == "foreign");
  CHECK(found.findings[0].file == "notes.txt");
}

TEST_CASE("more findings than are kept are counted") {
  SegmentText text(1);
  const std::size_t damages = LogCheck::kFindingsMax + 3;
  for (std::size_t i = 0; i < 2 * damages; ++i) text.start(1, true);
  std::string bytes = text.bytes();
  for (std::size_t i = 0; i < damages; ++i) {
    bytes[static_cast<std::size_t>(text.spans()[2 * i].place)] ^= 1;
  }
  MemoryFolder folder;
  folder.put(1, bytes);
  const LogCheck found = check(folder);
  CHECK(found.findings.size() == LogCheck::kFindingsMax);
  CHECK(found.findings_left_out == 3);
  CHECK(found.records == damages);
}

}  // namespace
}  // namespace tako::broker
