// Dumps and numbers of a log that was written by hand.
#include "broker/inspect/log_dump.h"

#include <doctest/doctest.h>

#include "broker/inspect/json_line.h"
#include "broker/inspect/log_stats.h"
#include "broker/log/memory_folder.h"
#include "broker/log/test_segments.h"

namespace tako::broker {
namespace {

constexpr Epoch kDumped{7};
constexpr std::int64_t kNow = 2'000'000;

// chat?room=1: a batch of two and a single one, a key. feed: one from 1,000 s, window of 900 s: it
// has passed at kNow, one has not. old: a head alone.
MemoryFolder three_channels() {
  SegmentText text(1);
  text.start(7, false);
  text.state(1, "7:defaultchat?room=1", {0, kDumped});
  text.message({.stream = 1,
                .position = {1, kDumped},
                .batch_rest = 1,
                .draft = {.type = "t", .data = R"({"a": 1})", .subject = "ann"}});
  text.message({.stream = 1, .position = {2, kDumped}, .flags = 0});
  text.key(1, 5, {1, kDumped}, kNow);
  text.state(2, "4:shopfeed", {0, kDumped}, 900'000);
  text.message({.stream = 2, .position = {1, kDumped}});
  text.message({.stream = 2, .position = {2, kDumped}, .time_ms = 1'500'000});
  text.state(3, "4:shopold", {9, kDumped});
  text.message({.stream = 1,
                .position = {3, kDumped},
                .draft = {.type = "t", .data = "\x01\xff", .encoding = Encoding::Binary}});
  MemoryFolder folder;
  folder.put(1, text.bytes());
  return folder;
}

struct Dump {
  std::vector<std::string> lines;
  std::string error;
};

Dump dump(const MemoryFolder& folder, const DumpFilter& filter, std::string_view after = {}) {
  auto log = LogSnapshot::take(folder);
  REQUIRE(log.has_value());
  const auto recovery = recover_journal(**log, {.repairs = false});
  REQUIRE(recovery.has_value());
  Dump dump;
  std::optional<Cursor> cursor;
  if (!after.empty()) cursor = parse_cursor(after).value();
  const auto done = dump_messages(*recovery, filter, cursor, kNow, [&dump](std::string_view line) {
    dump.lines.emplace_back(line);
    return true;
  });
  if (!done) dump.error = done.error().detail;
  return dump;
}

std::vector<std::string> dump_raw(const MemoryFolder& folder, const DumpFilter& filter = {}) {
  auto log = LogSnapshot::take(folder);
  REQUIRE(log.has_value());
  std::vector<std::string> lines;
  const auto done = dump_records(**log, filter, [&lines](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  CHECK(done.has_value());
  return lines;
}

bool has(const std::string& line, std::string_view part) {
  return line.find(part) != std::string::npos;
}

TEST_CASE("messages come by channel and offset, with what is known of them") {
  const Dump all = dump(three_channels(), {});
  REQUIRE(all.lines.size() == 4);
  const std::string first = to_string(Position{1, kDumped});
  CHECK(all.lines[0] ==
        R"({"id":")" + first +
            R"(","app":"default","channel":"chat","params":{},"type":"t","data":{"a":1},)"
            R"("subject":"ann","time":"1970-01-01T00:16:40.000Z","batch":")" +
            first + R"("})");
  CHECK(has(all.lines[1], R"("batch":")" + first));
  CHECK(has(all.lines[2], R"("data":"Af8=","encoding":"base64")"));
  CHECK_FALSE(has(all.lines[2], "batch"));
  CHECK(has(all.lines[3], R"("app":"shop","channel":"feed")"));
  CHECK(has(all.lines[3], to_string(Position{2, kDumped})));
}

TEST_CASE("filters choose app, channel, begin and number") {
  const MemoryFolder folder = three_channels();
  CHECK(dump(folder, {.app = "shop"}).lines.size() == 1);
  CHECK(dump(folder, {.channel = "chat"}).lines.size() == 3);
  CHECK(dump(folder, {.channel = "chat?room=1"}).lines.size() == 3);
  CHECK(dump(folder, {.channel = "cha"}).lines.empty());
  CHECK(dump(folder, {.limit = 2}).lines.size() == 2);
  const Dump later = dump(folder, {.channel = "chat"}, to_string(Position{2, kDumped}));
  REQUIRE(later.lines.size() == 1);
  CHECK(has(later.lines[0], to_string(Position{3, kDumped})));
  CHECK(dump(folder, {.channel = "feed"}, "0").lines.size() == 1);
}

TEST_CASE("an id that the log does not go on behind is refused") {
  const MemoryFolder folder = three_channels();
  CHECK(has(dump(folder, {}, "0").error, "3 channels match"));
  CHECK(has(dump(folder, {.channel = "none"}, "0").error, "0 channels match"));
  CHECK(has(dump(folder, {.channel = "chat"}, to_string(Position{4, kDumped})).error, "ahead"));
  CHECK(has(dump(folder, {.channel = "chat"}, to_string(Position{1, Epoch{8}})).error, "lost"));
  CHECK(has(dump(folder, {.channel = "feed"}, to_string(Position{0, kDumped})).error, "window"));
}

TEST_CASE("raw records say where they stand, whatever they are") {
  MemoryFolder folder = three_channels();
  const auto lines = dump_raw(folder);
  REQUIRE(lines.size() == 10);
  CHECK(lines[0].starts_with(
      R"({"file":"0000000000000001.seg","at":64,"bytes":24,"kind":"start","epoch":"00000007")"));
  CHECK(has(lines[1], R"("kind":"state","stream":1,"app":"default","channel":"chat?room=1")"));
  CHECK(has(lines[2], R"("kind":"message","stream":1)"));
  CHECK(has(lines[2], R"("batchRest":1,"batchFirst":true,"moved":false)"));
  CHECK(has(lines[4], R"("key":"00000000000000000000000000000005")"));
  CHECK(dump_raw(folder, {.channel = "feed"}).size() == 3);
  CHECK(dump_raw(folder, {.app = "default", .limit = 2}).size() == 2);

  MemoryFolder killed;
  killed.put(1, SegmentText(1).start(8, false, 7).bytes());
  CHECK(has(dump_raw(killed)[0], R"("olderBases":"00000007")"));

  folder.bytes(1)[64] ^= 1;
  folder.bytes(1) += "12345678";
  const auto damaged = dump_raw(folder);
  CHECK(has(damaged.front(), R"("at":64,"bytes":24,"kind":"damaged")"));
  CHECK(has(damaged.back(), R"("bytes":8,"kind":"torn")"));
}

TEST_CASE("numbers add up to the files") {
  const MemoryFolder folder = three_channels();
  auto log = LogSnapshot::take(folder);
  REQUIRE(log.has_value());
  const auto recovery = recover_journal(**log, {.repairs = false});
  REQUIRE(recovery.has_value());
  const LogFilesStats stats = log_stats(*recovery, kNow);
  CHECK(stats.active_channels == 2);
  CHECK(stats.quiet_channels == 1);
  CHECK(stats.messages == 4);
  CHECK(stats.keys == 1);
  CHECK(stats.oldest_ms == 1'000'000);
  CHECK(stats.newest_ms == 1'500'000);
  CHECK(stats.segments == 1);
  CHECK(stats.file_bytes == folder.total_bytes());
  // Dead: the header, the start, the message that has left its window.
  const SegmentText one = SegmentText(1).message({.stream = 2, .position = {1, kDumped}});
  CHECK(stats.dead_bytes() == 64 + 24 + one.bytes().size() - 64);
  REQUIRE(stats.channels.size() == 3);
  CHECK(stats.channels[0].channel == "chat?room=1");
  CHECK(stats.channels[0].keys == 1);
  CHECK(stats.channels[1].messages == 1);
  CHECK(stats.channels[2].is_quiet);
  CHECK(stats.channels[2].head == to_string(Position{9, kDumped}));

  const LogFilesStats later = log_stats(*recovery, kNow + 500'000);
  CHECK(later.messages == 3);
  CHECK(later.active_channels == 1);
  CHECK(later.quiet_channels == 2);
}

TEST_CASE("caps of a channel count as they do in a broker, by whole batches") {
  proto::JournalState state;
  state.set_stream(1);
  state.set_key("7:defaultchat");
  state.set_epoch(7);
  state.set_messages_max(3);
  state.set_bytes_max(1'000'000);
  SegmentText text(1);
  text.record(log_format::Kind::State, 0, state.SerializeAsString());
  for (std::uint64_t offset = 1; offset <= 4; ++offset) {
    const bool is_first = offset % 2 == 1;
    text.message({.stream = 1,
                  .position = {offset, kDumped},
                  .batch_rest = is_first ? 1U : 0U,
                  .flags = is_first ? log_format::kBatchFirst : std::uint8_t{0}});
  }
  MemoryFolder folder;
  folder.put(1, text.bytes());
  const Dump found = dump(folder, {});
  REQUIRE(found.lines.size() == 2);
  CHECK(has(found.lines[0], to_string(Position{3, kDumped})));
}

TEST_CASE("a line holds nothing that a terminal acts on") {
  JsonLine line;
  line.text("a", "\x1b[2J\x7f\xc2\x9b!\xc3\x9b")
      .json("b", "\"\xc2\x85\x7f\"")
      .json("c", "no json \x1b");
  const std::string printed = line.take();
  CHECK(printed ==
        "{\"a\":\"\\u001b[2J\\u007f\\u009b!\xc3\x9b\",\"b\":\"\\u0085\\u007f\","
        "\"c\":\"no json \\u001b\"}");
}

TEST_CASE("times are printed in UTC, also those before 1970") {
  CHECK(utc_time(0) == "1970-01-01T00:00:00.000Z");
  CHECK(utc_time(1'769'860'800'123) == "2026-01-31T12:00:00.123Z");
  CHECK(utc_time(-1) == "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace tako::broker
