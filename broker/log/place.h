// Place, StreamEntry: where a record stands in the journal, and what is known of it in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/check.h"

namespace tako::broker {

// A record's place: the number of the segment's slot in this process (from 1), and its place in the
// file in units of 8 bytes.
struct Place {
  std::uint32_t slot = 0;
  std::uint32_t at8 = 0;

  [[nodiscard]] std::uint64_t at() const { return std::uint64_t{at8} * 8; }
  [[nodiscard]] std::uint64_t packed() const { return std::uint64_t{slot} << 32U | at8; }
  static Place from_packed(std::uint64_t packed) {
    return {static_cast<std::uint32_t>(packed >> 32U), static_cast<std::uint32_t>(packed)};
  }
  friend bool operator==(const Place&, const Place&) = default;
};

// 16 bytes for each message of the log, so that memory follows the number of messages and not what
// they hold.
//
//   where_   slot 16 | at8 24 | batch_rest 17 | batch_first 1          when_   time_ms 43 | size8
//   21
class StreamEntry {
 public:
  static constexpr std::uint32_t kSlotMax = (1U << 16U) - 1;
  static constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{8} << 24U;  // 128 MiB
  static constexpr std::uint32_t kBatchRestMax = (1U << 17U) - 1;

  StreamEntry() = default;
  // `bytes`: of the record with its pad. `time_ms`: since 1970, to the year 2248.
  StreamEntry(Place place, std::size_t bytes, std::int64_t time_ms, std::uint32_t batch_rest,
              bool is_batch_first)
      : where_(std::uint64_t{place.slot} | std::uint64_t{place.at8} << kAt8Shift |
               std::uint64_t{batch_rest} << kRestShift |
               std::uint64_t{is_batch_first} << kFirstShift),
        when_((static_cast<std::uint64_t>(time_ms < 0 ? 0 : time_ms) & kTimeMask) |
              static_cast<std::uint64_t>(bytes / 8) << kSizeShift) {
    TAKO_CHECK(place.slot <= kSlotMax && place.at() < kSegmentBytesMax);
    TAKO_CHECK(batch_rest <= kBatchRestMax && bytes / 8 < (1U << 21U));
  }

  [[nodiscard]] Place place() const {
    return {static_cast<std::uint32_t>(where_ & 0xFFFFU),
            static_cast<std::uint32_t>(where_ >> kAt8Shift & 0xFF'FFFFU)};
  }
  [[nodiscard]] std::size_t bytes() const {
    return static_cast<std::size_t>(when_ >> kSizeShift) * 8;
  }
  [[nodiscard]] std::int64_t time_ms() const {
    return static_cast<std::int64_t>(when_ & kTimeMask);
  }
  [[nodiscard]] std::uint32_t batch_rest() const {
    return static_cast<std::uint32_t>(where_ >> kRestShift & kBatchRestMax);
  }
  [[nodiscard]] bool is_batch_first() const { return (where_ >> kFirstShift & 1U) != 0; }

 private:
  static constexpr unsigned kAt8Shift = 16;
  static constexpr unsigned kRestShift = 40;
  static constexpr unsigned kFirstShift = 57;
  static constexpr unsigned kSizeShift = 43;
  static constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kSizeShift) - 1;

  std::uint64_t where_ = 0;
  std::uint64_t when_ = 0;
};

}  // namespace tako::broker
