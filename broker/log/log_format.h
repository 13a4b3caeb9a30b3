// The journal's bytes on disk: segments, records, checksums. docs/log-format.md draws them.
//
//   segment file     header (64) | record | pad | record | pad | …          all numbers
//   little-endian any record       checksum u64 | size u32 | kind u8 | flags u8 | 0 u16 | body
//   message record   … | stream u32 | batch_rest u32 | offset u64 | time_ms i64 | proto::Record
//
// Records begin at multiples of 8. A checksum is XXH3-64 over all that follows it in the record,
// seeded with the segment's secret salt and the record's place: so a record that a client hides
// inside its data is not taken for one, nor is a block that the disk put in the wrong place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/position.h"

namespace tako::broker::log_format {

inline constexpr std::uint16_t kVersion = 1;     // that this program writes
inline constexpr std::uint16_t kVersionMin = 1;  // that it still reads
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::size_t kRecordHeadBytes = 16;
inline constexpr std::size_t kMessageHeadBytes = 40;  // with the record's head
inline constexpr std::size_t kAlignment = 8;
// A record is never larger; what claims to be is damaged. Fits StreamEntry's bits.
inline constexpr std::size_t kRecordBytesMax = std::size_t{15} << 20U;

enum class Kind : std::uint8_t { Message = 1, State = 2, Key = 3, Start = 4, Base = 5, End = 6 };

// Flags of a record.
inline constexpr std::uint8_t kBatchFirst = 1;   // Message: the first of its batch
inline constexpr std::uint8_t kMoved = 2;        // a copy of one that stood in an older segment
inline constexpr std::uint8_t kIgnorable = 128;  // a reader that does not know the kind goes on

[[nodiscard]] constexpr std::size_t padded(std::size_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

struct SegmentHeader {
  std::uint16_t version = kVersion;
  std::uint16_t version_min = kVersion;  // the oldest version of a program that can read this
  std::uint64_t number = 0;              // from 1, one more for each
  std::uint64_t salt = 0;
  std::uint64_t previous_size = 0;  // of the segment before; 0: not known, or none
  std::uint64_t base_epoch = 0;     // in force where the segment begins
  std::int64_t created_ms = 0;
};
[[nodiscard]] std::string encode(const SegmentHeader& header);

enum class HeaderFault : std::uint8_t { None, NotASegment, Damaged, TooNew, TooOld };
struct ReadHeader {
  SegmentHeader header;
  HeaderFault fault = HeaderFault::None;
};
[[nodiscard]] ReadHeader decode_header(std::string_view bytes);

// `0000000000000001.seg`; nullopt for any other name.
[[nodiscard]] std::string segment_name(std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> segment_number(std::string_view name);

// What stands in front of a message's proto::Record.
struct MessageHead {
  std::uint32_t stream = 0;
  std::uint32_t batch_rest = 0;
  std::uint64_t offset = 0;
  std::int64_t time_ms = 0;
};

// Appends a whole record, padded, to `out`; it stands at `place` bytes into its segment.
void append_record(std::string& out, std::uint64_t salt, std::uint64_t place, Kind kind,
                   std::uint8_t flags, std::string_view body);
void append_message(std::string& out, std::uint64_t salt, std::uint64_t place, std::uint8_t flags,
                    const MessageHead& head, std::string_view record);

// A record as it was found. Views into the bytes that were given.
struct FoundRecord {
  Kind kind = Kind::Message;  // possibly one that this version does not know
  std::uint8_t flags = 0;
  std::uint32_t size = 0;      // without the pad
  std::string_view body = {};  // of a message: behind MessageHead
  MessageHead message = {};    // kind Message only
};
// The size that the record's head claims: enough bytes to read. 0: no record can begin so.
[[nodiscard]] std::size_t claimed_size(std::string_view bytes);
// nullopt: what begins here is no whole record with a right checksum.
[[nodiscard]] std::optional<FoundRecord> decode_record(std::string_view bytes, std::uint64_t salt,
                                                       std::uint64_t place);

}  // namespace tako::broker::log_format
