// A predecessor that is another version, or dies at any step, and what its successor makes of it.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/behaviour/fixtures.h"
#include "tests/support/handoff_peer.h"

using namespace tako::test;

namespace {

// A broker, a predecessor that the test plays, and a real successor.
class Stage {
 public:
  // `patience_ms`: how long the successor waits for each step.
  explicit Stage(int patience_ms = 20'000)
      : tako({.edges = 0}),
        host_(std::make_unique<HandoffHost>(tako.folder().file("e.handoff"))),
        successor({.program = program("tako-edge"),
                   .arguments = {"--listen", "127.0.0.1:0", "--link", tako.link_path(), "--name",
                                 "e", "--drain-ms", "50", "--admin", "127.0.0.1:0", "--takeover",
                                 "--limit", "handoff_step_ms=" + std::to_string(patience_ms)},
                   .output_folder = tako.folder().path(),
                   .name = "successor"}) {
    tako.put_definitions(kDefinitions);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener_, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    socklen_t size = sizeof any;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(any.sin_port));
  }
  ~Stage() {
    close(listener_);
    if (successor.is_running()) CHECK(successor.terminate() == 0);
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // The steps of a predecessor whose process is `pid`.
  [[nodiscard]] HandoffPeer meet(pid_t pid) {
    HandoffPeer peer = host_->accept();
    const ProtoFields hello = peer.expect(HandoffKind::Hello).fields();
    CHECK(hello.number(1) <= 1);
    CHECK(hello.number(2) >= 1);
    CHECK(hello.number(5) > 100);
    peer.send(
        HandoffKind::Welcome,
        ProtoMessage().number(1, 1).bytes(2, "0.0.9").number(3, static_cast<std::uint64_t>(pid)));
    return peer;
  }
  // As the end of the predecessor's process does.
  void stop_listening_for_successors() { host_.reset(); }
  void give_listener(HandoffPeer& peer) const {
    const ProtoMessage batch =
        ProtoMessage().number(1, 1).message(2, ProtoMessage().number(1, 1));  // role: clients
    peer.send(HandoffKind::Batch, batch, {listener_});
    CHECK(peer.expect(HandoffKind::Taken).fields().number(1) == 1);
    peer.send(HandoffKind::Commit, number_of(1));
  }
  // The end of a connection that a client of `address` has open. Only while the listener is not
  // given away: then the successor accepts.
  [[nodiscard]] int accept_client() const {
    const int end = accept4(listener_, nullptr, nullptr, 0);
    REQUIRE(end >= 0);
    return end;
  }

  Cluster tako;

 private:
  std::unique_ptr<HandoffHost> host_;
  int listener_ = -1;

 public:
  Process successor;
  Endpoint address;
};

// A pid that nobody has.
pid_t dead_pid() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, nullptr, 0);
  return pid;
}

// An event stream on the public channel feed that has seen `offset`, the newest.
ProtoMessage feed_record(std::string_view id) {
  const std::string epoch_text = epoch_of(id);
  std::uint64_t epoch = 0;
  for (const char digit : epoch_text) {
    epoch = epoch * 32 + static_cast<std::uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  const std::uint64_t offset = offset_of(id);
  const ProtoMessage call = ProtoMessage().bytes(1, "default").bytes(2, "feed");
  const ProtoMessage subscription = ProtoMessage()
                                        .message(1, call)
                                        .bytes(2, "feed")
                                        .number(3, offset)
                                        .number(4, epoch)
                                        .number(5, offset)
                                        .message(6, ProtoMessage())
                                        .bytes(90, "what a later version adds");
  const ProtoMessage stream =
      ProtoMessage().number(1, 1).message(3, ProtoMessage()).message(4, subscription);
  const ProtoMessage connection =
      ProtoMessage().message(5, ProtoMessage().number(1, 0).bytes(2, "5\r\nleft"));
  return ProtoMessage()
      .number(2, 1)
      .bytes(3, "default")
      .message(4, connection)
      .message(6, stream)
      .bytes(91, "and here");
}

std::string read_for(Socket& client, std::string_view until) {
  std::string text;
  wait_until("bytes of the successor", [&] {
    text += client.read(std::chrono::milliseconds(50)).bytes;
    return text.find(until) != std::string::npos;
  });
  return text;
}

}  // namespace

TEST_CASE("a predecessor's client goes on behind Commit, with what it left unsent first") {
  Stage stage;
  const std::string id = stage.tako.publish("feed", "n", "1")["id"].string();
  HandoffPeer peer = stage.meet(getpid());
  Socket client = Socket::connect(stage.address);
  const int end = stage.accept_client();
  stage.give_listener(peer);
  peer.send(HandoffKind::Batch, ProtoMessage().number(1, 2).message(3, feed_record(id)), {end});
  const HandoffMessage taken = peer.expect(HandoffKind::Taken);
  CHECK(taken.fields().number(1) == 2);
  CHECK_FALSE(taken.fields().has(2));
  stage.tako.publish("feed", "n", "2");
  CHECK(client.read(std::chrono::milliseconds(100)).kind == ReadResult::Kind::Timeout);
  close(end);
  peer.send(HandoffKind::Commit, number_of(2));
  const std::string bytes = read_for(client, "\"data\":2");
  CHECK(bytes.starts_with("5\r\nleft"));
  CHECK(bytes.find("\"data\":1") == std::string::npos);
  peer.send(HandoffKind::Done);
  static_cast<void>(peer.expect(HandoffKind::Confirmed));
  CHECK(stage.successor.output_line(0) == stage.address);
  CHECK(SseClient(stage.address, channel_path("feed")).status() == 200);
}

TEST_CASE("a client of a newer version, or of an app that is not here, stays where it is") {
  Stage stage;
  HandoffPeer peer = stage.meet(getpid());
  Socket client = Socket::connect(stage.address);
  const int end = stage.accept_client();
  stage.give_listener(peer);
  const ProtoMessage newer = ProtoMessage().number(1, 99).number(2, 1).bytes(3, "default");
  const ProtoMessage foreign =
      ProtoMessage().number(2, 1).bytes(3, "elsewhere").message(6, ProtoMessage());
  const ProtoMessage unknown =
      ProtoMessage().number(2, 2).bytes(3, "default").bytes(60, "a new kind");
  peer.send(HandoffKind::Batch,
            ProtoMessage().number(1, 2).message(3, newer).message(3, foreign).message(3, unknown),
            {end, end, end, end});
  const HandoffMessage taken = peer.expect(HandoffKind::Taken);
  CHECK(taken.fields().text(2) == std::string("\0\1\2", 3));  // packed
  peer.send(HandoffKind::Commit, number_of(2));
  CHECK(client.read(std::chrono::milliseconds(100)).kind == ReadResult::Kind::Timeout);
  close(end);
  peer.send(HandoffKind::Done);
  static_cast<void>(peer.expect(HandoffKind::Confirmed));
}

TEST_CASE("a predecessor that dies is succeeded, with the clients whose Commit came") {
  for (const bool has_given : {false, true}) {
    CAPTURE(has_given);
    Stage stage;
    const std::string id = stage.tako.publish("feed", "n", "1")["id"].string();
    HandoffPeer peer = stage.meet(dead_pid());
    Socket client;
    int end = -1;
    if (has_given) {
      client = Socket::connect(stage.address);
      end = stage.accept_client();
      stage.give_listener(peer);
      peer.send(HandoffKind::Batch, ProtoMessage().number(1, 2).message(3, feed_record(id)), {end});
      static_cast<void>(peer.expect(HandoffKind::Taken));
    }
    stage.stop_listening_for_successors();
    peer.close();
    close(end);
    if (has_given) CHECK(client.closed_by_peer());  // No Commit: in doubt it is closed.
    const Endpoint edge = stage.successor.output_line(0);
    CHECK((edge == stage.address) == has_given);
    wait_until("the successor to serve",
               [&] { return SseClient(edge, channel_path("feed")).status() == 200; });
  }
}

TEST_CASE("a predecessor that lives on is left alone: the successor ends, and says why") {
  for (const int step : {0, 1, 2, 3}) {
    CAPTURE(step);
    Stage stage(500);  // So long it looks whether the predecessor has ended.
    HandoffPeer peer = stage.meet(getpid());
    if (step >= 1) stage.give_listener(peer);
    if (step == 2) peer.send(HandoffKind::Refused, ProtoMessage().bytes(1, "changed its mind"));
    if (step == 3) peer.send(HandoffKind::Commit, number_of(7));
    if (step <= 1) peer.close();
    CHECK(stage.successor.wait_for_exit() == 1);
    CHECK(stage.successor.errors().find("takeover failed") != std::string::npos);
  }
}

TEST_CASE("a predecessor that falls silent is given up in time") {
  Stage stage(500);
  HandoffPeer peer = stage.meet(getpid());
  CHECK(stage.successor.wait_for_exit() == 1);
  CHECK(stage.successor.errors().find("says nothing") != std::string::npos);
}

TEST_CASE("a refusal ends the successor with the predecessor's reason") {
  Cluster tako(with_definitions());
  HandoffHost host(tako.folder().file("r.handoff"));
  Process successor({.program = program("tako-edge"),
                     .arguments = {"--listen", "127.0.0.1:0", "--link", tako.link_path(), "--name",
                                   "r", "--takeover"},
                     .output_folder = tako.folder().path(),
                     .name = "refused"});
  HandoffPeer peer = host.accept();
  static_cast<void>(peer.expect(HandoffKind::Hello));
  peer.send(HandoffKind::Refused, ProtoMessage().bytes(1, "not today"));
  CHECK(successor.wait_for_exit() == 1);
  CHECK(successor.errors().find("not today") != std::string::npos);
}
