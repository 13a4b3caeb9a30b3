// A whole Tako: broker, edges and a stub app in a temporary folder, on ports that the kernel chose.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/service_manager.h"
#include "tests/support/stub_app.h"
#include "tests/support/temp_dir.h"

namespace tako::test {

struct ClusterOptions {
  int edges = 1;
  bool has_app = true;
  bool app_on_unix_socket = false;
  std::string definitions = {};    // What follows "definitions": in the PUT, put before the test.
  std::string broker_config = {};  // TOML; "" starts without --config.
  std::string edge_config = {};
  std::vector<std::string> broker_arguments = {};
  std::vector<std::string> edge_arguments = {};
  // Listening sockets that they are started with, and variables of their environment.
  std::vector<int> broker_inherited = {};
  std::vector<int> edge_inherited = {};
  std::map<std::string, std::string> broker_environment = {};
  std::map<std::string, std::string> edge_environment = {};
  std::string log = "disk";   // The log engine: as a user has it, unless a test says else.
  bool starts_broker = true;  // False: the test starts it later.
  int drain_ms = 50;          // Of the edges.
  std::string upstream = {};  // Instead of the stub app.
  // The app socket is inherited from a service manager, and outlives every broker.
  bool activates_app_socket = false;
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options = {});
  // Stops edges and broker with SIGTERM and fails the test when one does not end well, which is
  // how leaks and races that the sanitizers report at exit are noticed.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] StubApp& app() { return *app_; }
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  // The secret in --app-secret-file.
  [[nodiscard]] static std::string_view app_secret() { return "stub-app-secret"; }

  [[nodiscard]] Endpoint edge(std::size_t index = 0) const { return edges_.at(index).address; }
  [[nodiscard]] Endpoint edge_admin(std::size_t index = 0) const { return edges_.at(index).admin; }
  [[nodiscard]] Endpoint app_socket() const { return "unix:" + folder_.file("app.sock"); }
  [[nodiscard]] std::string link_path() const { return folder_.file("link"); }
  [[nodiscard]] Endpoint broker_admin() const { return broker_admin_; }
  [[nodiscard]] Process& broker() { return *broker_; }
  [[nodiscard]] Process& edge_process(std::size_t index = 0) { return *edges_.at(index).process; }

  // Start and end of parts. A killed one is not judged by the destructor. The broker can be started
  // by another program, named by its path and arguments, which turns into it (prlimit, setpriv).
  void start_broker(std::vector<std::string> launcher = {});
  void kill_broker();
  void restart_broker() {
    kill_broker();
    start_broker();
  }
  void wait_until_ready(std::size_t edge = 0);
  // One more edge, which need not get ready. Returns its index.
  std::size_t add_edge();

  // Starts the edge's successor: the same options, `more`, and --takeover.
  Process& begin_takeover(std::size_t edge = 0, const std::vector<std::string>& more = {});
  // Waits until it has taken over and the old process has ended well: it is the edge from now on.
  void finish_takeover(std::size_t edge = 0);
  void take_over(std::size_t edge = 0) {
    begin_takeover(edge);
    finish_takeover(edge);
  }
  // The successor is given up: the edge is still what it was.
  void forget_successor(std::size_t edge = 0) { edges_.at(edge).successor.reset(); }

  // Requests to the app API; `must_*` fail the test on any other status.
  [[nodiscard]] HttpResponse api(std::string method, std::string target, std::string body = {},
                                 Headers headers = {});
  void put_definitions(std::string_view definitions);
  // Publishes {"type":type,"data":data}; `data` is JSON text. Returns the stored message.
  Json publish(std::string_view channel, std::string_view type, std::string_view data,
               std::string_view query = "");
  // Publishes data 1, 2, … count; returns their ids.
  std::vector<std::string> publish_numbers(std::string_view channel, int count,
                                           std::string_view query = "");

 private:
  struct Edge {
    std::unique_ptr<Process> process;
    std::unique_ptr<Process> successor;
    int starts = 1;
    Endpoint address;
    Endpoint admin;
  };

  void stop(Process& process, std::string_view name) const;
  [[nodiscard]] std::unique_ptr<Process> start_edge(std::size_t edge, int start,
                                                    const std::vector<std::string>& more);

  ClusterOptions options_;
  TempDir folder_;
  std::optional<ListeningSocket> app_listener_;
  std::unique_ptr<StubApp> app_;
  std::unique_ptr<Process> broker_;
  Endpoint broker_admin_;
  int broker_starts_ = 0;
  std::vector<Edge> edges_;
};

// The value of a sample in Prometheus text: `series` is a name, with labels as printed, or the name
// alone for the sum over all its label sets. 0 when there is none.
[[nodiscard]] double metric(const Endpoint& admin, std::string_view series);
// True when /metrics has a sample of that name.
[[nodiscard]] bool has_metric(const Endpoint& admin, std::string_view name);
// Waits until the metric is at least `value`.
void wait_for_metric(const Endpoint& admin, std::string_view series, double value);

}  // namespace tako::test
