// A broker, several edges on one address and the app behind them, whose processes can be killed,
// restarted, frozen and handed over at any time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/laws/faults.h"
#include "tests/support/process.h"
#include "tests/support/stub_app.h"
#include "tests/support/temp_dir.h"

namespace tako::test {

struct FleetOptions {
  std::size_t edges = 3;
  std::string definitions = {};  // {"definitions":[…]}
  std::vector<std::string> broker_arguments = {};
};

// Starts and ends processes on the thread that made it, and no other: they die with that thread.
class Fleet {
 public:
  explicit Fleet(FleetOptions options);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  [[nodiscard]] StubApp& app() { return app_; }
  // Where all edges listen.
  [[nodiscard]] const Endpoint& edge_address() const { return address_; }
  [[nodiscard]] Endpoint app_socket() const { return "unix:" + folder_.file("app.sock"); }
  [[nodiscard]] const Endpoint& broker_admin() const { return broker_admin_; }

  // Does it, and returns when all processes run again. Throws when one has ended by itself, does
  // not end well on SIGTERM, or does not start again.
  void apply(const Fault& fault);
  // Returns when every edge is linked.
  void wait_until_ready();
  // Ends all of them with SIGTERM; throws when one does not end well.
  void end();

  // How often this was applied.
  [[nodiscard]] int applied(Fault::Kind kind) const {
    return applied_.at(static_cast<std::size_t>(kind));
  }
  [[nodiscard]] int broker_kills() const;
  // The longest time from the start of a broker to its sockets.
  [[nodiscard]] std::chrono::milliseconds longest_start() const { return longest_start_; }

 private:
  struct Edge {
    std::unique_ptr<Process> process;
    Endpoint admin;
  };

  // Returns when it serves.
  void start_broker();
  void launch_broker();
  void kill_broker(std::chrono::milliseconds away);
  static void freeze(Process& process, std::chrono::milliseconds time);
  void start_edge(std::size_t edge, bool takes_over = false);
  void end_well(std::unique_ptr<Process>& process, std::string_view who);
  void hand_over(std::size_t edge);
  void check_alive();

  FleetOptions options_;
  TempDir folder_;
  StubApp app_;
  Endpoint address_;
  Endpoint broker_admin_;
  int starts_ = 0;
  std::unique_ptr<Process> broker_;
  std::vector<Edge> edges_;
  std::array<int, Fault::kKinds> applied_{};
  std::chrono::milliseconds longest_start_{0};
};

}  // namespace tako::test
