// Frames and descriptors over a socket pair, on one loop.
#include "common/uv/fd_channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "common/uv/loop.h"

namespace tako::uv {
namespace {

constexpr std::size_t kFrameBytesMax = 1'000'000;
constexpr std::chrono::seconds kPatience{10};

struct Receiver final : FdChannelObserver {
  void on_frame(std::string_view payload, std::vector<Fd> fds) override {
    frames.emplace_back(payload);
    for (Fd& fd : fds) received.push_back(std::move(fd));
    counts.push_back(fds.size());
    if (ends_at != 0 && frames.size() == ends_at) ends->reset();
  }
  void on_closed(const Error& error) override { closed = error; }

  std::vector<std::string> frames;
  std::vector<std::size_t> counts;
  std::vector<Fd> received;
  std::optional<Error> closed;
  std::size_t ends_at = 0;  // destroys the channel within its own call
  std::unique_ptr<FdChannel>* ends = nullptr;
};

struct ChannelPair {
  ChannelPair() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    raw = ends[0];
    there = std::make_unique<FdChannel>(loop, Fd(ends[1]), kFrameBytesMax, receiver);
  }
  // The other end as a channel, too.
  void open_here() { here = std::make_unique<FdChannel>(loop, Fd(raw), kFrameBytesMax, sender); }
  [[nodiscard]] bool wait(const std::function<bool()>& condition) {
    return loop.run_until(condition, kPatience);
  }

  Loop loop;
  Receiver receiver;
  Receiver sender;
  int raw = -1;
  std::unique_ptr<FdChannel> there;
  std::unique_ptr<FdChannel> here;
};

Fd open_null() { return Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

ino_t inode_of(int fd) {
  struct stat status{};
  REQUIRE(fstat(fd, &status) == 0);
  return status.st_ino;
}

TEST_CASE("each frame comes whole and in order, with its own descriptors") {
  ChannelPair pair;
  pair.open_here();
  const Fd null = open_null();
  const std::string large(900'000, 'x');  // More than a socket holds.
  pair.here->send("first");
  pair.here->send(large, std::array{null.get(), pair.raw});
  pair.here->send("");
  pair.here->send("last", std::array{null.get()});
  CHECK(pair.here->pending_bytes() > 0);
  REQUIRE(pair.wait([&] { return pair.receiver.frames.size() == 4; }));
  CHECK(pair.receiver.frames == std::vector<std::string>{"first", large, "", "last"});
  CHECK(pair.receiver.counts == std::vector<std::size_t>{0, 2, 0, 1});
  CHECK(inode_of(pair.receiver.received[0].get()) == inode_of(null.get()));
  CHECK(inode_of(pair.receiver.received[1].get()) == inode_of(pair.raw));
  CHECK((fcntl(pair.receiver.received[2].get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(pair.here->pending_bytes() == 0);
}

TEST_CASE("as many descriptors as one frame may have, many times") {
  ChannelPair pair;
  pair.open_here();
  const Fd null = open_null();
  const std::vector<int> fds(kFrameFdsMax, null.get());
  for (int round = 0; round < 3; ++round) {
    pair.here->send("full", fds);
    REQUIRE(pair.wait([&] { return pair.receiver.received.size() == kFrameFdsMax; }));
    pair.receiver.received.clear();
  }
  CHECK(pair.receiver.frames.size() == 3);
}

TEST_CASE("an observer may destroy the channel from within a frame") {
  ChannelPair pair;
  pair.open_here();
  pair.receiver.ends_at = 1;
  pair.receiver.ends = &pair.there;
  pair.here->send("one");
  pair.here->send("two");
  REQUIRE(pair.wait([&] { return pair.sender.closed.has_value(); }));
  CHECK(pair.receiver.frames == std::vector<std::string>{"one"});
}

TEST_CASE("the end, frames too large, and descriptors that are not there are told") {
  const auto told = [](std::string_view bytes, bool hangs_up) {
    ChannelPair pair;
    const Fd raw(pair.raw);
    REQUIRE(::send(raw.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    if (hangs_up) shutdown(raw.get(), SHUT_RDWR);
    REQUIRE(pair.wait([&] { return pair.receiver.closed.has_value(); }));
    CHECK(pair.receiver.frames.empty());
    return pair.receiver.closed->code;
  };
  CHECK(told(std::string_view("\0\0\0\5\0\0\0\0cut", 11), true) == ErrorCode::Unavailable);
  CHECK(told(std::string_view("\1\0\0\0\0\0\0\0", 8), false) == ErrorCode::PayloadTooLarge);
  CHECK(told(std::string_view("\0\0\0\1\0\0\0\1x", 9), false) == ErrorCode::ProtocolError);
  CHECK(told(std::string_view("\0\0\0\1\0\0\1\0x", 9), false) == ErrorCode::ProtocolError);
}

TEST_CASE("without room for the descriptors the frame is void, and nothing stays open") {
  ChannelPair pair;
  pair.open_here();
  const Fd null = open_null();
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const Fd next = open_null();
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(next.get()) + 3;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  pair.here->send("too many", std::vector<int>(8, null.get()));
  const bool is_told = pair.wait([&] { return pair.receiver.closed.has_value(); });
  pair.there.reset();
  const Fd probe = open_null();
  setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(is_told);
  CHECK(pair.receiver.closed->code == ErrorCode::LimitReached);
  CHECK(pair.receiver.frames.empty());
  CHECK(probe.is_open());
}

TEST_CASE("connect_unix finds nobody where nobody listens") {
  CHECK_FALSE(connect_unix("/nonexistent/socket").has_value());
  CHECK_FALSE(connect_unix(std::string(200, 'x')).has_value());
}

}  // namespace
}  // namespace tako::uv
