// What a start makes of the files: whole ones, torn ones, damaged ones, and those of other
// versions.
#include "broker/log/journal_recovery.h"

#include <doctest/doctest.h>

#include <functional>

#include "broker/log/memory_folder.h"
#include "broker/log/test_segments.h"

namespace tako::broker {
namespace {

constexpr Epoch kEpoch{7};
constexpr const char* kKey = "7:defaultchat";

JournalRecovery recover(MemoryFolder& folder, bool repairs = true) {
  auto recovery = recover_journal(folder, {.older_epochs_max = 2, .repairs = repairs});
  REQUIRE(recovery.has_value());
  return std::move(*recovery);
}

JournalRecovery recover_one(const SegmentText& text) {
  MemoryFolder folder;
  folder.put(text.header().number, text.bytes());
  return recover(folder);
}

std::string why_refused(MemoryFolder& folder) {
  const auto recovery = recover_journal(folder, {});
  REQUIRE_FALSE(recovery.has_value());
  CHECK(recovery.error().code == ErrorCode::LogUnusable);
  return recovery.error().detail;
}

SegmentText::MessageWords chat_message(std::uint64_t offset, std::uint32_t batch_rest = 0,
                                       std::uint8_t flags = log_format::kBatchFirst) {
  return {.stream = 1, .position = {offset, kEpoch}, .batch_rest = batch_rest, .flags = flags};
}

// As `oldest-head`; "-" for a channel that is not there.
std::string offsets(const JournalRecovery& recovery) {
  const auto found = recovery.streams.find(kKey);
  if (found == recovery.streams.end()) return "-";
  const JournalStream& stream = *found->second;
  return std::to_string(stream.head - stream.entries.size() + 1) + '-' +
         std::to_string(stream.head);
}

const JournalStream& chat(const JournalRecovery& recovery) { return *recovery.streams.at(kKey); }

SegmentText began(std::uint64_t number = 1, std::uint64_t head = 0) {
  return SegmentText(number).state(1, kKey, {head, kEpoch});
}

TEST_CASE("an empty folder is no log") {
  MemoryFolder folder;
  const JournalRecovery recovery = recover(folder);
  CHECK_FALSE(recovery.base_epoch.has_value());
  CHECK_FALSE(recovery.continues);
}

TEST_CASE("epochs go on only when the end is the last word, and nothing was found damaged") {
  CHECK(recover_one(began().message(chat_message(1)).end()).continues);
  CHECK_FALSE(recover_one(began().message(chat_message(1))).continues);
  CHECK_FALSE(recover_one(began().end().message(chat_message(1))).continues);
  SegmentText text = began().message(chat_message(1)).end();
  MemoryFolder folder;
  folder.put(1, text.bytes() + "12345678");
  CHECK_FALSE(recover(folder).continues);  // Something was torn behind the end.
  std::string bytes = text.bytes();
  bytes[text.spans()[1].place] ^= 1;
  folder.put(1, bytes);
  CHECK_FALSE(recover(folder).continues);
}

TEST_CASE("damage that an earlier start has seen begins no new epochs again") {
  SegmentText text = began().message(chat_message(1)).message(chat_message(2));
  text.start(8, false);
  text.state(1, kKey, {2, Epoch{8}}).message(chat_message(3)).end();
  std::string bytes = text.bytes();
  bytes[text.spans()[1].place] ^= 1;
  MemoryFolder folder;
  folder.put(1, bytes);
  const JournalRecovery recovery = recover(folder);
  CHECK(recovery.findings.damaged_records == 1);
  CHECK(recovery.continues);
}

TEST_CASE("a start that does not continue ends every channel's epoch at its head") {
  SegmentText text = began().message(chat_message(1)).message(chat_message(2));
  text.start(8, false);
  const JournalRecovery recovery = recover_one(text);
  CHECK(recovery.base_epoch->value == 8);
  CHECK(chat(recovery).epoch.value == 8);
  REQUIRE(chat(recovery).older_epochs.size() == 1);
  CHECK(chat(recovery).older_epochs[0] == EpochEnd{kEpoch, 2});
  text.start(9, true).start(10, false).start(11, false);
  const JournalRecovery later = recover_one(text);
  CHECK(chat(later).epoch.value == 11);
  CHECK(chat(later).older_epochs.size() == 2);  // older_epochs_max
}

TEST_CASE("torn at any length, what is whole is kept, and a second start finds nothing torn") {
  const SegmentText text =
      began().message(chat_message(1)).message(chat_message(2)).message(chat_message(3));
  const std::uint64_t first = text.spans()[1].place;
  for (std::size_t size = static_cast<std::size_t>(first); size < text.bytes().size(); ++size) {
    CAPTURE(size);
    MemoryFolder folder;
    folder.put(1, text.bytes().substr(0, size));
    const JournalRecovery beside = recover(folder, false);
    CHECK(folder.bytes(1).size() == size);  // Who only reads cuts nothing.
    const JournalRecovery torn = recover(folder);
    CHECK(offsets(torn) == offsets(beside));
    CHECK(torn.findings.torn_bytes == beside.findings.torn_bytes);
    CHECK(torn.findings.damaged_records == 0);
    CHECK(torn.findings.torn_bytes == size - torn.segments[0].size);
    CHECK(folder.bytes(1).size() == torn.segments[0].size);
    const JournalRecovery again = recover(folder);
    CHECK(offsets(again) == offsets(torn));
    CHECK(again.findings.torn_bytes == 0);
  }
}

TEST_CASE("a batch counts only whole") {
  SegmentText text = began().message(chat_message(1));
  text.message(chat_message(2, 2)).message(chat_message(3, 1, 0));
  CHECK(offsets(recover_one(text)) == "1-1");
  CHECK(offsets(recover_one(SegmentText(text).message(chat_message(4, 0, 0)))) == "1-4");
  CHECK(offsets(recover_one(SegmentText(text).message(chat_message(2)))) == "1-2");
  SegmentText started = text;
  started.start(8, false);
  const JournalRecovery recovery = recover_one(started);
  CHECK(chat(recovery).older_epochs[0].end_offset == 1);
}

TEST_CASE("what was refused and stands there nevertheless is void") {
  SegmentText text = began().message(chat_message(1)).message(chat_message(2));
  text.state(1, kKey, {1, kEpoch}).message(chat_message(2)).message(chat_message(2));
  const JournalRecovery recovery = recover_one(text);
  CHECK(offsets(recovery) == "1-2");
  CHECK(chat(recovery).entries.back().place().at() == text.spans()[4].place);
  CHECK(recovery.findings.lost_runs == 0);
}

TEST_CASE("a channel that began anew has none of its earlier messages and keys") {
  SegmentText text = began().message(chat_message(1)).key(1, 5, {1, kEpoch});
  text.state(1, kKey, {0, Epoch{8}});
  const JournalRecovery recovery = recover_one(text);
  CHECK(offsets(recovery) == "1-0");
  CHECK(chat(recovery).keys.empty());
  CHECK(chat(recovery).epoch.value == 8);
}

TEST_CASE("messages behind a hole count, those before it can't be reached") {
  const SegmentText text =
      began().message(chat_message(1)).message(chat_message(2)).message(chat_message(3));
  std::string bytes = text.bytes();
  bytes[text.spans()[2].place + 20] ^= 1;
  MemoryFolder folder;
  folder.put(1, bytes);
  const JournalRecovery recovery = recover(folder);
  CHECK(offsets(recovery) == "3-3");
  CHECK(recovery.findings.lost_runs == 1);
  CHECK(recovery.findings.damaged_bytes == text.spans()[2].end - text.spans()[2].place);
}

TEST_CASE("messages of a channel whose state is damaged are left out, others are not") {
  SegmentText text = began().message(chat_message(1));
  text.state(2, "7:defaultfeed", {0, kEpoch});
  text.message({.stream = 2, .position = {1, kEpoch}});
  std::string bytes = text.bytes();
  bytes[text.spans()[0].place] ^= 1;
  MemoryFolder folder;
  folder.put(1, bytes);
  const JournalRecovery recovery = recover(folder);
  CHECK(recovery.streams.size() == 1);
  CHECK(recovery.streams.at("7:defaultfeed")->entries.size() == 1);
}

TEST_CASE("moved messages come before the others as far as nothing is missing between") {
  const auto moved = [](std::uint64_t offset) {
    return chat_message(offset, 0, log_format::kBatchFirst | log_format::kMoved);
  };
  const SegmentText text = began(4, 3).message(chat_message(4)).message(moved(2)).message(moved(3));
  CHECK(offsets(recover_one(text)) == "2-4");
  CHECK(offsets(recover_one(SegmentText(text).message(moved(3)))) == "2-4");  // copied twice
  CHECK(offsets(recover_one(began(4, 3).message(chat_message(4)).message(moved(1)))) == "4-4");
  CHECK(offsets(recover_one(began(4, 3).message(moved(3)).message(chat_message(4)))) == "3-4");
}

TEST_CASE("of a batch whose beginning went with its segment nothing is given") {
  const std::uint8_t moved = log_format::kMoved;
  const SegmentText text = began(4, 3)
                               .message(chat_message(4))
                               .message(chat_message(2, 1, moved))
                               .message(chat_message(3, 0, moved));
  CHECK(offsets(recover_one(text)) == "4-4");
}

TEST_CASE("keys stand in the order of their use, each once") {
  SegmentText text = began().message(chat_message(1)).message(chat_message(2));
  text.key(1, 6, {2, kEpoch}, 2'000).key(1, 5, {1, kEpoch}, 1'000).key(1, 6, {2, kEpoch}, 2'000);
  text.key(9, 7, {1, kEpoch});  // of nobody
  const JournalRecovery recovery = recover_one(text);
  REQUIRE(chat(recovery).keys.size() == 2);
  CHECK(chat(recovery).keys[0].key.use.key[0] == 5);
  CHECK(chat(recovery).keys[1].key.use.key[0] == 6);
  CHECK(chat(recovery).keys[1].key.first == Position{2, kEpoch});
}

TEST_CASE("missing, short and headless segments are each counted") {
  MemoryFolder whole;
  std::uint64_t size = 0;
  for (std::uint64_t number = 1; number <= 4; ++number) {
    SegmentText text(number, size);
    text.state(1, kKey, {number - 1, kEpoch}).message(chat_message(number));
    if (number == 4) text.end();
    size = text.bytes().size();
    whole.put(number, text.bytes());
  }
  CHECK(offsets(recover(whole)) == "1-4");
  CHECK(recover(whole).continues);
  const auto change = [&whole](const std::function<void(MemoryFolder&)>& apply) {
    MemoryFolder changed;
    for (const std::string& name : whole.names()) changed.put(name, whole.bytes(name));
    apply(changed);
    JournalRecovery recovery = recover(changed);
    CHECK_FALSE(recovery.continues);
    return recovery;
  };
  const auto missing = change([](MemoryFolder& folder) { folder.erase(2); });
  CHECK(missing.findings.missing_segments == 1);
  CHECK(offsets(missing) == "3-4");
  const auto first = change([](MemoryFolder& folder) { folder.erase(1); });
  CHECK(first.findings.missing_segments == 1);
  const auto cut = change([](MemoryFolder& folder) { folder.bytes(2).resize(150); });
  CHECK(cut.findings.cut_segments == 1);
  const auto headless = change([](MemoryFolder& folder) { folder.bytes(3)[20] ^= 1; });
  CHECK(headless.findings.damaged_segments == 1);
  const auto last = change([](MemoryFolder& folder) { folder.bytes(4)[20] ^= 1; });
  CHECK(last.findings.damaged_segments == 1);
  CHECK(last.last_number == 4);  // Its number is not given again.
  const auto renamed = change([](MemoryFolder& folder) {
    CHECK(folder.rename(log_format::segment_name(4), log_format::segment_name(9)).has_value());
  });
  CHECK(renamed.findings.damaged_segments == 1);
  const auto unwritten = change([](MemoryFolder& folder) { folder.put(5, "TAKO"); });
  CHECK(unwritten.removable == std::vector<std::uint64_t>{5});
  CHECK(unwritten.findings.damaged_segments == 0);
}

TEST_CASE("a segment of a newer or older format refuses the log, with what to do") {
  MemoryFolder folder;
  folder.put(1, log_format::encode({.version = 3, .version_min = 2, .number = 1, .salt = 1}));
  CHECK(why_refused(folder) ==
        "the segment 0000000000000001.seg has format 3, this program reads 1 to 1: start the "
        "version that wrote it");
  folder.put(1, log_format::encode({.version = 0, .version_min = 0, .number = 1, .salt = 1}));
  CHECK(why_refused(folder).find("has format 0") != std::string::npos);
}

TEST_CASE("a newer format that this version may read is read") {
  const SegmentText text = began().message(chat_message(1));
  log_format::SegmentHeader header = text.header();
  header.version = log_format::kVersion + 1;
  MemoryFolder folder;
  folder.put(1, log_format::encode(header) + text.bytes().substr(log_format::kHeaderBytes));
  CHECK(offsets(recover(folder)) == "1-1");
}

TEST_CASE("an unknown kind of record refuses the log, unless it says that it may be ignored") {
  // A later version's. NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
  const auto unknown = static_cast<log_format::Kind>(77);
  CHECK(offsets(recover_one(
            began().record(unknown, log_format::kIgnorable, "new").message(chat_message(1)))) ==
        "1-1");
  MemoryFolder folder;
  folder.put(1, began().record(unknown, 0, "new").bytes());
  CHECK(why_refused(folder).find("does not know") != std::string::npos);
}

TEST_CASE("files of others are named") {
  MemoryFolder folder;
  folder.put("0000000000000001.seg.bak", "");
  folder.put("notes.txt", "mine");
  CHECK(recover(folder).findings.foreign.size() == 2);
  CHECK(folder.names().size() == 2);
}

}  // namespace
}  // namespace tako::broker
