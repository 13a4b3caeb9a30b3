// SIGUSR2: an edge, or a supervisor worker by worker, hands over to the program as it is on disk.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

// The value of `key=` behind the last `text` in what the process (and its successors, which share
// its stderr) has logged.
std::string logged(const Process& process, std::string_view text, std::string_view key) {
  const std::string lines = process.errors();
  const std::size_t line = lines.rfind(text);
  if (line == std::string::npos) return {};
  const std::string wanted = " " + std::string(key) + "=";
  const std::size_t begin = lines.find(wanted, line);
  if (begin == std::string::npos) return {};
  const std::size_t value = begin + wanted.size();
  return lines.substr(value, lines.find_first_of(" \n", value) - value);
}

// An edge started by the path of a link, so that a test can put another program in its place.
class Replaceable {
 public:
  explicit Replaceable(std::vector<std::string> more = {})
      : tako_({.edges = 0}), link_(tako_.folder().file("tako-edge")) {
    point_to(program("tako-edge"));
    std::vector<std::string> arguments{
        "--listen",        "127.0.0.1:0", "--admin", "127.0.0.1:0", "--link",
        tako_.link_path(), "--name",      "e",       "--drain-ms",  "50"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    edge_ = std::make_unique<Process>(ProcessOptions{.program = link_,
                                                     .arguments = std::move(arguments),
                                                     .output_folder = tako_.folder().path(),
                                                     .name = "edge"});
    address_ = edge_->output_line(0);
    wait_until("the link",
               [this] { return metric(tako_.broker_admin(), "tako_broker_edges") >= 1; });
    tako_.put_definitions(kDefinitions);
  }
  // The successors are no children of the test.
  ~Replaceable() {
    for (const pid_t pid : successors_) {
      if (kill(pid, SIGTERM) != 0) continue;
      if (!eventually([pid] { return kill(pid, 0) != 0; }, std::chrono::seconds(10))) {
        kill(pid, SIGKILL);
      }
    }
  }
  Replaceable(const Replaceable&) = delete;
  Replaceable& operator=(const Replaceable&) = delete;

  void point_to(const std::string& target) {
    std::filesystem::remove(link_);
    std::filesystem::create_symlink(target, link_);
  }
  // Waits until the n-th successor serves; its pid.
  pid_t wait_for_successor(std::size_t number) {
    const auto taken = [this] {
      std::size_t count = 0;
      const std::string lines = edge_->errors();
      for (std::size_t at = lines.find(" taken over "); at != std::string::npos;
           at = lines.find(" taken over ", at + 1)) {
        ++count;
      }
      return count;
    };
    wait_until("a successor", [&] { return taken() >= number; });
    successors_.push_back(std::stoi(logged(*edge_, "handing over", "to_pid")));
    return successors_.back();
  }
  [[nodiscard]] Cluster& tako() { return tako_; }
  [[nodiscard]] Process& edge() { return *edge_; }
  [[nodiscard]] const Endpoint& address() const { return address_; }

 private:
  Cluster tako_;
  std::string link_;
  std::unique_ptr<Process> edge_;
  Endpoint address_;
  std::vector<pid_t> successors_;
};

void check_heard(Cluster& tako, WsClient& client) {
  const std::string id = tako.publish("wire", "n", "1")["id"].string();
  CHECK(client.next_json()["id"].string() == id);
}

}  // namespace

TEST_CASE("SIGUSR2 starts the program on disk, which takes over; and again from there") {
  Replaceable one;
  WsClient client(one.address(), channel_path("wire"));
  settle(client);
  one.edge().signal(SIGUSR2);
  const pid_t second = one.wait_for_successor(1);
  CHECK(one.edge().wait_for_exit() == 0);
  CHECK(second != one.edge().pid());
  check_heard(one.tako(), client);
  REQUIRE(kill(second, SIGUSR2) == 0);
  const pid_t third = one.wait_for_successor(2);
  CHECK(third != second);
  wait_until("the second to end", [second] { return kill(second, 0) != 0; });
  check_heard(one.tako(), client);
  CHECK(SseClient(one.address(), channel_path("feed")).status() == 200);
}

TEST_CASE(
    "a new program that can't be started, or fails, changes nothing; the next one takes over") {
  Replaceable one;
  WsClient client(one.address(), channel_path("wire"));
  settle(client);
  one.point_to("/nonexistent/tako-edge");
  one.edge().signal(SIGUSR2);
  one.edge().wait_for_text("can't be started; this one serves on");
  check_heard(one.tako(), client);
  one.point_to("/bin/false");
  one.edge().signal(SIGUSR2);
  one.edge().wait_for_text("the new edge has ended; this one serves on");
  check_heard(one.tako(), client);
  one.point_to(program("tako-edge"));
  one.edge().signal(SIGUSR2);
  static_cast<void>(one.wait_for_successor(1));
  CHECK(one.edge().wait_for_exit() == 0);
  check_heard(one.tako(), client);
}

TEST_CASE("SIGUSR2 to a supervisor hands over worker by worker, and no client notices") {
  Replaceable one({"--workers", "3"});
  wait_until("three links",
             [&] { return metric(one.tako().broker_admin(), "tako_broker_edges") == 3; });
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int number = 0; number < 24; ++number) {
    clients.push_back(std::make_unique<WsClient>(one.address(), channel_path("wire")));
    settle(*clients.back());
  }
  one.edge().signal(SIGUSR2);
  one.edge().wait_for_text("all workers are new");
  const std::string id = one.tako().publish("wire", "n", "1")["id"].string();
  for (const auto& client : clients) {
    while (client->next_json()["id"].string() != id) {
    }
  }
  CHECK(one.edge().is_running());
  CHECK(metric(one.tako().broker_admin(), "tako_broker_edges") == 3);
  CHECK(one.edge().terminate() == 0);
}

TEST_CASE("a worker whose successor fails serves on, and so do the others") {
  Replaceable one({"--workers", "2"});
  WsClient client(one.address(), channel_path("wire"));
  settle(client);
  one.point_to("/bin/false");
  one.edge().signal(SIGUSR2);
  one.edge().wait_for_text("could not be taken over");
  check_heard(one.tako(), client);
  one.point_to(program("tako-edge"));
  one.edge().signal(SIGUSR2);
  one.edge().wait_for_text("all workers are new");
  check_heard(one.tako(), client);
  CHECK(one.edge().terminate() == 0);
}

TEST_CASE("a second supervisor takes over by number; the surplus leaves; the first one ends") {
  Replaceable one({"--workers", "3"});
  wait_until("three links",
             [&] { return metric(one.tako().broker_admin(), "tako_broker_edges") == 3; });
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int number = 0; number < 30; ++number) {
    clients.push_back(std::make_unique<WsClient>(one.address(), channel_path("wire")));
    settle(*clients.back());
  }
  Process next({.program = program("tako-edge"),
                .arguments = {"--listen", one.address(), "--link", one.tako().link_path(), "--name",
                              "e", "--drain-ms", "50", "--workers", "2", "--takeover"},
                .output_folder = one.tako().folder().path(),
                .name = "next"});
  CHECK(one.edge().wait_for_exit() == 0);
  next.wait_for_text("a worker too many was told to leave");
  const std::string id = one.tako().publish("wire", "n", "1")["id"].string();
  int moved = 0;
  int sent_away = 0;
  for (const auto& client : clients) {
    for (;;) {
      const WsFrame frame = client->next_frame().value();
      if (frame.opcode == kWsClose) {
        CHECK(frame.close_code() == 1012);
        ++sent_away;
        break;
      }
      if (frame.opcode == kWsText && frame.json()["id"].string() == id) {
        ++moved;
        break;
      }
    }
  }
  CHECK(moved + sent_away == 30);
  CHECK(moved > 0);
  CHECK(metric(one.tako().broker_admin(), "tako_broker_edges") == 2);
  CHECK(SseClient(one.address(), channel_path("feed")).status() == 200);
  CHECK(next.terminate() == 0);
}

TEST_CASE("the clients of an edge that is killed come back to another, at their cursors") {
  Replaceable one({"--workers", "2"});
  SseClient first(one.address(), channel_path("feed"));
  static_cast<void>(first.opening_id());
  const std::string id = one.tako().publish("feed", "n", "1")["id"].string();
  CHECK(*first.next_message().id == id);
  const std::string supervisor = std::to_string(one.edge().pid());
  std::istringstream pids(read_file("/proc/" + supervisor + "/task/" + supervisor + "/children"));
  for (pid_t pid = 0; pids >> pid;) {
    if (metric(one.tako().broker_admin(), "tako_broker_edges") < 2) break;
    REQUIRE(kill(pid, SIGKILL) == 0);
    break;
  }
  one.tako().publish("feed", "n", "2");
  wait_until("a worker to resume it", [&] {
    // While the kernel still gives connections to the dying worker, they are refused or reset.
    try {
      SseClient again(one.address(), channel_path("feed"), last_event_id(id));
      return again.status() == 200 && again.next_message().json()["data"].number() == 2;
    } catch (const TestFailure&) {
      return false;
    }
  });
  wait_until("two links",
             [&] { return metric(one.tako().broker_admin(), "tako_broker_edges") == 2; });
  CHECK(one.edge().terminate() == 0);
}
