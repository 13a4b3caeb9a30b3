// A handoff's two ends on one loop: what is told to the process, and what moves.
#include "edge/handoff/handoff.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <sstream>

#include "common/config/metrics.h"
#include "edge/server/testing/server_fixture.h"
#include "proto/handoff.pb.h"

namespace tako::edge::testing {
namespace {

// One edge's part, around a server that the fixture has built.
struct Side final : HandoffHost {
  Side(ServerFixture& at, const std::string& path)
      : fixture(at), handoff(parts(), socket, path, std::chrono::milliseconds(50), host()) {}

  HandoffHost& host() { return *this; }
  HandoffParts parts() {
    return {fixture.loop,           *fixture.server, listeners, fixture.config.limits,
            fixture.limit_counters, counters,        log,       [this] { return control; }};
  }
  void on_listeners(std::vector<HandedListener> handed) override {
    for (const HandedListener& one : handed) kinds.push_back(one.kind);
    said.emplace_back("listeners");
  }
  void on_taken_over(bool has_listeners) override {
    said.emplace_back(has_listeners ? "taken over" : "nobody there");
  }
  void on_takeover_failed() override { said.emplace_back("takeover failed"); }
  void on_successor(pid_t) override { said.emplace_back("successor"); }
  void on_leave() override { said.emplace_back("leave"); }
  void on_handoff_failed(const std::string&) override { said.emplace_back("failed"); }

  ServerFixture& fixture;
  std::vector<std::string> said;
  std::vector<ListenerKind> kinds;
  ControlPosition control;
  HandoffCounters counters;
  std::ostringstream lines;
  Log log{{.level = LogLevel::Debug}, lines};
  Metrics metrics;
  AdminServer admin{fixture.loop, fixture.wheel.wheel(), metrics,
                    [] { return std::vector<std::string>{}; }};
  HandoffSocket socket{fixture.loop, [this](uv::Fd peer) { handoff.on_peer(std::move(peer)); },
                       [](std::uint32_t) {}};
  EdgeListeners listeners{*fixture.server, admin, socket};
  Handoff handoff;
};

using Words = std::vector<std::string>;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tako-handoff-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file() const { return (path_ / "edge.handoff").string(); }

 private:
  std::filesystem::path path_;
};

TEST_CASE("without a link in time a takeover fails, and the running edge is not asked at all") {
  const Folder folder;
  ServerFixture fixture(with_limits([](RuntimeLimits& limits) { limits.handoff_link_ms = 20; }));
  Side old(fixture, folder.file());
  Side fresh(fixture, folder.file());
  REQUIRE(old.handoff.listen().has_value());
  CHECK(fresh.handoff.has_predecessor());
  fresh.handoff.take_over();
  REQUIRE(fixture.wait([&] { return !fresh.said.empty(); }));
  CHECK(fresh.said == Words{"takeover failed"});
  CHECK(fixture.limit_counters.handoff_link_ms == 1);
  CHECK(old.said.empty());
}

TEST_CASE("a second edge of a name is told so, and a stale file is replaced") {
  const Folder folder;
  ServerFixture fixture;
  Side first(fixture, folder.file());
  Side second(fixture, folder.file());
  REQUIRE(first.handoff.listen().has_value());
  const Result<void> refused = second.handoff.listen();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::AddressInUse);
  first.socket.leave();  // As a process that was killed: the file stays.
  CHECK(std::filesystem::exists(folder.file()));
  CHECK_FALSE(second.handoff.has_predecessor());
  CHECK(second.handoff.listen().has_value());
}

// The other end of a channel: keeps what comes.
struct Script final : HandoffChannelObserver {
  void on_handoff_frame(proto::HandoffFrame& frame, std::vector<uv::Fd>) override {
    frames.push_back(frame);
  }
  void on_handoff_closed(const Error&) override { is_closed = true; }
  std::vector<proto::HandoffFrame> frames;
  bool is_closed = false;
};

TEST_CASE("clients are taken when the control stream is here as far as it was there") {
  const Folder folder;
  ServerFixture fixture;
  Side fresh(fixture, folder.file());
  fresh.control = {.stream = 7, .applied = 2};
  std::unique_ptr<HandoffChannel> channel;
  Script script;
  HandoffSocket predecessor(
      fixture.loop,
      [&](uv::Fd peer) {
        channel = std::make_unique<HandoffChannel>(fixture.loop, std::move(peer), 1'024, script);
      },
      [](std::uint32_t) {});
  REQUIRE(predecessor.listen(folder.file()).has_value());
  fresh.handoff.take_over();
  fresh.handoff.on_linked();
  REQUIRE(fixture.wait([&] { return script.frames.size() == 1; }));
  proto::HandoffFrame frame;
  frame.mutable_welcome()->set_version(1);
  frame.mutable_welcome()->set_pid(getpid());
  channel->send(frame);
  frame.mutable_batch()->set_number(1);
  frame.mutable_batch()->set_control_stream(7);
  frame.mutable_batch()->set_control_applied(3);
  channel->send(frame);
  fixture.turns.settle();
  CHECK(script.frames.size() == 1);
  fresh.control.applied = 3;
  REQUIRE(fixture.wait([&] { return script.frames.size() == 2; }));
  CHECK(script.frames.back().taken().number() == 1);
}

}  // namespace
}  // namespace tako::edge::testing
