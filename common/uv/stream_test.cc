// Streams, listeners and connectors over real sockets: loopback TCP and unix paths.
#include "common/uv/stream.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/limits.h"
#include "common/uv/connector.h"
#include "common/uv/listener.h"
#include "common/uv/loop.h"
#include "common/uv/send_queue.h"
#include "tests/support/temp_dir.h"

using namespace std::chrono_literals;
using namespace tako::uv;
using tako::Result;

namespace {

constexpr auto kBound = 20s;  // Far beyond need; reached only when something is broken.

class Recorder : public StreamObserver {
 public:
  void on_bytes(std::span<const std::byte> bytes) override {
    received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (then) then();
  }
  void on_end() override { has_ended = true; }
  void on_closed(CloseReason reason) override { closed = reason; }
  void on_writable() override {
    ++writable;
    if (on_room) on_room();
  }

  std::string received;
  std::function<void()> then;
  std::function<void()> on_room;
  bool has_ended = false;
  std::optional<CloseReason> closed;
  int writable = 0;
};

struct Pair {
  std::unique_ptr<Stream> left;
  std::unique_ptr<Stream> right;
};

Pair unix_pair(Loop& loop) {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return {std::make_unique<Stream>(loop, Fd(fds[0])), std::make_unique<Stream>(loop, Fd(fds[1]))};
}

// Listens, connects, and gives both ends.
Pair connected_pair(Loop& loop, const Address& address) {
  Pair pair;
  ListenerCounters counters;
  Listener listener(loop, *open_listening_socket(address, {}), counters,
                    [&](std::unique_ptr<Stream> stream) { pair.right = std::move(stream); });
  listener.own_file();
  Connector connector(loop, listener.address(), 10s, [&](Result<std::unique_ptr<Stream>> result) {
    REQUIRE(result.has_value());
    pair.left = *std::move(result);
  });
  REQUIRE(loop.run_until([&] { return pair.left && pair.right; }, kBound));
  return pair;
}

const Address kLoopback = TcpAddress{"127.0.0.1", 0};

}  // namespace

TEST_CASE("bytes arrive in order over TCP and unix sockets, however they are cut") {
  Loop loop;
  const tako::test::TempDir folder;
  for (const Address& address :
       {kLoopback, Address(TcpAddress{"::1", 0}), Address(UnixAddress{folder.file("a.sock")})}) {
    Pair pair = connected_pair(loop, address);
    Recorder recorder;
    pair.right->set_observer(&recorder);
    pair.right->start_reading();
    const std::array<std::string_view, 4> pieces{"one ", "", "two ", "three"};
    CHECK(pair.left->write(pieces).value() == 13);
    CHECK(loop.run_until([&] { return recorder.received == "one two three"; }, kBound));
  }
}

TEST_CASE("one write takes more pieces than fit one system call") {
  Loop loop;
  Pair pair = unix_pair(loop);
  Recorder recorder;
  pair.right->set_observer(&recorder);
  pair.right->start_reading();
  const std::vector<std::string_view> pieces(3 * tako::limits::kWritePiecesMax + 1, "ab");
  CHECK(pair.left->write(pieces).value() == 2 * pieces.size());
  CHECK(loop.run_until([&] { return recorder.received.size() == 2 * pieces.size(); }, kBound));
}

TEST_CASE("a peer that does not read fills the kernel's buffer; room is told when it reads") {
  Loop loop;
  for (const bool is_tcp : {true, false}) {
    CAPTURE(is_tcp);
    Pair pair = is_tcp ? connected_pair(loop, kLoopback) : unix_pair(loop);
    Recorder writer;
    Recorder reader;
    pair.left->set_observer(&writer);
    const std::string block(64 * 1024, 'x');
    std::size_t sent = 0;
    for (;;) {
      const std::size_t taken = pair.left->write(block).value();
      sent += taken;
      if (taken < block.size()) break;
      REQUIRE(sent < 64'000'000);
    }
    pair.left->request_writable();
    // Only loopback TCP may move bytes on by itself; a full unix buffer stays full.
    if (!is_tcp) {
      CHECK_FALSE(loop.run_until([&] { return writer.writable > 0; }, 20ms));
    }
    pair.right->set_observer(&reader);
    pair.right->start_reading();
    CHECK(loop.run_until([&] { return writer.writable == 1 && reader.received.size() == sent; },
                         kBound));
    CHECK_FALSE(pair.left->is_waiting_for_room());
  }
}

TEST_CASE("a send queue delivers all of it, in order, to a slow reader") {
  Loop loop;
  Pair pair = unix_pair(loop);
  Recorder writer;
  Recorder reader;
  SendQueue queue;
  pair.left->set_observer(&writer);
  writer.on_room = [&] { REQUIRE(queue.flush(*pair.left).has_value()); };
  std::string expected;
  for (int i = 0; i < 5'000; ++i) {
    const std::string piece = std::to_string(i) + std::string(200, ',');
    expected += piece;
    REQUIRE(queue.send(*pair.left, piece).has_value());
  }
  CHECK(queue.size() > 0);
  pair.right->set_observer(&reader);
  pair.right->start_reading();
  CHECK(loop.run_until([&] { return reader.received.size() == expected.size(); }, kBound));
  CHECK(reader.received == expected);
  CHECK(queue.empty());
}

TEST_CASE("FIN is told once, and writing goes on after it") {
  Loop loop;
  Pair pair = connected_pair(loop, kLoopback);
  Recorder left;
  Recorder right;
  pair.left->set_observer(&left);
  pair.right->set_observer(&right);
  pair.left->start_reading();
  pair.right->start_reading();
  REQUIRE(pair.left->write("last words").has_value());
  pair.left->shutdown_write();
  CHECK(loop.run_until([&] { return right.has_ended; }, kBound));
  CHECK(right.received == "last words");
  CHECK_FALSE(pair.right->is_reading());
  REQUIRE(pair.right->write("answer").has_value());
  CHECK(loop.run_until([&] { return left.received == "answer"; }, kBound));
}

TEST_CASE("a reset is told to the reader, and to the writer as an error") {
  Loop loop;
  Pair pair = connected_pair(loop, kLoopback);
  Recorder right;
  pair.right->set_observer(&right);
  pair.right->start_reading();
  pair.left->reset_on_close();
  pair.left.reset();
  CHECK(loop.run_until([&] { return right.closed.has_value(); }, kBound));
  CHECK(right.closed == CloseReason::Reset);
  const auto written = pair.right->write("x");
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == tako::ErrorCode::Unavailable);
}

TEST_CASE("what a unix peer wrote before it left is read, though our unread bytes reset it") {
  Loop loop;
  Pair pair = unix_pair(loop);
  Recorder right;
  REQUIRE(pair.right->write("never read").has_value());
  REQUIRE(pair.left->write("read me").has_value());
  pair.left.reset();
  pair.right->set_observer(&right);
  pair.right->start_reading();
  CHECK(loop.run_until([&] { return right.has_ended || right.closed; }, kBound));
  CHECK(right.received == "read me");
}

TEST_CASE("last words are noticed before a close, and behind none a unix peer can't write") {
  Loop loop;
  Pair pair = unix_pair(loop);
  REQUIRE(pair.left->write("wait").has_value());
  CHECK(pair.right->has_last_words());
  REQUIRE(pair.left->write(" for me").has_value());
  Recorder right;
  pair.right->set_observer(&right);
  pair.right->start_reading();
  CHECK(loop.run_until([&] { return right.received == "wait for me"; }, kBound));
  CHECK_FALSE(pair.right->has_last_words());
  CHECK_FALSE(pair.left->write("too late").has_value());
  REQUIRE(pair.right->write("answer").has_value());
}

TEST_CASE("a TCP peer's last words are noticed too") {
  Loop loop;
  Pair pair = connected_pair(loop, kLoopback);
  CHECK_FALSE(pair.right->has_last_words());
  REQUIRE(pair.left->write("wait").has_value());
  CHECK(loop.run_until([&] { return pair.right->has_last_words(); }, kBound));
}

TEST_CASE("a stream is moved to another observer, or destroyed, from inside on_bytes") {
  Loop loop;
  Pair pair = unix_pair(loop);
  Recorder first;
  Recorder second;
  first.then = [&] { pair.right->set_observer(&second); };
  pair.right->set_observer(&first);
  pair.right->start_reading();
  REQUIRE(pair.left->write("1").has_value());
  CHECK(loop.run_until([&] { return first.received == "1"; }, kBound));
  REQUIRE(pair.left->write("2").has_value());
  CHECK(loop.run_until([&] { return second.received == "2"; }, kBound));

  second.then = [&] { pair.right.reset(); };
  pair.right->request_writable();
  REQUIRE(pair.left->write("3").has_value());
  CHECK(loop.run_until([&] { return pair.right == nullptr; }, kBound));
}

TEST_CASE("a stopped stream tells nothing; started again it tells what came meanwhile") {
  Loop loop;
  Pair pair = unix_pair(loop);
  Recorder right;
  pair.right->set_observer(&right);
  pair.right->start_reading();
  right.then = [&] { pair.right->stop_reading(); };
  REQUIRE(pair.left->write("a").has_value());
  CHECK(loop.run_until([&] { return right.received == "a"; }, kBound));
  REQUIRE(pair.left->write("b").has_value());
  CHECK_FALSE(loop.run_until([&] { return right.received.size() > 1; }, 20ms));
  pair.right->start_reading();
  CHECK(loop.run_until([&] { return right.received == "ab"; }, kBound));
}

TEST_CASE("a released socket works on in another stream") {
  Loop loop;
  Pair pair = unix_pair(loop);
  Recorder right;
  pair.right->set_observer(&right);
  pair.right->start_reading();
  Fd fd = pair.right->release();
  Stream adopted(loop, std::move(fd));
  pair.right.reset();
  adopted.set_observer(&right);
  adopted.start_reading();
  REQUIRE(pair.left->write("still here").has_value());
  CHECK(loop.run_until([&] { return right.received == "still here"; }, kBound));
}

TEST_CASE("peers are known: address over TCP, credentials over unix sockets") {
  Loop loop;
  const tako::test::TempDir folder;
  Pair tcp = connected_pair(loop, kLoopback);
  CHECK(tcp.right->is_tcp());
  CHECK(std::get<TcpAddress>(*tcp.right->peer()).host == "127.0.0.1");
  CHECK(std::get<TcpAddress>(*tcp.right->peer()).port != 0);
  CHECK_FALSE(tcp.right->credentials().has_value());
  Pair local = connected_pair(loop, UnixAddress{folder.file("b.sock")});
  CHECK_FALSE(local.right->is_tcp());
  REQUIRE(local.right->credentials().has_value());
  CHECK(local.right->credentials()->uid == ::getuid());
  CHECK(local.right->credentials()->pid == ::getpid());
}

TEST_CASE("an IPv4 client of a dual-stack listener is known by its IPv4 address") {
  Loop loop;
  std::unique_ptr<Stream> accepted;
  ListenerCounters counters;
  Listener listener(loop, *open_listening_socket(TcpAddress{"::", 0}, {}), counters,
                    [&](std::unique_ptr<Stream> stream) { accepted = std::move(stream); });
  const Address target = TcpAddress{"127.0.0.1", std::get<TcpAddress>(listener.address()).port};
  std::unique_ptr<Stream> client;
  Connector connector(loop, target, 10s, [&](Result<std::unique_ptr<Stream>> result) {
    if (result) client = *std::move(result);
  });
  REQUIRE(loop.run_until([&] { return accepted && client; }, kBound));
  CHECK(std::get<TcpAddress>(*accepted->peer()).host == "127.0.0.1");
}

TEST_CASE("an address in use is refused, unless both ask to share the port") {
  const auto first = open_listening_socket(kLoopback, {.reuse_port = true});
  REQUIRE(first.has_value());
  const Address bound = *local_address(first->get());
  const auto refused = open_listening_socket(bound, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == tako::ErrorCode::AddressInUse);
  CHECK(open_listening_socket(bound, {.reuse_port = true}).has_value());
}

TEST_CASE("a host name is nothing to listen on") {
  const auto refused = open_listening_socket(TcpAddress{"example.invalid", 0}, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == tako::ErrorCode::ConfigInvalid);
}

TEST_CASE("unix paths: a stale socket is replaced, a live one and a plain file are refused") {
  const tako::test::TempDir folder;
  const Address address = UnixAddress{folder.file("app.sock")};
  {
    const auto killed = open_listening_socket(address, {});
  }  // Leaves its file behind.
  REQUIRE(std::filesystem::exists(folder.file("app.sock")));
  const auto live = open_listening_socket(address, {.unix_mode = 0600});
  REQUIRE(live.has_value());
  struct stat status{};
  REQUIRE(::stat(folder.file("app.sock").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  const auto second = open_listening_socket(address, {});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == tako::ErrorCode::AddressInUse);
  CHECK(second.error().detail.find("another broker or edge runs") != std::string::npos);

  std::ofstream(folder.file("plain")) << "precious";
  const auto plain = open_listening_socket(UnixAddress{folder.file("plain")}, {});
  REQUIRE_FALSE(plain.has_value());
  CHECK(plain.error().code == tako::ErrorCode::ConfigInvalid);
  CHECK(std::filesystem::file_size(folder.file("plain")) == 8);
  CHECK_FALSE(open_listening_socket(UnixAddress{folder.file("no/such/folder")}, {}).has_value());
}

TEST_CASE("a listener removes its own socket file, never its successor's") {
  Loop loop;
  const tako::test::TempDir folder;
  const std::string path = folder.file("app.sock");
  {
    ListenerCounters counters;
    Listener listener(loop, *open_listening_socket(UnixAddress{path}, {}), counters, [](auto) {});
    listener.own_file();
  }
  CHECK_FALSE(std::filesystem::exists(path));
  {
    ListenerCounters counters;
    Listener old(loop, *open_listening_socket(UnixAddress{path}, {}), counters, [](auto) {});
    old.own_file();
    std::filesystem::remove(path);
    const auto successor = open_listening_socket(UnixAddress{path}, {});
    REQUIRE(successor.has_value());
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("more connections than one turn accepts are all accepted; paused, they wait") {
  Loop loop;
  std::vector<std::unique_ptr<Stream>> accepted;
  ListenerCounters counters;
  Listener listener(loop, *open_listening_socket(kLoopback, {}), counters,
                    [&](std::unique_ptr<Stream> stream) { accepted.push_back(std::move(stream)); });
  listener.pause();
  std::vector<std::unique_ptr<Connector>> connectors;
  std::vector<std::unique_ptr<Stream>> clients;
  const std::size_t count = 3 * tako::limits::kAcceptsPerTurn;
  for (std::size_t i = 0; i < count; ++i) {
    connectors.push_back(std::make_unique<Connector>(loop, listener.address(), 10s,
                                                     [&](Result<std::unique_ptr<Stream>> result) {
                                                       if (result)
                                                         clients.push_back(*std::move(result));
                                                     }));
  }
  CHECK(loop.run_until([&] { return clients.size() == count; }, kBound));
  CHECK(accepted.empty());
  listener.resume();
  CHECK(loop.run_until([&] { return accepted.size() == count; }, kBound));
  CHECK(counters.accepted == count);
  CHECK(counters.turns_full >= 2);
}

TEST_CASE("out of descriptors, a listener counts, pauses, and goes on when there are some") {
  Loop loop;
  std::vector<std::unique_ptr<Stream>> accepted;
  ListenerCounters counters;
  Listener listener(loop, *open_listening_socket(kLoopback, {}), counters,
                    [&](std::unique_ptr<Stream> stream) { accepted.push_back(std::move(stream)); });
  std::unique_ptr<Stream> client;
  listener.pause();
  Connector connector(loop, listener.address(), 10s, [&](Result<std::unique_ptr<Stream>> result) {
    if (result) client = *std::move(result);
  });
  REQUIRE(loop.run_until([&] { return client != nullptr; }, kBound));

  rlimit saved{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved) == 0);
  const int next_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next_fd);
  const rlimit tight{static_cast<rlim_t>(next_fd), saved.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  listener.resume();
  const bool was_counted =
      loop.run_until([&] { return counters.descriptors_exhausted > 0; }, kBound);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &saved) == 0);
  CHECK(was_counted);
  CHECK(accepted.empty());
  CHECK(loop.run_until([&] { return accepted.size() == 1; }, kBound));
}

TEST_CASE("a listener may be destroyed from inside on_connection") {
  Loop loop;
  ListenerCounters counters;
  std::unique_ptr<Listener> listener;
  int accepted = 0;
  listener = std::make_unique<Listener>(loop, *open_listening_socket(kLoopback, {}), counters,
                                        [&](std::unique_ptr<Stream>) {
                                          ++accepted;
                                          listener.reset();
                                        });
  Connector connector(loop, listener->address(), 10s, [](auto) {});
  CHECK(loop.run_until([&] { return accepted == 1; }, kBound));
}

TEST_CASE("connecting fails with a reason: nobody there, no such file, no such name") {
  Loop loop;
  const tako::test::TempDir folder;
  // 64 characters can be no label of a name: that is known without asking a name server.
  const std::vector<Address> targets{TcpAddress{"127.0.0.1", 1},
                                     UnixAddress{folder.file("none.sock")},
                                     TcpAddress{std::string(64, 'x'), 80}};
  for (const Address& target : targets) {
    CAPTURE(to_string(target));
    std::optional<tako::Error> error;
    bool is_inside_constructor = true;
    Connector connector(loop, target, 10s, [&](Result<std::unique_ptr<Stream>> result) {
      CHECK_FALSE(is_inside_constructor);
      REQUIRE_FALSE(result.has_value());
      error = result.error();
    });
    is_inside_constructor = false;
    CHECK(loop.run_until([&] { return error.has_value(); }, kBound));
    CHECK(error->code == tako::ErrorCode::UpstreamUnavailable);
    CHECK(error->detail.find(to_string(target)) != std::string::npos);
  }
}

TEST_CASE("a name is resolved") {
  Loop loop;
  std::unique_ptr<Stream> accepted;
  ListenerCounters counters;
  Listener listener(loop, *open_listening_socket(kLoopback, {}), counters,
                    [&](std::unique_ptr<Stream> stream) { accepted = std::move(stream); });
  const Address target = TcpAddress{"localhost", std::get<TcpAddress>(listener.address()).port};
  bool is_connected = false;
  Connector connector(loop, target, 10s, [&](Result<std::unique_ptr<Stream>> result) {
    is_connected = result.has_value();
  });
  CHECK(loop.run_until([&] { return is_connected && accepted; }, kBound));
}

TEST_CASE("a connect that nobody answers ends at its deadline") {
  Loop loop;
  const tako::test::TempDir folder;
  // A unix listener whose backlog is full never answers.
  const std::string path = folder.file("full.sock");
  const Fd full(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(full.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(full.get(), 0) == 0);
  std::vector<std::unique_ptr<Connector>> connectors;
  std::vector<std::unique_ptr<Stream>> streams;
  std::optional<tako::Error> error;
  for (int i = 0; i < 5; ++i) {
    connectors.push_back(std::make_unique<Connector>(loop, UnixAddress{path}, 50ms,
                                                     [&](Result<std::unique_ptr<Stream>> result) {
                                                       if (result) {
                                                         streams.push_back(*std::move(result));
                                                       } else {
                                                         error = result.error();
                                                       }
                                                     }));
  }
  CHECK(loop.run_until([&] { return error.has_value(); }, kBound));
  CHECK(error->code == tako::ErrorCode::UpstreamTimeout);
}

TEST_CASE("a connector is cancelled by destroying it, while it resolves and while it connects") {
  Loop loop;
  int called = 0;
  for (const char* host : {"localhost", "127.0.0.1"}) {
    auto connector =
        std::make_unique<Connector>(loop, TcpAddress{host, 1}, 10s, [&](auto) { ++called; });
    loop.post([&] { connector.reset(); });
    CHECK(loop.run_until([&] { return connector == nullptr; }, kBound));
    connector =
        std::make_unique<Connector>(loop, TcpAddress{host, 1}, 10s, [&](auto) { ++called; });
    connector.reset();
  }
  CHECK_FALSE(loop.run_until([] { return false; }, 20ms));
  CHECK(called <= 2);
}
