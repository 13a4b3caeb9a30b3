// The format's bytes: what is written is read back, and nothing else is taken for it.
#include "broker/log/log_format.h"

#include <doctest/doctest.h>

#include <cstring>

namespace tako::broker::log_format {
namespace {

constexpr std::uint64_t kSalt = 0x1234'5678'9abc'def0;
constexpr std::uint64_t kPlace = 4'096;

SegmentHeader some_header() {
  return {.number = 17,
          .salt = kSalt,
          .previous_size = 1'000,
          .base_epoch = 99,
          .created_ms = 1'700'000'000'000};
}

void flip(std::string& bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) ^ 1U << bit % 8);
}

TEST_CASE("a header reads as it was written") {
  const std::string bytes = encode(some_header());
  REQUIRE(bytes.size() == kHeaderBytes);
  CHECK(bytes.starts_with("TAKOLOG\n"));
  const ReadHeader read = decode_header(bytes + "what follows");
  CHECK(read.fault == HeaderFault::None);
  CHECK(read.header.version == kVersion);
  CHECK(read.header.version_min == kVersion);
  CHECK(read.header.number == 17);
  CHECK(read.header.salt == kSalt);
  CHECK(read.header.previous_size == 1'000);
  CHECK(read.header.base_epoch == 99);
  CHECK(read.header.created_ms == 1'700'000'000'000);
}

TEST_CASE("a header with any bit flipped, or cut anywhere, is none") {
  const std::string bytes = encode(some_header());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flip(flipped, bit);
    CAPTURE(bit);
    // Of another version only with a right checksum: else a flipped bit would refuse the log.
    const HeaderFault fault = decode_header(flipped).fault;
    CHECK((fault == HeaderFault::Damaged || fault == HeaderFault::NotASegment));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(decode_header(std::string_view(bytes).substr(0, size)).fault == HeaderFault::NotASegment);
  }
}

TEST_CASE("a whole header of another version is told from a damaged one") {
  SegmentHeader header = some_header();
  header.version = kVersion + 5;
  CHECK(decode_header(encode(header)).fault == HeaderFault::None);  // It says that we can read it.
  header.version_min = kVersion + 1;
  const ReadHeader newer = decode_header(encode(header));
  CHECK(newer.fault == HeaderFault::TooNew);
  CHECK(newer.header.version == kVersion + 5);
  header = some_header();
  header.version = header.version_min = kVersionMin - 1;
  CHECK(decode_header(encode(header)).fault == HeaderFault::TooOld);
}

TEST_CASE("segments have one name each, and no other name is a segment's") {
  CHECK(segment_name(1) == "0000000000000001.seg");
  CHECK(segment_name(0xfedc'ba98'7654'3210) == "fedcba9876543210.seg");
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{255}, ~std::uint64_t{0}}) {
    CHECK(segment_number(segment_name(number)) == number);
  }
  for (const char* name :
       {"", "1.seg", "0000000000000000.seg", "000000000000000A.seg", "000000000000001.seg",
        "00000000000000001.seg", "0000000000000001.sex", "0000000000000001.seg~",
        "+000000000000001.seg", " 000000000000001.seg", "0x00000000000001.seg", "lock"}) {
    CAPTURE(name);
    CHECK_FALSE(segment_number(name).has_value());
  }
  CHECK(segment_name(2) < segment_name(16));  // Sorted by name is sorted by number.
}

TEST_CASE("records of any size read as they were written, and end at a multiple of 8") {
  for (std::size_t size = 0; size <= 40; ++size) {
    const std::string body(size, 'x');
    std::string bytes = "12345678";  // What stands before is left alone.
    append_record(bytes, kSalt, kPlace, Kind::Start, kIgnorable, body);
    CHECK(bytes.starts_with("12345678"));
    CHECK(bytes.size() == 8 + padded(kRecordHeadBytes + size));
    const std::string_view record = std::string_view(bytes).substr(8);
    CHECK(claimed_size(record) == kRecordHeadBytes + size);
    const auto found = decode_record(record, kSalt, kPlace);
    REQUIRE(found.has_value());
    CHECK(found->kind == Kind::Start);
    CHECK(found->flags == kIgnorable);
    CHECK(found->size == kRecordHeadBytes + size);
    CHECK(found->body == body);
  }
}

TEST_CASE("a message carries its head beside its record") {
  std::string bytes;
  const MessageHead head{
      .stream = 3, .batch_rest = 70'000, .offset = std::uint64_t{1} << 40U, .time_ms = -5};
  append_message(bytes, kSalt, kPlace, kBatchFirst | kMoved, head, "the record");
  const auto found = decode_record(bytes, kSalt, kPlace);
  REQUIRE(found.has_value());
  CHECK(found->kind == Kind::Message);
  CHECK(found->flags == (kBatchFirst | kMoved));
  CHECK(found->message.stream == 3);
  CHECK(found->message.batch_rest == 70'000);
  CHECK(found->message.offset == std::uint64_t{1} << 40U);
  CHECK(found->message.time_ms == -5);
  CHECK(found->body == "the record");
}

TEST_CASE("a message that is too short for its head is none, whatever its checksum") {
  std::string bytes;
  append_record(bytes, kSalt, kPlace, Kind::Message, 0, std::string(23, 'x'));
  CHECK_FALSE(decode_record(bytes, kSalt, kPlace).has_value());
  bytes.clear();
  append_record(bytes, kSalt, kPlace, Kind::Message, 0, std::string(24, 'x'));
  CHECK(decode_record(bytes, kSalt, kPlace).has_value());
}

TEST_CASE("a record is one only at its place, in its segment") {
  std::string bytes;
  append_record(bytes, kSalt, kPlace, Kind::Start, 0, "body");
  CHECK(decode_record(bytes, kSalt, kPlace).has_value());
  CHECK_FALSE(decode_record(bytes, kSalt, kPlace + 8).has_value());
  CHECK_FALSE(decode_record(bytes, kSalt + 1, kPlace).has_value());
}

TEST_CASE("a record with any bit flipped, or cut anywhere, is none; its pad does not count") {
  std::string bytes;
  append_record(bytes, kSalt, kPlace, Kind::State, 0, "five!");
  const std::size_t size = kRecordHeadBytes + 5;
  REQUIRE(bytes.size() == 24);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flip(flipped, bit);
    CAPTURE(bit);
    CHECK(decode_record(flipped, kSalt, kPlace).has_value() == (bit >= size * 8));
  }
  for (std::size_t cut = 0; cut < size; ++cut) {
    CHECK_FALSE(decode_record(std::string_view(bytes).substr(0, cut), kSalt, kPlace).has_value());
  }
}

TEST_CASE("a head that claims an impossible size begins no record") {
  std::string bytes(kRecordHeadBytes, '\0');
  for (const std::uint32_t size :
       {0U, 15U, static_cast<std::uint32_t>(kRecordBytesMax) + 1, ~std::uint32_t{0}}) {
    std::memcpy(bytes.data() + 8, &size, sizeof size);
    CHECK(claimed_size(bytes) == 0);
  }
  for (const std::uint32_t size : {16U, static_cast<std::uint32_t>(kRecordBytesMax)}) {
    std::memcpy(bytes.data() + 8, &size, sizeof size);
    CHECK(claimed_size(bytes) == size);
  }
  CHECK(claimed_size(std::string_view(bytes).substr(0, kRecordHeadBytes - 1)) == 0);
}

TEST_CASE("the bytes are those of version 1, for ever") {
  // Changed bytes are another version: then kVersion rises, and this stays as it is.
  std::string bytes;
  append_record(bytes, 1, 64, Kind::End, 0, "abc");
  const std::string_view head = std::string_view(bytes).substr(8, 11);
  CHECK(head == std::string_view("\x13\0\0\0\x06\0\0\0abc", 11));
  std::uint64_t sum = 0;
  std::memcpy(&sum, bytes.data(), sizeof sum);
  CHECK(sum == 5'265'110'237'685'047'783U);  // XXH3-64 of what follows, seed 1 + 64
}

}  // namespace
}  // namespace tako::broker::log_format
