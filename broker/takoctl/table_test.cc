// Columns stand below each other, and control characters do no harm.
#include "broker/takoctl/table.h"

#include <doctest/doctest.h>

namespace tako::takoctl {
namespace {

TEST_CASE("columns are as wide as their widest cell, counted in characters") {
  CHECK(print_table({{"A", "B"}, {"äöü", "1"}, {"x", "22"}}) == "A    B\näöü  1\nx    22\n");
  CHECK(print_table({}).empty());
}

TEST_CASE("control characters are shown, not sent to the terminal") {
  CHECK(printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\x0a");
  CHECK(printable("tür") == "tür");
}

}  // namespace
}  // namespace tako::takoctl
