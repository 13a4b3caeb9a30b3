// Places and entries keep what they are given, up to their bounds.
#include "broker/log/place.h"

#include <doctest/doctest.h>

namespace tako::broker {
namespace {

TEST_CASE("a place packs into a number and back") {
  const Place place{.slot = 65'535, .at8 = 0xffff'fff0};
  CHECK(place.at() == std::uint64_t{0xffff'fff0} * 8);
  CHECK(Place::from_packed(place.packed()) == place);
  CHECK(Place{}.packed() == 0);
}

TEST_CASE("an entry is 16 bytes and keeps each of its parts at both ends of its range") {
  CHECK(sizeof(StreamEntry) == 16);
  const auto at_most = static_cast<std::uint32_t>(StreamEntry::kSegmentBytesMax / 8 - 1);
  constexpr std::size_t kBytesMax = ((std::size_t{1} << 21U) - 1) * 8;
  constexpr std::int64_t kTimeMax = (std::int64_t{1} << 43U) - 1;
  const StreamEntry large({StreamEntry::kSlotMax, at_most}, kBytesMax, kTimeMax,
                          StreamEntry::kBatchRestMax, true);
  CHECK(large.place() == Place{StreamEntry::kSlotMax, at_most});
  CHECK(large.bytes() == kBytesMax);
  CHECK(large.time_ms() == kTimeMax);
  CHECK(large.batch_rest() == StreamEntry::kBatchRestMax);
  CHECK(large.is_batch_first());
  const StreamEntry small({1, 8}, 48, 0, 0, false);
  CHECK(small.place() == Place{1, 8});
  CHECK(small.bytes() == 48);
  CHECK(small.time_ms() == 0);
  CHECK(small.batch_rest() == 0);
  CHECK_FALSE(small.is_batch_first());
}

TEST_CASE("parts do not spill into each other") {
  const StreamEntry only_slot({StreamEntry::kSlotMax, 0}, 0, 0, 0, false);
  CHECK(only_slot.place().at8 == 0);
  CHECK(only_slot.batch_rest() == 0);
  const StreamEntry only_rest({0, 0}, 0, 0, StreamEntry::kBatchRestMax, false);
  CHECK(only_rest.place() == Place{});
  CHECK_FALSE(only_rest.is_batch_first());
  const StreamEntry only_time({0, 0}, 0, (std::int64_t{1} << 43U) - 1, 0, false);
  CHECK(only_time.bytes() == 0);
}

TEST_CASE("a time before 1970 counts as 1970") {
  CHECK(StreamEntry({1, 8}, 48, -1, 0, true).time_ms() == 0);
}

TEST_CASE("a record of the largest size fits") {
  constexpr std::size_t kRecordMax = std::size_t{15} << 20U;
  CHECK(StreamEntry({1, 8}, kRecordMax, 0, 0, true).bytes() == kRecordMax);
}

}  // namespace
}  // namespace tako::broker
