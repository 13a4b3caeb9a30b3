// What the manager hears, and whose watchdog variables count.
#include "common/config/service_manager.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "common/uv/socket.h"
#include "tests/support/temp_dir.h"

namespace tako::service {
namespace {

// A manager that listens at $NOTIFY_SOCKET for the time of a test.
class FakeManager {
 public:
  FakeManager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (!socket_.is_open()) throw std::runtime_error("no socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_.file("notify");
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~FakeManager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  // The next datagram that has come; "" when none has.
  std::string heard() const {
    std::array<char, 1024> buffer{};
    const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
  }

 private:
  test::TempDir folder_;
  uv::Fd socket_;
};

void expect_watchdog(const char* micros, const std::string& pid) {
  setenv("WATCHDOG_USEC", micros, 1);
  setenv("WATCHDOG_PID", pid.c_str(), 1);
}

}  // namespace

TEST_CASE("the manager is told in its own words, one datagram for each") {
  const FakeManager manager;
  tell_ready("2 edges");
  CHECK(manager.heard() == "READY=1\nSTATUS=2 edges");
  tell_status("recovering");
  CHECK(manager.heard() == "STATUS=recovering");
  tell_main_process(42);
  CHECK(manager.heard() == "MAINPID=42");
  tell_stopping();
  CHECK(manager.heard() == "STOPPING=1\nSTATUS=stopping");
  tell_reloading("handing over");
  CHECK(manager.heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  tell_alive();
  CHECK(manager.heard() == "WATCHDOG=1");
  CHECK(manager.heard().empty());
}

TEST_CASE("a status of several lines cannot become another assignment") {
  const FakeManager manager;
  tell_status("lost\nMAINPID=1");
  CHECK(manager.heard() == "STATUS=lost MAINPID=1");
}

TEST_CASE("without a manager nothing happens") {
  unsetenv("NOTIFY_SOCKET");
  tell_ready("serving");
  CHECK(watchdog_limit(Succession::Started).count() == 0);
}

TEST_CASE("the watchdog's variables count for the process that they name") {
  const FakeManager manager;
  expect_watchdog("3000000", std::to_string(getpid()));
  CHECK(watchdog_limit(Succession::Started) == std::chrono::seconds(3));
  expect_watchdog("3000000", "1");
  CHECK(watchdog_limit(Succession::Started).count() == 0);
  // Who took the service over has the variables of the process before.
  CHECK(watchdog_limit(Succession::TookOver) == std::chrono::seconds(3));
  for (const char* nonsense : {"0", "-5", "3s", "", "99999999999999999999"}) {
    CAPTURE(nonsense);
    expect_watchdog(nonsense, std::to_string(getpid()));
    CHECK(watchdog_limit(Succession::Started).count() == 0);
  }
}

TEST_CASE("a loop that turns gives a sign of life in half the time, and none once stopped") {
  const FakeManager manager;
  expect_watchdog("40000", std::to_string(getpid()));
  uv::Loop loop;
  Watchdog watchdog(loop);
  watchdog.start();
  CHECK(manager.heard() == "WATCHDOG=1");  // At once: what came before may have taken long.
  const std::int64_t began_ms = loop.monotonic_ms();
  int signs = 0;
  const auto hears_signs = [&](int count) {
    return [&, count] {
      if (manager.heard() == "WATCHDOG=1") ++signs;
      return signs >= count;
    };
  };
  REQUIRE(loop.run_until(hears_signs(2), std::chrono::seconds(5)));
  CHECK(loop.monotonic_ms() - began_ms >= 39);
  watchdog.stop();
  CHECK_FALSE(loop.run_until(hears_signs(3), std::chrono::milliseconds(100)));
}

TEST_CASE("a watchdog that nobody waits for stays silent") {
  const FakeManager manager;
  uv::Loop loop;
  Watchdog watchdog(loop);
  watchdog.start();
  CHECK(manager.heard().empty());
}

}  // namespace tako::service
