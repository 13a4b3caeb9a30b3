// Which descriptors are taken.
#include "common/config/inherited_sockets.h"

#include <doctest/doctest.h>

#include <cstdlib>

namespace tako::service {

// With descriptors it is tested on the real programs: tests/behaviour/socket_activation_test.cc.
TEST_CASE("descriptors for another process are not taken, and the variables are gone after it") {
  setenv("LISTEN_PID", "1", 1);
  setenv("LISTEN_FDS", "1", 1);
  auto sockets = InheritedSockets::take_over();
  REQUIRE(sockets.has_value());
  CHECK(sockets->empty());
  CHECK_FALSE(sockets->take("app", uv::UnixAddress{"/run/tako/app.sock"}).has_value());
  CHECK(sockets->take_rest().empty());
  CHECK(sockets->describe().empty());
  CHECK(std::getenv("LISTEN_FDS") == nullptr);
}

}  // namespace tako::service
