// The scanner over damage: every record that is whole is found, and nothing else.
#include "broker/log/segment_scanner.h"

#include <doctest/doctest.h>

#include "broker/log/memory_folder.h"
#include "broker/log/test_segments.h"

namespace tako::broker {
namespace {

using What = SegmentScanner::What;

struct Found {
  What what = What::End;
  std::uint64_t place = 0;
  std::uint64_t end = 0;
  std::string body = {};
};

std::vector<Found> scan(const LogFile& file, const log_format::SegmentHeader& header,
                        std::uint64_t size) {
  SegmentScanner scanner(file, header, size);
  std::vector<Found> found;
  while (true) {
    const SegmentScanner::Step step = scanner.next();
    if (step.what == What::End) return found;
    found.push_back({step.what, step.place, step.end, std::string(step.record.body)});
    if (step.what == What::Unreadable) return found;
  }
}

std::shared_ptr<LogFile> file_of(const std::string& bytes) {
  static MemoryFolder folder;
  folder.put("file", bytes);
  return folder.open("file", false).value();
}

std::vector<Found> scan(const std::string& bytes, const log_format::SegmentHeader& header) {
  return scan(*file_of(bytes), header, bytes.size());
}

// Six records of several kinds and sizes.
SegmentText six_records() {
  SegmentText text(1);
  text.start(7, false).state(1, "7:defaultchat", {0, Epoch{7}});
  text.message({.stream = 1, .position = {1, Epoch{7}}});
  text.key(1, 5, {1, Epoch{7}});
  text.message({.stream = 1,
                .position = {2, Epoch{7}},
                .draft = {.type = "t", .data = "\"" + std::string(60, 'x') + "\""}});
  text.end();
  return text;
}

void check_undamaged_found(const SegmentText& text, const std::vector<Found>& whole,
                           const std::vector<Found>& found, std::uint64_t damaged_at) {
  std::size_t records = 0;
  for (const Found& each : found) {
    if (each.what != What::Record) continue;
    ++records;
    const auto same = std::ranges::find(whole, each.place, &Found::place);
    REQUIRE(same != whole.end());
    CHECK(each.end == same->end);
    CHECK(each.body == same->body);
  }
  for (const SegmentText::Span& span : text.spans()) {
    const bool is_hit = damaged_at >= span.place && damaged_at < span.end;
    const bool is_found = std::ranges::any_of(found, [&span](const Found& each) {
      return each.what == What::Record && each.place == span.place;
    });
    if (!is_hit) CHECK(is_found);
    if (is_hit && !is_found) ++records;
  }
  CHECK(records == text.spans().size());  // None but those, and the damaged one at most is gone.
}

TEST_CASE("a whole segment gives its records in order") {
  const SegmentText text = six_records();
  const auto found = scan(text.bytes(), text.header());
  REQUIRE(found.size() == 6);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].what == What::Record);
    CHECK(found[i].place == text.spans()[i].place);
    CHECK(found[i].end == text.spans()[i].end);
  }
}

TEST_CASE("with any bit flipped, every record but that one is found, and no wrong one") {
  const SegmentText text = six_records();
  const auto whole = scan(text.bytes(), text.header());
  for (std::size_t bit = log_format::kHeaderBytes * 8; bit < text.bytes().size() * 8; ++bit) {
    CAPTURE(bit);
    std::string bytes = text.bytes();
    bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) ^ 1U << bit % 8);
    check_undamaged_found(text, whole, scan(bytes, text.header()), bit / 8);
  }
}

TEST_CASE("with any eight bytes overwritten, every record that they do not touch is found") {
  const SegmentText text = six_records();
  const auto whole = scan(text.bytes(), text.header());
  for (const char filler : {'\0', '\xff', '\x10'}) {
    for (std::size_t at = log_format::kHeaderBytes; at + 8 <= text.bytes().size(); at += 8) {
      CAPTURE(at);
      std::string bytes = text.bytes();
      bytes.replace(at, 8, 8, filler);
      check_undamaged_found(text, whole, scan(bytes, text.header()), at);
    }
  }
}

TEST_CASE("cut at any length, the whole records before the cut are found, and the rest is torn") {
  const SegmentText text = six_records();
  const std::string& bytes = text.bytes();
  for (std::size_t size = log_format::kHeaderBytes; size <= bytes.size(); ++size) {
    CAPTURE(size);
    const auto found = scan(bytes.substr(0, size), text.header());
    std::size_t whole = 0;
    std::uint64_t end = log_format::kHeaderBytes;
    for (const SegmentText::Span& span : text.spans()) {
      const std::size_t record =
          log_format::claimed_size(std::string_view(bytes).substr(span.place));
      if (span.place + record > size) break;  // a cut in the pad cuts nothing
      ++whole;
      end = span.end;
    }
    const bool is_torn = size > end;
    REQUIRE(found.size() == whole + (is_torn ? 1 : 0));
    for (std::size_t i = 0; i < whole; ++i) CHECK(found[i].what == What::Record);
    if (!is_torn) continue;
    CHECK(found.back().what == What::Torn);
    CHECK(found.back().place == end);
    CHECK(found.back().end == size);
  }
}

TEST_CASE("damage is told from where it begins to where the next record begins") {
  const SegmentText text = six_records();
  std::string bytes = text.bytes();
  for (const std::size_t index : {1U, 2U}) bytes[text.spans()[index].place] ^= 1;
  const auto found = scan(bytes, text.header());
  REQUIRE(found.size() == 5);
  CHECK(found[1].what == What::Damage);
  CHECK(found[1].place == text.spans()[1].place);
  CHECK(found[1].end == text.spans()[3].place);
}

TEST_CASE("a record that is hidden in a message's data is not found behind damage") {
  SegmentText text(1);
  text.start(7, false);
  const std::uint64_t place = text.bytes().size();
  // Whoever publishes knows the format, and where the message will stand at most; not the salt.
  std::string data;
  for (std::uint64_t guess = place; guess < place + 400; guess += 8) {
    log_format::append_record(data, 0, guess, log_format::Kind::End, 0, "forged!!");
  }
  // Nor is a record of this very segment one in another place.
  data += text.bytes().substr(log_format::kHeaderBytes);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    SegmentText forged = text;
    forged.message(
        {.stream = 1,
         .position = {1, Epoch{7}},
         .draft = {
             .type = "t", .data = std::string(shift, ' ') + data, .encoding = Encoding::Binary}});
    forged.end();
    std::string bytes = forged.bytes();
    bytes[static_cast<std::size_t>(place)] ^= 1;
    const auto found = scan(bytes, forged.header());
    REQUIRE(found.size() == 3);
    CHECK(found[1].what == What::Damage);
    CHECK(found[1].end == forged.spans()[2].place);
    CHECK(found[2].place == forged.spans()[2].place);
  }
}

TEST_CASE("records that are larger than what is read at once, and damage among them") {
  SegmentText text(1);
  for (std::uint64_t offset = 1; offset <= 6; ++offset) {
    text.message({.stream = 1,
                  .position = {offset, Epoch{7}},
                  .draft = {.type = "t",
                            .data = std::string((offset % 3) * 700'000, 'x'),
                            .encoding = Encoding::Binary}});
  }
  CHECK(scan(text.bytes(), text.header()).size() == 6);
  std::string bytes = text.bytes();
  bytes[text.spans()[3].place + 100] ^= 1;
  const auto found = scan(bytes, text.header());
  REQUIRE(found.size() == 6);
  CHECK(found[3].what == What::Damage);
  CHECK(found[4].place == text.spans()[4].place);
}

class FailingFile final : public LogFile {
 public:
  [[nodiscard]] FileResult<std::size_t> read_at(std::uint64_t /*offset*/,
                                                std::span<char> /*bytes*/) const override {
    return std::unexpected(EIO);
  }
  [[nodiscard]] FileResult<void> write_at(std::uint64_t /*offset*/,
                                          std::string_view /*bytes*/) override {
    return {};
  }
  [[nodiscard]] FileResult<std::uint64_t> size() const override { return 1'000; }
  [[nodiscard]] FileResult<void> truncate(std::uint64_t /*size*/) override { return {}; }
  [[nodiscard]] FileResult<void> sync() override { return {}; }
};

TEST_CASE("a file that can't be read is not taken for a damaged one") {
  const auto found = scan(FailingFile(), SegmentText(1).header(), 1'000);
  REQUIRE(found.size() == 1);
  CHECK(found[0].what == What::Unreadable);
}

TEST_CASE("a file that was cut shorter meanwhile ends where it ends now") {
  const SegmentText text = six_records();
  const std::uint64_t claimed = text.bytes().size() + (std::uint64_t{64} << 20U);
  const auto whole = scan(*file_of(text.bytes()), text.header(), claimed);
  CHECK(whole.size() == 6);
  const SegmentText::Span last = text.spans().back();
  const auto cut = file_of(text.bytes().substr(0, static_cast<std::size_t>(last.place) + 12));
  const auto torn = scan(*cut, text.header(), claimed);
  REQUIRE(torn.size() == 6);
  CHECK(torn[5].what == What::Torn);
  CHECK(torn[5].place == last.place);
  CHECK(torn[5].end == last.place + 12);
}

}  // namespace
}  // namespace tako::broker
