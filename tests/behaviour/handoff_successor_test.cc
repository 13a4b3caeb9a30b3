// A successor that fails at each step: each client is on one side, or closed, and the running edge
// serves and listens on.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/behaviour/fixtures.h"
#include "tests/support/handoff_peer.h"

using namespace tako::test;

namespace {

std::string socket_of(const Cluster& tako) { return tako.folder().file("edge0.handoff"); }

// An edge that soon gives up one who says nothing.
ClusterOptions impatient() {
  ClusterOptions options = with_definitions();
  options.edge_arguments = {"--limit", "handoff_step_ms=300"};
  return options;
}

// A WebSocket and an event stream that live through a handoff that comes to nothing.
class Pair {
 public:
  explicit Pair(Cluster& tako)
      : tako_(tako),
        socket_(tako.edge(), channel_path("wire")),
        stream_(tako.edge(), channel_path("feed")) {
    settle(socket_);
    static_cast<void>(stream_.opening_id());
    // Its echo may come before the answer to its publish, without which it does not move.
    wait_until("the publish to be answered",
               [&] { return metric(tako.edge_admin(), "tako_edge_link_pending_requests") == 0; });
  }
  // What others have published meanwhile comes as well, each message once and in order.
  void check_served() {
    const std::string on_wire = tako_.publish("wire", "n", "1")["id"].string();
    check_comes(on_wire, wire_seen_, [this] { return socket_.next_json()["id"].string(); });
    const std::string on_feed = tako_.publish("feed", "n", "1")["id"].string();
    check_comes(on_feed, feed_seen_, [this] { return stream_.next_message().id.value(); });
    socket_.send_text(R"({"type":"say","data":"heard"})");
    const Json echo = socket_.next_json();
    CHECK(echo["data"].string() == "heard");
    wire_seen_ = offset_of(echo["id"].string());
  }
  void check_closed() {
    CHECK_FALSE(socket_.next_frame().has_value());
    CHECK(stream_.ends());
  }

 private:
  static void check_comes(const std::string& id, std::uint64_t& seen,
                          const std::function<std::string()>& next) {
    while (seen != offset_of(id)) {
      const std::uint64_t offset = offset_of(next());
      if (seen != 0) REQUIRE(offset == seen + 1);
      seen = offset;
    }
  }

  Cluster& tako_;
  WsClient socket_;
  SseClient stream_;
  std::uint64_t wire_seen_ = 0;
  std::uint64_t feed_seen_ = 0;
};

// The steps of a successor, up to the one where it fails.
enum class Step { Connected, Greeted, GotListeners, TookListeners, GotClients, TookClients, Done };

// Descriptors that it got stay open until it is destroyed, as those of a process that hangs.
class Failing {
 public:
  Failing(Cluster& tako, Step last) : peer_(HandoffPeer::connect(socket_of(tako))) {
    if (last >= Step::Greeted) peer_.send(HandoffKind::Hello, hello_of());
    if (last >= Step::GotListeners) {
      CHECK(peer_.expect(HandoffKind::Welcome).fields().number(1) == 1);
      get_batch();
    }
    if (last >= Step::TookListeners) take(1);
    if (last >= Step::GotClients) get_batch();
    if (last >= Step::TookClients) take(2);
    if (last >= Step::Done) static_cast<void>(peer_.expect(HandoffKind::Done));
  }
  ~Failing() { close_all(fds_); }
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;

  void hang_up() {
    peer_.close();
    close_all(std::exchange(fds_, {}));
  }
  [[nodiscard]] bool is_hung_up_on() { return peer_.ends(); }

 private:
  void get_batch() {
    HandoffMessage batch = peer_.expect(HandoffKind::Batch);
    CHECK_FALSE(batch.fds.empty());
    fds_.insert(fds_.end(), batch.fds.begin(), batch.fds.end());
  }
  void take(std::uint64_t number) {
    peer_.send(HandoffKind::Taken, number_of(number));
    CHECK(peer_.expect(HandoffKind::Commit).fields().number(1) == number);
  }

  HandoffPeer peer_;
  std::vector<int> fds_;
};

void check_listening(Cluster& tako) {
  Pair newcomers(tako);
  newcomers.check_served();
  CHECK(http_get(tako.edge_admin(), "/readyz").status == 200);
}

}  // namespace

TEST_CASE("a successor that dies at any step before it has taken clients changes nothing") {
  for (const Step step : {Step::Connected, Step::Greeted, Step::GotListeners, Step::TookListeners,
                          Step::GotClients}) {
    CAPTURE(static_cast<int>(step));
    Cluster tako(with_definitions());
    Pair clients(tako);
    Failing(tako, step).hang_up();
    clients.check_served();
    check_listening(tako);
    tako.take_over();
    clients.check_served();
  }
}

TEST_CASE("a successor that falls silent at any step is given up in time, and changes nothing") {
  for (const Step step : {Step::Connected, Step::Greeted, Step::GotListeners, Step::TookListeners,
                          Step::GotClients}) {
    CAPTURE(static_cast<int>(step));
    Cluster tako(impatient());
    Pair clients(tako);
    Failing silent(tako, step);
    CHECK(silent.is_hung_up_on());
    clients.check_served();
    check_listening(tako);
  }
}

TEST_CASE("a successor that dies with clients takes those along, and nothing else") {
  for (const Step step : {Step::TookClients, Step::Done}) {
    CAPTURE(static_cast<int>(step));
    Cluster tako(with_definitions());
    Pair clients(tako);
    Failing(tako, step).hang_up();
    clients.check_closed();
    check_listening(tako);
    CHECK(metric(tako.edge_admin(), "tako_edge_handoff_given_total") >= 2);
  }
}

TEST_CASE("nobody writes to a client between the batch and its commit") {
  Cluster tako(with_definitions());
  Pair clients(tako);
  SseClient watched(tako.edge(), channel_path("feed"));
  static_cast<void>(watched.opening_id());
  Failing successor(tako, Step::GotClients);
  const std::string id = tako.publish("feed", "n", "7")["id"].string();
  CHECK(watched.stream().socket().read(std::chrono::milliseconds(100)).kind ==
        ReadResult::Kind::Timeout);
  successor.hang_up();
  CHECK(*watched.next_message().id == id);
}

TEST_CASE("an edge without a common version gets the listening sockets, and clients are drained") {
  for (const std::uint64_t version : {0U, 2U}) {
    Cluster tako(with_definitions());
    Pair clients(tako);
    WsClient socket(tako.edge(), channel_path("wire"));
    settle(socket);
    HandoffPeer peer = HandoffPeer::connect(socket_of(tako));
    peer.send(HandoffKind::Hello, hello_of(version, version));
    CHECK(peer.expect(HandoffKind::Welcome).fields().number(1) == 0);
    const HandoffMessage listeners = peer.expect(HandoffKind::Batch);
    CHECK(listeners.fds.size() == 3);
    peer.send(HandoffKind::Taken, number_of(1));
    static_cast<void>(peer.expect(HandoffKind::Commit));
    static_cast<void>(peer.expect(HandoffKind::Done));
    peer.send(HandoffKind::Confirmed);
    check_close(socket, 1012, "restarting");
    CHECK(tako.edge_process().wait_for_exit() == 0);
    CHECK(Socket::reachable(tako.edge()));  // The sockets live on in this process.
    close_all(listeners.fds);
  }
}

TEST_CASE("an edge one version newer is spoken to in the version of both") {
  Cluster tako(with_definitions());
  HandoffPeer peer = HandoffPeer::connect(socket_of(tako));
  peer.send(HandoffKind::Hello, hello_of(1, 2).bytes(77, "a field of version 2"));
  CHECK(peer.expect(HandoffKind::Welcome).fields().number(1) == 1);
}

TEST_CASE("an edge with too few descriptors is refused, and nothing has moved") {
  Cluster tako(with_definitions());
  Pair clients(tako);
  HandoffPeer peer = HandoffPeer::connect(socket_of(tako));
  peer.send(HandoffKind::Hello, hello_of(1, 1, 3));
  const std::string reason = peer.expect(HandoffKind::Refused).fields().text(1);
  CHECK(reason.find("open files") != std::string::npos);
  clients.check_served();
  check_listening(tako);
}

TEST_CASE("garbage on the handoff socket is hung up on, and counted") {
  Cluster tako(with_definitions());
  Pair clients(tako);
  const std::string large = "\xff\xff\xff\xff then a lot";
  const std::string malformed = std::string("\0\0\0\4\0\0\0\0", 8) + "\xff\xff\xff\xff";
  const std::string without_descriptors = std::string("\0\0\0\0\0\0\0\2", 8);
  for (const std::string& bytes : {large, malformed, without_descriptors}) {
    HandoffPeer peer = HandoffPeer::connect(socket_of(tako));
    peer.send_raw(bytes);
    CHECK(peer.ends());
  }
  CHECK(metric(tako.edge_admin(), "tako_edge_handoff_peers_refused_total") == 3);
  clients.check_served();
  tako.take_over();
  clients.check_served();
}

TEST_CASE("one that says nothing does not keep others from taking over") {
  Cluster tako(with_definitions());
  HandoffPeer silent = HandoffPeer::connect(socket_of(tako));
  tako.take_over();
  CHECK(silent.ends());
}

TEST_CASE("another user is hung up on, and counted") {
  if (geteuid() != 0) return;  // Only root can be somebody else.
  Cluster tako(with_definitions());
  Pair clients(tako);
  const std::string path = socket_of(tako);
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  // As if an operator had opened the file and its folder to all.
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  REQUIRE(chmod(tako.folder().path().c_str(), 0755) == 0);
  const int outcome = as_nobody([&path] {
    try {
      HandoffPeer peer = HandoffPeer::connect(path);
      peer.send(HandoffKind::Hello, hello_of());
      return !peer.receive().has_value();
    } catch (const TestFailure&) {
      return true;  // Hung up on before it could say a word.
    }
  });
  CHECK(outcome == 0);
  CHECK(metric(tako.edge_admin(), "tako_edge_handoff_peers_refused_total") == 1);
  tako.edge_process().wait_for_text("another user on the handoff socket was refused");
  clients.check_served();
}

TEST_CASE("a new edge that may open too few files ends, and nothing has moved") {
  Cluster tako(with_definitions());
  std::vector<std::unique_ptr<Pair>> clients;
  for (int number = 0; number < 20; ++number) clients.push_back(std::make_unique<Pair>(tako));
  Process poor({.program = "/bin/sh",
                .arguments = {"-c", "ulimit -n 96; exec \"$0\" \"$@\"", program("tako-edge"),
                              "--link", tako.link_path(), "--name", "edge0", "--takeover"},
                .output_folder = tako.folder().path(),
                .name = "poor"});
  CHECK(poor.wait_for_exit() == 1);
  CHECK(poor.errors().find("raise its limit of open files") != std::string::npos);
  for (const auto& pair : clients) pair->check_served();
  tako.take_over();
  for (const auto& pair : clients) pair->check_served();
}

TEST_CASE("a new edge that is stopped in the middle is given up, and ends when it goes on") {
  Cluster tako(with_definitions());
  std::vector<std::unique_ptr<Pair>> clients;
  for (int number = 0; number < 60; ++number) clients.push_back(std::make_unique<Pair>(tako));
  Process& next = tako.begin_takeover(0, {"--limit", "handoff_link_ms=5000"});
  REQUIRE(kill(next.pid(), SIGSTOP) == 0);  // Before, during or after: the outcome is one of two.
  tako.edge_process().wait_for_text("linked to the broker");
  const bool is_old_alive = !eventually([&] { return !tako.edge_process().is_running(); },
                                        std::chrono::milliseconds(1'000));
  REQUIRE(kill(next.pid(), SIGCONT) == 0);
  if (is_old_alive) {
    // Either it had not come far and takes over now, or it is told that it was given up.
    wait_until("an end", [&] { return !next.is_running() || !tako.edge_process().is_running(); });
  }
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
  if (next.is_running()) {
    tako.finish_takeover();
  } else {
    CHECK(next.wait_for_exit() == 1);
    tako.forget_successor();
  }
}
