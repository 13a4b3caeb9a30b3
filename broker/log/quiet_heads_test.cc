// Remembering, taking and dropping heads.
#include "broker/log/quiet_heads.h"

#include <doctest/doctest.h>

namespace tako::broker {
namespace {

QuietHead head(std::uint64_t offset) { return {.head = {offset, Epoch{9}}, .older_epochs = {}}; }

TEST_CASE("a head is found until it is taken") {
  QuietHeads heads;
  heads.remember("a", head(7), 100);
  REQUIRE(heads.find("a") != nullptr);
  CHECK(heads.find("a")->head.offset == 7);
  CHECK(heads.find("b") == nullptr);
  CHECK(heads.take("a")->head.offset == 7);
  CHECK_FALSE(heads.take("a").has_value());
  CHECK_FALSE(heads.drop_first());  // nothing is left in the index by time either
}

TEST_CASE("those that expire first are dropped first, whatever the order they came in") {
  QuietHeads heads;
  heads.remember("late", head(1), 300);
  heads.remember("early", head(2), 100);
  heads.remember("middle", head(3), 200);
  CHECK_FALSE(heads.drop_first_due(99));
  CHECK(heads.drop_first_due(100));
  CHECK(heads.find("early") == nullptr);
  CHECK(heads.drop_first());
  CHECK(heads.find("middle") == nullptr);
  CHECK(heads.find("late") != nullptr);
  CHECK(heads.size() == 1);
}

}  // namespace
}  // namespace tako::broker
