// Little-endian numbers by memcpy: Tako runs on little-endian machines only, which is checked.
#include "broker/log/log_format.h"

#include <xxhash.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace tako::broker::log_format {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "TAKOLOG\n";
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kNameDigits = 16;
constexpr std::size_t kHeaderChecksumAt = kHeaderBytes - 8;
constexpr std::size_t kSizeAt = 8;
constexpr std::size_t kChecksumBytes = 8;

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  out.append(bytes.data(), bytes.size());
}

template <typename Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

// The record's bytes are at the end of `out`, with room for the checksum in front.
void seal(std::string& out, std::size_t begin, std::uint64_t salt, std::uint64_t place) {
  const std::string_view record = std::string_view(out).substr(begin);
  const std::uint64_t sum = checksum(record.substr(kChecksumBytes), salt + place);
  std::memcpy(out.data() + begin, &sum, sizeof sum);
  out.append(padded(record.size()) - record.size(), '\0');
}

void append_head(std::string& out, std::size_t size, Kind kind, std::uint8_t flags) {
  append_number(out, std::uint64_t{0});  // the checksum comes last
  append_number(out, static_cast<std::uint32_t>(size));
  append_number(out, static_cast<std::uint8_t>(kind));
  append_number(out, flags);
  append_number(out, std::uint16_t{0});
}

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string out(kMagic);
  append_number(out, header.version);
  append_number(out, header.version_min);
  append_number(out, static_cast<std::uint32_t>(kHeaderBytes));
  append_number(out, header.number);
  append_number(out, header.salt);
  append_number(out, header.previous_size);
  append_number(out, header.base_epoch);
  append_number(out, header.created_ms);
  append_number(out, checksum(out, header.salt));
  return out;
}

ReadHeader decode_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
    return {.header = {}, .fault = HeaderFault::NotASegment};
  }
  ReadHeader read;
  read.header = {.version = number_at<std::uint16_t>(bytes, 8),
                 .version_min = number_at<std::uint16_t>(bytes, 10),
                 .number = number_at<std::uint64_t>(bytes, 16),
                 .salt = number_at<std::uint64_t>(bytes, 24),
                 .previous_size = number_at<std::uint64_t>(bytes, 32),
                 .base_epoch = number_at<std::uint64_t>(bytes, 40),
                 .created_ms = number_at<std::int64_t>(bytes, 48)};
  const auto sum = number_at<std::uint64_t>(bytes, kHeaderChecksumAt);
  if (checksum(bytes.substr(0, kHeaderChecksumAt), read.header.salt) != sum) {
    read.fault = HeaderFault::Damaged;
  } else if (read.header.version_min > kVersion) {
    read.fault = HeaderFault::TooNew;
  } else if (read.header.version < kVersionMin) {
    read.fault = HeaderFault::TooOld;
  }
  return read;
}

std::string segment_name(std::uint64_t number) {
  std::array<char, kNameDigits> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), number, 16).ptr;
  const std::string_view written(digits.data(), static_cast<std::size_t>(end - digits.data()));
  return std::string(kNameDigits - written.size(), '0') + std::string(written) +
         std::string(kSuffix);
}

std::optional<std::uint64_t> segment_number(std::string_view name) {
  std::uint64_t number = 0;
  if (name.size() != kNameDigits + kSuffix.size()) return std::nullopt;
  std::from_chars(name.data(), name.data() + kNameDigits, number, 16);
  // Written again it must be the same: no other spelling, no stray character.
  if (number == 0 || segment_name(number) != name) return std::nullopt;
  return number;
}

void append_record(std::string& out, std::uint64_t salt, std::uint64_t place, Kind kind,
                   std::uint8_t flags, std::string_view body) {
  const std::size_t begin = out.size();
  append_head(out, kRecordHeadBytes + body.size(), kind, flags);
  out += body;
  seal(out, begin, salt, place);
}

void append_message(std::string& out, std::uint64_t salt, std::uint64_t place, std::uint8_t flags,
                    const MessageHead& head, std::string_view record) {
  const std::size_t begin = out.size();
  append_head(out, kMessageHeadBytes + record.size(), Kind::Message, flags);
  append_number(out, head.stream);
  append_number(out, head.batch_rest);
  append_number(out, head.offset);
  append_number(out, head.time_ms);
  out += record;
  seal(out, begin, salt, place);
}

std::size_t claimed_size(std::string_view bytes) {
  if (bytes.size() < kRecordHeadBytes) return 0;
  const std::size_t size = number_at<std::uint32_t>(bytes, kSizeAt);
  return size < kRecordHeadBytes || size > kRecordBytesMax ? 0 : size;
}

std::optional<FoundRecord> decode_record(std::string_view bytes, std::uint64_t salt,
                                         std::uint64_t place) {
  const std::size_t size = claimed_size(bytes);
  if (size == 0 || bytes.size() < size) return std::nullopt;
  const std::string_view record = bytes.substr(0, size);
  const auto sum = number_at<std::uint64_t>(record, 0);
  if (checksum(record.substr(kChecksumBytes), salt + place) != sum) return std::nullopt;
  FoundRecord found{.kind = static_cast<Kind>(number_at<std::uint8_t>(record, 12)),
                    .flags = number_at<std::uint8_t>(record, 13),
                    .size = static_cast<std::uint32_t>(size),
                    .body = record.substr(kRecordHeadBytes)};
  if (found.kind != Kind::Message) return found;
  if (size < kMessageHeadBytes) return std::nullopt;
  found.message = {.stream = number_at<std::uint32_t>(record, 16),
                   .batch_rest = number_at<std::uint32_t>(record, 20),
                   .offset = number_at<std::uint64_t>(record, 24),
                   .time_ms = number_at<std::int64_t>(record, 32)};
  found.body = record.substr(kMessageHeadBytes);
  return found;
}

}  // namespace tako::broker::log_format
