// Reports over the real socket: who says what, and what is no report.
#include "edge/worker_reports.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "common/config/service_manager.h"

namespace tako::edge {

TEST_CASE("a worker's words come with the pid that the kernel vouches for") {
  auto reports = WorkerReports::open();
  REQUIRE(reports.has_value());
  CHECK(reports->address().starts_with('@'));
  CHECK(reports->take().empty());
  setenv("NOTIFY_SOCKET", reports->address().c_str(), 1);
  service::tell_ready("serving");
  service::tell_alive();
  service::tell_status("READY=1 is not said by this");
  const pid_t child = fork();
  if (child == 0) {
    service::tell_alive();
    _exit(0);
  }
  REQUIRE(child > 0);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  unsetenv("NOTIFY_SOCKET");
  const auto heard = reports->take();
  REQUIRE(heard.size() == 4);
  CHECK(heard[0].pid == getpid());
  CHECK(heard[0].is_ready);
  CHECK_FALSE(heard[1].is_ready);
  CHECK_FALSE(heard[2].is_ready);
  CHECK(heard[3].pid == child);
}

}  // namespace tako::edge
