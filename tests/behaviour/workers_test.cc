// --workers N: several edge processes behind one address, watched by the one that was started.
#include <doctest/doctest.h>
#include <signal.h>

#include <sstream>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

// A broker, no other edge, and one with two workers.
class Workers {
 public:
  Workers()
      : tako_({.edges = 0}),
        edge_({.program = program("tako-edge"),
               .arguments = {"--listen", "127.0.0.1:0", "--link", tako_.link_path(), "--workers",
                             "2", "--name", "web", "--drain-ms", "50"},
               .output_folder = tako_.folder().path(),
               .name = "workers"}),
        address_(edge_.output_line(0)) {
    wait_until_linked();
    tako_.put_definitions(kDefinitions);
  }

  [[nodiscard]] Cluster& tako() { return tako_; }
  [[nodiscard]] Process& edge() { return edge_; }
  [[nodiscard]] const Endpoint& address() const { return address_; }
  [[nodiscard]] std::vector<pid_t> pids() const {
    const std::string id = std::to_string(edge_.pid());
    std::istringstream text(read_file("/proc/" + id + "/task/" + id + "/children"));
    std::vector<pid_t> pids;
    for (pid_t pid = 0; text >> pid;) pids.push_back(pid);
    return pids;
  }
  void wait_until_linked() {
    wait_until("two links",
               [this] { return metric(tako_.broker_admin(), "tako_broker_edges") == 2; });
  }

 private:
  Cluster tako_;
  Process edge_;
  Endpoint address_;
};

}  // namespace

TEST_CASE("workers share an address, and clients of all of them get every message") {
  Workers workers;
  std::vector<std::unique_ptr<SseClient>> clients;
  for (int number = 0; number < 20; ++number) {
    clients.push_back(std::make_unique<SseClient>(workers.address(), channel_path("feed")));
    static_cast<void>(clients.back()->opening_id());
  }
  const std::string id = workers.tako().publish("feed", "t", "1")["id"].string();
  for (const auto& client : clients) CHECK(*client->next_message().id == id);
  workers.edge().wait_for_text("process=web.0");
  workers.edge().wait_for_text("process=web.1");
}

TEST_CASE("a worker that dies is started again, and the others' clients notice nothing") {
  Workers workers;
  const std::vector<pid_t> before = workers.pids();
  REQUIRE(before.size() == 2);
  REQUIRE(kill(before[0], SIGKILL) == 0);
  wait_until("another worker", [&] {
    const std::vector<pid_t> now = workers.pids();
    return now.size() == 2 && now != before;
  });
  workers.wait_until_linked();
  CHECK(SseClient(workers.address(), channel_path("feed")).status() == 200);
}

TEST_CASE("SIGTERM drains all workers, and the program ends well behind them") {
  Workers workers;
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int number = 0; number < 10; ++number) {
    clients.push_back(std::make_unique<WsClient>(workers.address(), channel_path("wire")));
    settle(*clients.back());
  }
  workers.edge().signal(SIGTERM);
  for (const auto& client : clients) check_close(*client, 1012, "restarting");
  clients.clear();  // An edge waits for the end of those that it has closed.
  CHECK(workers.edge().wait_for_exit() == 0);
  CHECK_FALSE(Socket::reachable(workers.address()));
}
