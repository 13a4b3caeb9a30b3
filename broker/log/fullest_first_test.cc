// Who gives way first.
#include "broker/log/fullest_first.h"

#include <doctest/doctest.h>

namespace tako::broker {
namespace {

TEST_CASE("the fullest comes first, and of those of a size the one that waits longest") {
  FullestFirst order;
  CHECK_FALSE(order.first().has_value());
  order.place(1, 100);
  order.place(2, 5'000);
  order.place(3, 5'001);
  CHECK(order.first() == 2U);
  order.place(2, 5'000);  // Gave something, and goes behind.
  CHECK(order.first() == 3U);
  order.remove(3);
  CHECK(order.first() == 2U);
  order.remove(2);
  order.remove(2);  // Twice is no harm.
  CHECK(order.first() == 1U);
}

TEST_CASE("a stream that shrinks changes its place") {
  FullestFirst order;
  order.place(4, 1'000);
  order.place(5, 300);
  order.place(4, 10);
  CHECK(order.first() == 5U);
}

}  // namespace
}  // namespace tako::broker
