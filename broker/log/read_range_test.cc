// Where a bounded read ends.
#include "broker/log/read_range.h"

#include <doctest/doctest.h>

namespace tako::broker {
namespace {

TEST_CASE("the first message always belongs to the read") {
  RangeFiller filler({.messages_max = 1, .bytes_max = 1});
  CHECK(filler.takes(1'000, 0));
  CHECK_FALSE(filler.takes(1, 0));
}

TEST_CASE("messages_max and bytes_max end it, the latter before they are passed") {
  RangeFiller by_count({.messages_max = 2});
  CHECK(by_count.takes(1, 0));
  CHECK(by_count.takes(1, 0));
  CHECK_FALSE(by_count.takes(1, 0));

  RangeFiller by_bytes({.bytes_max = 10});
  CHECK(by_bytes.takes(4, 0));
  CHECK(by_bytes.takes(6, 0));
  CHECK_FALSE(by_bytes.takes(1, 0));

  RangeFiller first_alone({.bytes_max = 10});
  CHECK(first_alone.takes(20, 0));
  CHECK_FALSE(first_alone.takes(1, 0));
}

TEST_CASE("a batch that was begun is read whole, and none is begun behind the limit") {
  RangeFiller filler({.messages_max = 2, .bytes_max = 10});
  CHECK(filler.takes(8, 0));
  CHECK(filler.takes(2, 2));
  CHECK(filler.takes(100, 1));
  CHECK(filler.takes(100, 0));
  CHECK_FALSE(filler.takes(1, 1));
}

TEST_CASE("batches are cut where the reader says so") {
  RangeFiller filler({.messages_max = 2, .whole_batches = false});
  CHECK(filler.takes(1, 3));
  CHECK(filler.takes(1, 2));
  CHECK_FALSE(filler.takes(1, 1));
}

}  // namespace
}  // namespace tako::broker
