// Every way in which two ranges of versions can lie.
#include "common/ipc/link_version.h"

#include <doctest/doctest.h>

namespace tako::ipc {

TEST_CASE("two ends speak the newest version that both know") {
  CHECK(meet({1, 1}, {1, 1}) == 1);
  CHECK(meet({1, 2}, {1, 1}) == 1);
  CHECK(meet({1, 1}, {1, 2}) == 1);
  CHECK(meet({1, 3}, {2, 5}) == 3);
  CHECK(meet({2, 5}, {1, 3}) == 3);
  CHECK(meet({1, 9}, {4, 4}) == 4);
}

TEST_CASE("without a common version nobody meets") {
  CHECK_FALSE(meet({1, 1}, {2, 3}).has_value());
  CHECK_FALSE(meet({2, 3}, {1, 1}).has_value());
  CHECK_FALSE(meet({1, 1}, {0, 0}).has_value());
  CHECK_FALSE(meet({1, 1}, {0, 9}).has_value());
  CHECK_FALSE(meet({1, 3}, {2, 1}).has_value());
}

TEST_CASE("the sentence names both, and the older one to upgrade") {
  const LinkParty edge{.role = "edge", .program = "0.1.0", .versions = {1, 1}};
  const LinkParty broker{.role = "broker", .program = "0.3.0", .versions = {2, 3}};
  CHECK(describe_no_meeting(broker, edge) ==
        "the broker (0.3.0) speaks version 2 to 3 of the link, the edge (0.1.0) speaks version 1: "
        "upgrade the edge");
  const LinkParty silent{.role = "edge", .program = "", .versions = {4, 4}};
  CHECK(describe_no_meeting(broker, silent) ==
        "the broker (0.3.0) speaks version 2 to 3 of the link, the edge speaks version 4: upgrade "
        "the broker");
}

}  // namespace tako::ipc
