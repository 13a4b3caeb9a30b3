// A worker's command line is ours, with what differs replaced.
#include "edge/supervisor.h"

#include <doctest/doctest.h>

using namespace tako;
using Arguments = std::vector<std::string>;

TEST_CASE("workers get the bound addresses, a name and an admin port of their own") {
  config::EdgeConfig config;
  config.admin = "127.0.0.1:9000";
  config.name = "web";
  const Arguments ours = {
      "--listen", "127.0.0.1:0", "--link",         "/l",         "--workers=4",          "--name",
      "web",      "--admin",     "127.0.0.1:9000", "--upstream", "http://127.0.0.1:3000"};
  CHECK(edge::worker_arguments(ours, config, {"127.0.0.1:4711"}, 2) ==
        Arguments{"tako-edge", "--link", "/l", "--upstream", "http://127.0.0.1:3000", "--listen",
                  "127.0.0.1:4711", "--workers", "1", "--name", "web.2", "--admin",
                  "127.0.0.1:9002"});
}

TEST_CASE("an admin port of 0 stays 0, none stays none") {
  config::EdgeConfig config;
  config.admin = "127.0.0.1:0";
  CHECK(edge::worker_arguments({}, config, {}, 3).back() == "127.0.0.1:0");
  config.admin.clear();
  CHECK(edge::worker_arguments({}, config, {}, 3) ==
        Arguments{"tako-edge", "--workers", "1", "--name", "edge.3"});
}
