// Started by a service manager: sockets that outlive the process, and a manager that is told.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/behaviour/fixtures.h"
#include "tests/support/service_manager.h"

using namespace tako::test;

namespace {

const HttpRequest kPublish{.method = "POST",
                           .target = "/v1/channels/wire/messages",
                           .headers = {{"Content-Type", "application/json"}},
                           .body = R"({"type":"t","data":1})"};

// The folders and the app socket of a service manager, and brokers that come and go on them.
class Activated {
 public:
  Activated() {
    folder_.write("definitions.json", "{\"definitions\":" + std::string(kDefinitions) + "}");
    folder_.write("broker.toml", "[[apps]]\nid = \"default\"\ndefinitions_file = \"" +
                                     folder_.file("definitions.json") + "\"\n");
    start();
  }
  ~Activated() {
    if (broker_) CHECK(broker_->terminate() == 0);
  }

  void start() {
    broker_ = std::make_unique<Process>(ProcessOptions{
        .program = program("tako-broker"),
        .arguments = {"--app-socket", folder_.file("app.sock"), "--link", folder_.file("link"),
                      "--data-dir", folder_.file("data"), "--config", folder_.file("broker.toml")},
        .environment = notify_.environment(),
        .inherited = {socket_.fd()},
        .output_folder = folder_.path(),
        .name = "broker" + std::to_string(starts_++)});
    notify_.wait_for("READY=1");
  }
  void stop() {
    CHECK(broker_->terminate() == 0);
    broker_.reset();
  }

  [[nodiscard]] Process& broker() { return *broker_; }
  [[nodiscard]] const Endpoint& app_socket() const { return socket_.endpoint(); }
  [[nodiscard]] const TempDir& folder() const { return folder_; }

 private:
  TempDir folder_;
  ListeningSocket socket_{"unix:" + folder_.file("app.sock")};
  NotifySocket notify_{folder_};
  std::unique_ptr<Process> broker_;
  int starts_ = 0;
};

// Clients that publish one after the other, each in a thread of its own, until told to stop.
class Publishers {
 public:
  // `publish_one` throws when a publish has failed.
  Publishers(int count, const std::function<void()>& publish_one) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, publish_one] {
        while (!is_over_) {
          try {
            publish_one();
            ++published_;
          } catch (const TestFailure& failure) {
            ++failed_;
            std::fprintf(stderr, "a publish failed: %s\n", failure.what());
          }
        }
      });
    }
  }
  ~Publishers() { stop(); }
  void stop() {
    is_over_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  [[nodiscard]] int published() const { return published_; }
  [[nodiscard]] int failed() const { return failed_; }
  void wait_for_more(int count) const {
    const int wanted = published_ + count;
    wait_until("more publishes", [&] { return published_ >= wanted; });
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::atomic<int> published_ = 0;
  std::atomic<int> failed_ = 0;
  std::vector<std::thread> threads_;
};

constexpr int kRestarts = 5;

void restart_under(Activated& tako, Publishers& publishers) {
  publishers.wait_for_more(1);
  const HttpResponse oldest = http_get(tako.app_socket(), kPublish.target + "?_after=0&_limit=1");
  const std::string first_id = oldest.json()["messages"][0]["id"].string();
  for (int round = 0; round < kRestarts; ++round) {
    publishers.wait_for_more(50);
    tako.stop();
    CHECK(std::filesystem::is_socket(tako.folder().file("app.sock")));
    tako.start();
  }
  publishers.wait_for_more(50);
  publishers.stop();
  CHECK(publishers.failed() == 0);
  // Each was stored once, in one unbroken history.
  const HttpResponse newest = http_get(tako.app_socket(), kPublish.target + "?_limit=1");
  const std::string id = newest.json()["messages"][0]["id"].string();
  CHECK(id == std::to_string(publishers.published()) + first_id.substr(first_id.find('-')));
}

void check_published(const HttpResponse& response) {
  if (response.status != 201) throw TestFailure("publish: " + response.head.start_line);
}

// A client with a kept connection. What it could not send at all it sends again, as RFC 9112 9.3.1
// has it; a request that was sent and not answered is a failure.
class KeptConnection {
 public:
  explicit KeptConnection(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  void publish() {
    for (;;) {
      auto connection = std::exchange(connection_, nullptr);
      if (!connection) connection = std::make_unique<HttpConnection>(endpoint_);
      try {
        connection->send_raw(serialize(kPublish, "localhost"));
      } catch (const TestFailure&) {
        continue;
      }
      const HttpResponse response = connection->read_response("POST");
      check_published(response);
      if (response.header("Connection") != "close") connection_ = std::move(connection);
      return;
    }
  }

 private:
  Endpoint endpoint_;
  std::unique_ptr<HttpConnection> connection_;
};

}  // namespace

TEST_CASE("no publish fails while the broker is restarted: the inherited socket queues it") {
  Activated tako;
  Publishers publishers(4, [&] { check_published(http(tako.app_socket(), kPublish)); });
  restart_under(tako, publishers);
}

TEST_CASE("on kept connections each publish is answered, or could not even be sent") {
  Activated tako;
  Publishers publishers(4, [&] {
    thread_local std::optional<KeptConnection> connection;
    if (!connection) connection.emplace(tako.app_socket());
    connection->publish();
  });
  restart_under(tako, publishers);
}

TEST_CASE("a broker that ends accepts nobody; who came meanwhile is served by the next") {
  Activated tako;
  HttpConnection slow(tako.app_socket());
  slow.send_raw(
      "POST /v1/channels/wire/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n{");
  wait_until("the slow request's head to be read", [&] {
    return http_get(tako.app_socket(), "/healthz").status == 200;  // Behind it in the loop.
  });
  tako.broker().signal(SIGTERM);
  tako.broker().wait_for_text("stopping");
  HttpConnection next(tako.app_socket());
  next.send(kPublish);
  CHECK(next.stream().read_raw(Duration(50)).kind == ReadResult::Kind::Timeout);
  slow.send_raw(kPublish.body.substr(1));
  const HttpResponse last = slow.read_response("POST");
  CHECK(last.status == 201);
  CHECK(last.header("Connection") == "close");
  CHECK(tako.broker().wait_for_exit() == 0);
  tako.start();
  CHECK(next.read_response("POST").status == 201);
}

TEST_CASE("an edge serves the clients' socket that it was started with, in place of its own") {
  const ListeningSocket socket("127.0.0.1:0");
  ClusterOptions options = with_definitions();
  options.edge_inherited = {socket.fd()};
  Cluster tako(options);
  CHECK(tako.edge() == socket.endpoint());
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
  REQUIRE(tako.edge_process().terminate() == 0);
  // Nobody accepts now; the next edge does.
  HttpConnection waiting(socket.endpoint());
  waiting.send({.target = "/_tako/channels/wire/messages"});
  CHECK(tako.edge(tako.add_edge()) == socket.endpoint());
  CHECK(waiting.read_response().status == 200);
}

TEST_CASE("an inherited socket that has no use is refused with what to do") {
  const TempDir folder;
  const ListeningSocket socket("unix:" + folder.file("other.sock"));
  const auto start = [&](std::string_view name, std::vector<std::string> arguments, int fd) {
    Process process({.program = program(name),
                     .arguments = std::move(arguments),
                     .inherited = {fd},
                     .output_folder = folder.path(),
                     .name = std::string(name)});
    CHECK(process.wait_for_exit() == 1);
    return process.errors();
  };
  const std::string broker =
      start("tako-broker",
            {"--app-socket", folder.file("app.sock"), "--link", folder.file("link"), "--log",
             "memory", "--data-dir", folder.file("data")},
            socket.fd());
  CHECK(broker.find("inherited sockets that are none of ours: 'unknown'") != std::string::npos);
  CHECK(broker.find(folder.file("other.sock")) != std::string::npos);
  const std::string edge =
      start("tako-edge", {"--workers", "2", "--link", folder.file("link")}, socket.fd());
  CHECK(edge.find("inherited sockets go with one worker") != std::string::npos);
  const int datagrams = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const Socket owner(datagrams);
  const std::string wrong = start("tako-edge", {"--link", folder.file("link")}, datagrams);
  CHECK(wrong.find("is not a listening stream socket") != std::string::npos);
}

TEST_CASE("the manager hears when broker and edge serve, that they live, and when they stop") {
  const TempDir folder;
  NotifySocket broker(folder);
  const TempDir other;
  NotifySocket edge(other);
  ClusterOptions options;
  options.broker_environment = broker.environment(Duration(200));
  options.edge_environment = edge.environment(Duration(200));
  Cluster tako(options);
  for (NotifySocket* manager : {&broker, &edge}) {
    manager->wait_for("READY=1");
    manager->wait_for("WATCHDOG=1");
    manager->wait_for("WATCHDOG=1");
  }
  tako.edge_process().signal(SIGTERM);
  edge.wait_for("STOPPING=1");
  CHECK(tako.edge_process().wait_for_exit() == 0);
  tako.broker().signal(SIGTERM);
  broker.wait_for("STOPPING=1");
  CHECK(tako.broker().wait_for_exit() == 0);
}

TEST_CASE("a process that is stuck gives no sign of life") {
  const TempDir folder;
  NotifySocket manager(folder);
  ClusterOptions options{.edges = 0};
  options.broker_environment = manager.environment(Duration(200));
  Cluster tako(options);
  manager.wait_for("WATCHDOG=1");
  tako.broker().signal(SIGSTOP);
  wait_until("the broker to be stopped", [&] {
    const std::string id = std::to_string(tako.broker().pid());
    return read_file("/proc/" + id + "/status").find("T (stopped)") != std::string::npos;
  });
  manager.forget();
  CHECK(manager.next(Duration(600)).empty());
  tako.broker().signal(SIGCONT);
  manager.wait_for("WATCHDOG=1");
}

TEST_CASE("workers are one service: only the program that was started speaks for them") {
  const TempDir folder;
  NotifySocket manager(folder);
  const Cluster tako({.edges = 0});
  Process edge({.program = program("tako-edge"),
                .arguments = {"--listen", "127.0.0.1:0", "--link", tako.link_path(), "--workers",
                              "2", "--drain-ms", "50"},
                .environment = manager.environment(Duration(400)),
                .output_folder = tako.folder().path(),
                .name = "workers"});
  CHECK(manager.next().find("READY=1\nSTATUS=2 workers") == 0);
  for (int signs = 0; signs < 3; ++signs) CHECK(manager.next() == "WATCHDOG=1");
  edge.signal(SIGTERM);
  manager.wait_for("STOPPING=1");
  CHECK(edge.wait_for_exit() == 0);
}

TEST_CASE("a worker that is stuck is ended and started again, and the service lives on") {
  const TempDir folder;
  NotifySocket manager(folder);
  const Cluster tako({.edges = 0});
  Process edge({.program = program("tako-edge"),
                .arguments = {"--listen", "127.0.0.1:0", "--link", tako.link_path(), "--workers",
                              "2", "--drain-ms", "50"},
                .environment = manager.environment(Duration(1'000)),
                .output_folder = tako.folder().path(),
                .name = "workers"});
  manager.wait_for("READY=1");
  const auto workers = [&edge] {
    const std::string id = std::to_string(edge.pid());
    std::istringstream text(read_file("/proc/" + id + "/task/" + id + "/children"));
    std::vector<pid_t> pids;
    for (pid_t pid = 0; text >> pid;) pids.push_back(pid);
    return pids;
  };
  const std::vector<pid_t> before = workers();
  REQUIRE(before.size() == 2);
  REQUIRE(kill(before[0], SIGSTOP) == 0);
  edge.wait_for_text("a worker gives no sign of life and is ended");
  wait_until("another worker", [&] {
    const std::vector<pid_t> now = workers();
    return now.size() == 2 && std::ranges::find(now, before[0]) == now.end() &&
           std::ranges::find(now, before[1]) != now.end();
  });
  manager.forget();
  manager.wait_for("WATCHDOG=1");
  edge.signal(SIGTERM);
  CHECK(edge.wait_for_exit() == 0);
}
