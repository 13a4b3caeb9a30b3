// Two ends of a link on one loop: order, size, death of a peer, back-pressure.
#include "common/ipc/link.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <vector>

#include "common/limits.h"

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
  pair.client->send("one");
  pair.client->send("two");
  CHECK(pair.client->pending_bytes() == 2 * (kFrameHeaderBytes + 3));
  pair.client->flush();
  CHECK(pair.client->pending_bytes() == 0);
  pair.wait([&] { return pair.server_seen.frames.size() == 2; });
  CHECK(pair.client_seen.drained == 0);
}

TEST_CASE("what the kernel does not take leaves later, in order, and then the link is drained") {
  Pair pair;
  const std::string large(4 * limits::kMiB, 'x');  // More than a socket's buffer.
  pair.client->send(large);
  pair.client->flush();
  CHECK(pair.client->pending_bytes() > 0);
  pair.client->send("behind");
  pair.client->flush();
  pair.wait([&] { return pair.server_seen.frames.size() == 2; });
  CHECK(pair.server_seen.frames[0] == large);
  CHECK(pair.server_seen.frames[1] == "behind");
  pair.wait([&] { return pair.client_seen.drained == 1; });
  CHECK(pair.client->pending_bytes() == 0);
}

TEST_CASE("a flush to a peer that is gone does no harm") {
  Pair pair;
  pair.server.reset();
  for (int i = 0; i < 3; ++i) {
    pair.client->send(std::string(limits::kMiB, 'x'));
    pair.client->flush();
  }
  pair.wait([&] { return !pair.client_seen.closed.empty(); });
}

TEST_CASE("the other end learns of a peer that is gone") {
  Pair pair;
  pair.client.reset();
  pair.wait([&] { return !pair.server_seen.closed.empty(); });
}

TEST_CASE("a link knows its peer's user") {
  Pair pair;
  CHECK(pair.server->peer_uid() == geteuid());
}

TEST_CASE("a link may be destroyed inside on_frame") {
  Pair pair;
  struct Destroyer : Recorder {
    std::unique_ptr<Link>* link = nullptr;
    int calls = 0;
    void on_frame(std::span<const std::byte>) override {
      ++calls;
      link->reset();
    }
  } destroyer;
  destroyer.link = &pair.server;
  pair.server->start(destroyer);
  pair.client->send("one");
  pair.client->send("two");
  pair.client->flush();
  pair.wait([&] { return !pair.client_seen.closed.empty(); });
  CHECK(destroyer.calls == 1);
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
