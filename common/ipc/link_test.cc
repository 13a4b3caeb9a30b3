// Two ends of a link on one loop: order, size, death of a peer, back-pressure.
#include "common/ipc/link.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <vector>

#include "common/ipc/frame_decoder.h"
#include "common/ipc/link_dialer.h"
#include "common/ipc/link_listener.h"
#include "common/limits.h"
#include "common/uv/connector.h"
#include "common/uv/listener.h"

using namespace tako;
using namespace tako::ipc;

namespace {

constexpr std::chrono::seconds kPatience{20};

struct TempPath {
  std::string folder = (std::filesystem::temp_directory_path() / "tako-link-XXXXXX").string();
  std::string path;
  TempPath() {
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    path = folder + "/link.sock";
  }
  ~TempPath() { std::filesystem::remove_all(folder); }
};

struct Recorder : LinkObserver {
  std::vector<std::string> frames;
  int drained = 0;
  std::string closed;
  void on_frame(std::span<const std::byte> frame) override {
    frames.emplace_back(reinterpret_cast<const char*>(frame.data()), frame.size());
  }
  void on_drained() override { ++drained; }
  void on_closed(const Error& error) override { closed = error.message(); }
};

// A listener and a dialer, connected.
struct Pair {
  TempPath temp;
  uv::Loop loop;
  std::unique_ptr<Link> server;
  std::unique_ptr<Link> client;
  std::unique_ptr<LinkListener> listener;
  Recorder server_seen;
  Recorder client_seen;

  Pair() {
    auto made = LinkListener::listen(
        loop, temp.path, [this](std::unique_ptr<Link> link) { server = std::move(link); });
    REQUIRE(made.has_value());
    listener = std::move(*made);
    LinkDialer dialer(loop, temp.path, [this](Result<std::unique_ptr<Link>> link) {
      REQUIRE(link.has_value());
      client = std::move(*link);
    });
    dialer.dial();
    wait([this] { return server != nullptr && client != nullptr; });
    server->start(server_seen);
    client->start(client_seen);
  }
  // `check` is given one end, what it saw, and what the other end saw: first the dialer's.
  template <typename Check>
  void for_each_end(Check check) {
    check(*client, client_seen, server_seen);
    check(*server, server_seen, client_seen);
  }
  template <typename Condition>
  void wait(Condition condition) {
    REQUIRE(loop.run_until(condition, kPatience));
  }
};

}  // namespace

TEST_CASE("frames of all sizes arrive in order both ways") {
  Pair pair;
  std::vector<std::string> sent;
  for (std::size_t i = 0; i < 300; ++i)
    sent.push_back(std::string(i * 97 % 40'000, char('a' + i % 26)));
  for (const std::string& frame : sent) {
    pair.client->send(frame);
    pair.server->send(frame);
    if (frame.size() % 3 == 0) pair.client->flush();
  }
  pair.client->flush();
  pair.server->flush();
  pair.wait([&] {
    return pair.server_seen.frames.size() == sent.size() &&
           pair.client_seen.frames.size() == sent.size();
  });
  CHECK(pair.server_seen.frames == sent);
  CHECK(pair.client_seen.frames == sent);
  pair.wait([&] { return pair.client->pending_bytes() == 0; });
  CHECK(pair.client_seen.drained > 0);
}

TEST_CASE("what the kernel takes at once has left when flush returns") {
  Pair pair;
  pair.for_each_end([&pair](Link& link, const Recorder& seen, const Recorder& seen_by_other) {
    link.send("one");
    link.send("two");
    CHECK(link.pending_bytes() == 2 * (kFrameHeaderBytes + 3));
    link.flush();
    CHECK(link.pending_bytes() == 0);
    pair.wait([&] { return seen_by_other.frames.size() == 2; });
    CHECK(seen.drained == 0);
  });
}

TEST_CASE("what the kernel does not take leaves later, in order, and then the link is drained") {
  Pair pair;
  const std::string large(4 * limits::kMiB, 'x');  // More than a socket's buffer.
  pair.for_each_end([&](Link& link, const Recorder& seen, const Recorder& seen_by_other) {
    link.send(large);
    link.flush();
    CHECK(link.pending_bytes() > 0);
    link.send("behind");
    link.flush();
    pair.wait([&] { return seen_by_other.frames.size() == 2; });
    CHECK(seen_by_other.frames[0] == large);
    CHECK(seen_by_other.frames[1] == "behind");
    pair.wait([&] { return seen.drained == 1; });
    CHECK(link.pending_bytes() == 0);
  });
}

TEST_CASE("a flush to a peer that is gone does no harm") {
  for (const bool is_dialer : {true, false}) {
    CAPTURE(is_dialer);
    Pair pair;
    (is_dialer ? pair.server : pair.client).reset();
    Link& link = is_dialer ? *pair.client : *pair.server;
    for (int i = 0; i < 3; ++i) {
      link.send(std::string(limits::kMiB, 'x'));
      link.flush();
    }
    pair.wait([&] { return !(is_dialer ? pair.client_seen : pair.server_seen).closed.empty(); });
  }
}

TEST_CASE("what a peer said before it went still comes, to one whose own writes fail") {
  for (const bool is_dialer : {true, false}) {
    CAPTURE(is_dialer);
    Pair pair;
    std::unique_ptr<Link>& leaving = is_dialer ? pair.server : pair.client;
    leaving->send("farewell");
    leaving->flush();
    leaving.reset();
    Link& link = is_dialer ? *pair.client : *pair.server;
    link.send("late");
    link.flush();
    const Recorder& seen = is_dialer ? pair.client_seen : pair.server_seen;
    pair.wait([&] { return !seen.closed.empty(); });
    CHECK(seen.frames == std::vector<std::string>{"farewell"});
  }
}

TEST_CASE("the other end learns of a peer that is gone") {
  for (const bool is_dialer : {true, false}) {
    CAPTURE(is_dialer);
    Pair pair;
    (is_dialer ? pair.server : pair.client).reset();
    pair.wait([&] { return !(is_dialer ? pair.client_seen : pair.server_seen).closed.empty(); });
  }
}

TEST_CASE("a link knows its peer's user") {
  Pair pair;
  CHECK(pair.server->peer_uid() == geteuid());
  CHECK(pair.client->peer_uid() == geteuid());
}

TEST_CASE("a link may be destroyed inside on_frame") {
  struct Destroyer : Recorder {
    std::unique_ptr<Link>* link = nullptr;
    int calls = 0;
    void on_frame(std::span<const std::byte>) override {
      ++calls;
      link->reset();
    }
  };
  for (const bool is_dialer : {true, false}) {
    CAPTURE(is_dialer);
    Pair pair;
    Destroyer destroyer;
    destroyer.link = is_dialer ? &pair.client : &pair.server;
    (*destroyer.link)->start(destroyer);
    Link& sender = is_dialer ? *pair.server : *pair.client;
    sender.send("one");
    sender.send("two");
    sender.flush();
    pair.wait([&] { return !(is_dialer ? pair.server_seen : pair.client_seen).closed.empty(); });
    CHECK(destroyer.calls == 1);
  }
}

TEST_CASE("a frame larger than the limit ends the link, at either end") {
  for (const bool is_dialer : {true, false}) {
    CAPTURE(is_dialer);
    TempPath temp;
    uv::Loop loop;
    std::unique_ptr<Link> link;
    std::unique_ptr<uv::Stream> peer;
    std::unique_ptr<uv::Connector> connector;
    uv::ListenerCounters counters;
    std::unique_ptr<uv::Listener> raw;
    std::unique_ptr<LinkListener> listener;
    const uv::Address address = uv::UnixAddress{temp.path};
    std::unique_ptr<LinkDialer> dialer;
    if (is_dialer) {
      raw = std::make_unique<uv::Listener>(
          loop, uv::open_listening_socket(address, {}).value(), counters,
          [&](std::unique_ptr<uv::Stream> stream) { peer = std::move(stream); });
      dialer = std::make_unique<LinkDialer>(
          loop, temp.path, [&](Result<std::unique_ptr<Link>> made) { link = std::move(*made); });
      dialer->dial();
    } else {
      listener = std::move(*LinkListener::listen(
          loop, temp.path, [&](std::unique_ptr<Link> made) { link = std::move(made); }));
      connector = std::make_unique<uv::Connector>(
          loop, address, kPatience,
          [&](Result<std::unique_ptr<uv::Stream>> stream) { peer = std::move(*stream); });
    }
    REQUIRE(loop.run_until([&] { return link != nullptr && peer != nullptr; }, kPatience));
    Recorder seen;
    link->start(seen);
    REQUIRE(peer->write(std::string_view("\xff\xff\xff\xff....")).has_value());
    REQUIRE(loop.run_until([&] { return !seen.closed.empty(); }, kPatience));
    CHECK(seen.closed.find("exceeds the limit") != std::string::npos);
  }
}

TEST_CASE("a live socket and a file that is no socket are refused, a dead socket is replaced") {
  Pair pair;
  auto second = LinkListener::listen(pair.loop, pair.temp.path, [](auto) {});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::AddressInUse);

  const std::string file = pair.temp.folder + "/file";
  std::ofstream(file) << "precious";
  auto third = LinkListener::listen(pair.loop, file, [](auto) {});
  REQUIRE_FALSE(third.has_value());
  CHECK(third.error().code == ErrorCode::AddressInUse);
  CHECK(std::filesystem::file_size(file) == 8);
}

TEST_CASE("dialing where nobody listens is an error, not a wait") {
  TempPath temp;
  uv::Loop loop;
  std::optional<Error> error;
  LinkDialer dialer(loop, temp.path, [&](Result<std::unique_ptr<Link>> link) {
    REQUIRE_FALSE(link.has_value());
    error = link.error();
  });
  dialer.dial();
  REQUIRE(loop.run_until([&] { return error.has_value(); }, kPatience));
  CHECK(error->code == ErrorCode::Unavailable);
}
