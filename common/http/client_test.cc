// The pool over real sockets, against an upstream that the test writes byte by byte.
#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/http/client_pool.h"
#include "common/http/test_peer.h"
#include "common/limits.h"
#include "common/uv/listener.h"
#include "tests/support/temp_dir.h"

using namespace std::chrono_literals;
using namespace tako::http;
using tako::Error;
using tako::ErrorCode;
using tako::Result;
using tako::http::test::kBound;
using tako::http::test::Peer;
namespace uv = tako::uv;

namespace {

class Observer final : public ResponseObserver {
 public:
  void on_response(ResponseHead response) override {
    head = std::move(response);
    if (then) then();
  }
  void on_response_body(std::span<const std::byte> piece) override {
    body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    if (on_piece) on_piece();
  }
  void on_response_end() override { has_ended = true; }
  void on_failed(const Error& failure) override { error = failure; }
  void on_request_writable() override {
    ++writable;
    if (on_room) on_room();
  }
  [[nodiscard]] bool is_over() const { return has_ended || error.has_value(); }

  std::optional<ResponseHead> head;
  std::string body;
  bool has_ended = false;
  std::optional<Error> error;
  int writable = 0;
  std::function<void()> then;
  std::function<void()> on_piece;
  std::function<void()> on_room;
};

// Declared in the order of dependence: exchanges of a test must go before its bench.
struct ClientBench {
  explicit ClientBench(const ClientPoolOptions& options = {}, const uv::Address& where = kLoopback)
      : listener(loop, uv::open_listening_socket(where, {}).value(), counters,
                 [this](std::unique_ptr<uv::Stream> stream) {
                   upstream.push_back(std::make_unique<Peer>(std::move(stream)));
                 }),
        pool(loop, driver.wheel(), Origin{listener.address()}, options) {}

  [[nodiscard]] bool until(const std::function<bool()>& condition) {
    return loop.run_until(condition, kBound);
  }
  // The upstream's n-th connection, once `text` has come on it.
  Peer& served(std::size_t n, std::string_view text) {
    REQUIRE(until([&] { return upstream.size() > n && upstream[n]->has_got(text); }));
    return *upstream[n];
  }

  static inline const uv::Address kLoopback = uv::TcpAddress{"127.0.0.1", 0};
  uv::Loop loop;
  uv::LoopTimerWheel driver{loop};
  std::deque<std::unique_ptr<Peer>> upstream;
  uv::ListenerCounters counters;
  uv::Listener listener;
  ClientPool pool;
};

ClientRequest get_request(std::string target) {
  ClientRequest request;
  request.target = std::move(target);
  request.headers = {{"Host", "app"}};
  return request;
}

ClientRequest post_request(std::string body) {
  ClientRequest request = get_request("/p");
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("a request goes out whole and its answer comes back, over TCP and unix sockets") {
  const tako::test::TempDir folder;
  for (const uv::Address& where :
       {ClientBench::kLoopback, uv::Address(uv::UnixAddress{folder.file("app.sock")})}) {
    ClientBench bench({}, where);
    Observer observer;
    auto exchange = bench.pool.start(post_request("body"), observer);
    Peer& peer = bench.served(0, "body");
    CHECK(peer.received == "POST /p HTTP/1.1\r\nHost: app\r\nContent-Length: 4\r\n\r\nbody");
    REQUIRE(
        peer.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX: y\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"));
    CHECK(bench.until([&] { return observer.is_over(); }));
    REQUIRE(observer.head.has_value());
    CHECK(observer.head->status == 201);
    CHECK(observer.head->headers.find("x") == "y");
    CHECK(observer.body == "hello");
    CHECK(observer.has_ended);
  }
}

TEST_CASE("nothing is called back from inside start()") {
  ClientBench bench;
  Observer observer;
  ClientRequest request = get_request("/");
  request.method = "POST";
  request.body = ClientRequest::Chunked{};
  auto exchange = bench.pool.start(std::move(request), observer);
  CHECK(observer.writable == 0);
  CHECK(bench.until([&] { return observer.writable == 1; }));
}

TEST_CASE("a connection is used again, for one request at a time") {
  ClientBench bench;
  for (int i = 0; i < 3; ++i) {
    Observer observer;
    auto exchange = bench.pool.start(get_request("/" + std::to_string(i)), observer);
    REQUIRE(bench.served(0, "GET /" + std::to_string(i)).write(kOk));
    CHECK(bench.until([&] { return observer.has_ended; }));
    CHECK(observer.body == "ok");
  }
  CHECK(bench.upstream.size() == 1);
  CHECK(bench.pool.counters().reused == 2);
  CHECK(bench.pool.counters().connects == 1);
}

TEST_CASE("what makes a connection useless is not kept: close, extra bytes, an early answer") {
  for (const std::string_view answer :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokextra",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"}) {
    ClientBench bench;
    CAPTURE(answer);
    Observer observer;
    auto exchange = bench.pool.start(get_request("/"), observer);
    REQUIRE(bench.served(0, "GET").write(answer));
    CHECK(bench.until([&] { return observer.has_ended; }));
    CHECK(observer.body == "ok");
    CHECK(bench.until([&] { return bench.pool.connections() == 0; }));
  }
  ClientBench bench;
  Observer observer;
  ClientRequest upload = get_request("/");
  upload.method = "POST";
  upload.body = ClientRequest::Length{1'000};
  auto exchange = bench.pool.start(std::move(upload), observer);
  REQUIRE(bench.served(0, "Content-Length: 1000").write(kOk));
  CHECK(bench.until([&] { return observer.has_ended; }));
  exchange->write_body("too late, and without effect");
  CHECK(bench.until([&] { return bench.pool.connections() == 0; }));
}

TEST_CASE("a body that the end of the connection ends is whole; a cut one is a failure") {
  ClientBench bench;
  Observer whole;
  auto exchange = bench.pool.start(get_request("/"), whole);
  Peer& first = bench.served(0, "GET");
  REQUIRE(first.write("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
  first.close();
  CHECK(bench.until([&] { return whole.is_over(); }));
  CHECK(whole.has_ended);
  CHECK(whole.body == "until the end");

  Observer cut;
  exchange = bench.pool.start(get_request("/"), cut);
  Peer& second = bench.served(1, "GET");
  REQUIRE(second.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  second.close();
  CHECK(bench.until([&] { return cut.is_over(); }));
  REQUIRE(cut.error.has_value());
  CHECK(cut.error->code == ErrorCode::UpstreamUnavailable);
  CHECK(cut.body == "half");
}

TEST_CASE("malformed answers and answers nobody asked for are failures, never passed on") {
  for (const std::string_view answer :
       {"garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"}) {
    ClientBench bench;
    CAPTURE(answer);
    Observer observer;
    auto exchange = bench.pool.start(get_request("/"), observer);
    REQUIRE(bench.served(0, "GET").write(answer));
    CHECK(bench.until([&] { return observer.is_over(); }));
    CHECK(observer.error.has_value());
    CHECK_FALSE(observer.head.has_value());
    CHECK(bench.until([&] { return bench.pool.connections() == 0; }));
  }
}

TEST_CASE("a streamed body flows when there is room, counted or chunked") {
  for (const bool is_chunked : {true, false}) {
    ClientBench bench;
    CAPTURE(is_chunked);
    constexpr std::size_t kTotal = 8 * 1024 * 1024;
    const std::string block(64 * 1024, 'u');
    std::size_t sent = 0;
    Observer observer;
    std::unique_ptr<ClientExchange> exchange;
    observer.on_room = [&] {
      while (sent < kTotal) {
        sent += block.size();
        if (!exchange->write_body(block)) return;
      }
      if (is_chunked) exchange->end_body();
    };
    ClientRequest request = get_request("/up");
    request.method = "PUT";
    if (is_chunked) {
      request.body = ClientRequest::Chunked{};
    } else {
      request.body = ClientRequest::Length{kTotal};
    }
    exchange = bench.pool.start(std::move(request), observer);
    Peer& peer = bench.served(0, "PUT /up");
    peer.stop_reading();
    static_cast<void>(bench.loop.run_until([] { return false; }, 50ms));
    CHECK(sent < kTotal);
    peer.start_reading();
    CHECK(bench.until([&] { return peer.received.size() > kTotal; }));
    CHECK(peer.has_got(is_chunked ? "Transfer-Encoding: chunked" : "Content-Length: 8388608"));
    if (is_chunked) CHECK(bench.until([&] { return peer.has_got("\r\n0\r\n\r\n"); }));
    REQUIRE(peer.write(kOk));
    CHECK(bench.until([&] { return observer.has_ended; }));
  }
}

TEST_CASE("a paused answer holds the upstream up, and comes whole after the resume") {
  ClientBench bench;
  Observer observer;
  auto exchange = bench.pool.start(get_request("/"), observer);
  observer.then = [&] { exchange->pause_response(); };
  Peer& peer = bench.served(0, "GET");
  REQUIRE(peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"));
  CHECK(bench.until([&] { return observer.head.has_value(); }));
  REQUIRE(peer.write("lo"));
  CHECK_FALSE(bench.loop.run_until([&] { return !observer.body.empty(); }, 20ms));
  exchange->resume_response();
  CHECK(bench.until([&] { return observer.has_ended; }));
  CHECK(observer.body == "hello");
  // Resumed connections are as good as others: this one is idle and listens to the upstream.
  CHECK(bench.pool.connections() == 1);
  peer.close();
  CHECK(bench.until([&] { return bench.pool.connections() == 0; }));
}

TEST_CASE("an answer that is paused at its last piece ends after the resume") {
  for (const bool upstream_closes : {false, true}) {
    CAPTURE(upstream_closes);
    ClientBench bench;
    Observer observer;
    auto exchange = bench.pool.start(get_request("/"), observer);
    observer.on_piece = [&] { exchange->pause_response(); };
    Peer& peer = bench.served(0, "GET");
    REQUIRE(peer.write(kOk));
    if (upstream_closes) peer.close();
    CHECK(bench.until([&] { return observer.body == "ok"; }));
    CHECK_FALSE(bench.loop.run_until([&] { return observer.is_over(); }, 20ms));
    exchange->resume_response();
    CHECK(bench.until([&] { return observer.is_over(); }));
    CHECK(observer.has_ended);
  }
}

TEST_CASE("a reused connection that is dead is replaced once, if the request may go twice") {
  struct Case {
    const char* name;
    ClientRequest request;
    bool is_retried;
  };
  ClientRequest marked = post_request("again");
  marked.is_replayable = true;
  ClientRequest unmarked = get_request("/");
  unmarked.is_replayable = false;
  for (const Case& test :
       {Case{"GET", get_request("/"), true}, Case{"POST", post_request("x"), false},
        Case{"marked POST", marked, true}, Case{"GET, not to be", unmarked, false}}) {
    ClientBench bench;
    CAPTURE(test.name);
    Observer first;
    auto exchange = bench.pool.start(get_request("/first"), first);
    REQUIRE(bench.served(0, "/first").write(kOk));
    REQUIRE(bench.until([&] { return first.has_ended; }));

    // The upstream closes in the moment in which the next request is on its way.
    Observer second;
    bench.upstream[0]->received.clear();
    exchange = bench.pool.start(test.request, second);
    bench.served(0, "HTTP/1.1").close();
    if (test.is_retried) {
      REQUIRE(bench.served(1, "HTTP/1.1").write(kOk));
    }
    CHECK(bench.until([&] { return second.is_over(); }));
    CHECK(second.has_ended == test.is_retried);
    CHECK(bench.pool.counters().stale_retries == (test.is_retried ? 1 : 0));
  }
}

TEST_CASE("a fresh connection that dies before an answer is no reason to send twice") {
  ClientBench bench;
  Observer observer;
  auto exchange = bench.pool.start(get_request("/"), observer);
  bench.served(0, "GET").close();
  CHECK(bench.until([&] { return observer.is_over(); }));
  REQUIRE(observer.error.has_value());
  CHECK(observer.error->code == ErrorCode::UpstreamUnavailable);
  CHECK(bench.upstream.size() == 1);
}

TEST_CASE("an idle connection that the upstream closes, or that is idle too long, is dropped") {
  ClientPoolOptions options;
  options.idle_timeout = 200ms;
  ClientBench bench(options);
  Observer observer;
  auto exchange = bench.pool.start(get_request("/"), observer);
  REQUIRE(bench.served(0, "GET").write(kOk));
  REQUIRE(bench.until([&] { return observer.has_ended; }));
  CHECK(bench.pool.connections() == 1);
  CHECK(bench.until([&] { return bench.pool.connections() == 0; }));
  CHECK(bench.until([&] { return bench.upstream[0]->has_ended; }));
}

TEST_CASE(
    "who gets a connection does not wait for one: without waiters the free ones still serve") {
  ClientPoolOptions options;
  options.connections_max = 2;
  options.waiting_max = 0;
  ClientBench bench(options);
  Observer first;
  Observer second;
  Observer refused;
  auto exchange1 = bench.pool.start(get_request("/1"), first);
  auto exchange2 = bench.pool.start(get_request("/2"), second);
  auto exchange3 = bench.pool.start(get_request("/3"), refused);
  CHECK(bench.until([&] { return refused.is_over(); }));
  CHECK(refused.error->code == ErrorCode::LimitReached);
  REQUIRE(bench.served(0, "HTTP/1.1").write(kOk));
  REQUIRE(bench.served(1, "HTTP/1.1").write(kOk));
  CHECK(bench.until([&] { return first.has_ended && second.has_ended; }));
}

TEST_CASE("requests beyond the connections wait in order, beyond the waiters they are refused") {
  ClientPoolOptions options;
  options.connections_max = 1;
  options.waiting_max = 2;
  ClientBench bench(options);
  Observer first;
  Observer second;
  Observer third;
  Observer refused;
  auto exchange1 = bench.pool.start(get_request("/1"), first);
  Peer& peer = bench.served(0, "/1");
  auto exchange2 = bench.pool.start(get_request("/2"), second);
  auto exchange3 = bench.pool.start(get_request("/3"), third);
  auto exchange4 = bench.pool.start(get_request("/4"), refused);
  CHECK_FALSE(refused.is_over());
  CHECK(bench.until([&] { return refused.is_over(); }));
  CHECK(refused.error->code == ErrorCode::LimitReached);
  CHECK(refused.error->retry_after_ms > 0);
  CHECK(bench.pool.counters().waiting_refused == 1);
  CHECK(bench.pool.waiting() == 2);
  REQUIRE(peer.write(kOk));
  static_cast<void>(bench.served(0, "/2"));
  CHECK_FALSE(peer.has_got("/3"));
  REQUIRE(peer.write(kOk));
  static_cast<void>(bench.served(0, "/3"));
  REQUIRE(peer.write(kOk));
  CHECK(bench.until([&] { return first.has_ended && second.has_ended && third.has_ended; }));
  CHECK(bench.upstream.size() == 1);
}

TEST_CASE("time is bounded: waiting, the head, the whole, and connecting") {
  ClientPoolOptions options;
  options.connections_max = 1;
  options.wait_timeout = 200ms;
  ClientBench bench(options);
  Observer slow;
  ClientRequest request = get_request("/slow");
  request.head_timeout = 600ms;
  auto exchange = bench.pool.start(std::move(request), slow);
  static_cast<void>(bench.served(0, "/slow"));
  Observer waiting;
  auto waiter = bench.pool.start(get_request("/w"), waiting);
  CHECK(bench.until([&] { return waiting.is_over(); }));
  CHECK(waiting.error->code == ErrorCode::UpstreamTimeout);
  CHECK(bench.until([&] { return slow.is_over(); }));
  CHECK(slow.error->code == ErrorCode::UpstreamTimeout);

  Observer endless;
  ClientRequest total = get_request("/endless");
  total.total_timeout = 300ms;
  auto last = bench.pool.start(std::move(total), endless);
  REQUIRE(bench.served(1, "/endless").write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  CHECK(bench.until([&] { return endless.is_over(); }));
  CHECK(endless.error->code == ErrorCode::UpstreamTimeout);
  CHECK(bench.pool.counters().timeouts == 3);
}

TEST_CASE("an upstream that is not there fails each request, and is tried again by the next") {
  const tako::test::TempDir folder;
  uv::Loop loop;
  uv::LoopTimerWheel driver(loop);
  ClientPool pool(loop, driver.wheel(), Origin{uv::UnixAddress{folder.file("none.sock")}});
  for (std::uint64_t i = 1; i <= 3; ++i) {
    Observer observer;
    auto exchange = pool.start(get_request("/"), observer);
    CHECK(loop.run_until([&] { return observer.is_over(); }, kBound));
    REQUIRE(observer.error.has_value());
    CHECK(observer.error->code == ErrorCode::UpstreamUnavailable);
    CHECK(pool.counters().connect_failures == i);
  }
}

TEST_CASE("an upgrade hands the stream over, with what came behind the 101") {
  for (const bool takes_at_once : {true, false}) {
    ClientBench bench;
    CAPTURE(takes_at_once);
    Observer observer;
    std::optional<ClientExchange::Upgraded> upgraded;
    ClientRequest request = get_request("/ws");
    request.upgrade = "websocket";
    auto exchange = bench.pool.start(std::move(request), observer);
    observer.then = [&] {
      if (takes_at_once) upgraded = exchange->take_stream();
    };
    Peer& peer = bench.served(0, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    REQUIRE(
        peer.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                   "Upgrade: websocket\r\n\r\nframe"));
    CHECK(bench.until([&] { return observer.head.has_value(); }));
    if (!takes_at_once) upgraded = exchange->take_stream();
    CHECK(observer.head->status == 101);
    CHECK(upgraded->unread == "frame");
    exchange.reset();
    CHECK(bench.until([&] { return bench.pool.connections() == 0; }));
    Peer tunnel(std::move(upgraded->stream));
    REQUIRE(tunnel.write("ping"));
    REQUIRE(peer.write("pong"));
    CHECK(bench.until([&] { return peer.has_got("ping") && tunnel.received == "pong"; }));
  }
}

TEST_CASE("an upgrade that the upstream refuses is an ordinary answer") {
  ClientBench bench;
  Observer observer;
  ClientRequest request = get_request("/ws");
  request.upgrade = "websocket";
  auto exchange = bench.pool.start(std::move(request), observer);
  REQUIRE(bench.served(0, "Upgrade").write(kOk));
  CHECK(bench.until([&] { return observer.has_ended; }));
  CHECK(observer.head->status == 200);
}

TEST_CASE("an exchange is cancelled by destroying it, in every state and in every callback") {
  ClientBench bench;
  Observer observer;
  auto exchange = bench.pool.start(get_request("/waiting"), observer);
  exchange.reset();
  exchange = bench.pool.start(get_request("/sent"), observer);
  static_cast<void>(bench.served(0, "/sent"));
  exchange.reset();
  CHECK(bench.until([&] { return bench.upstream[0]->has_ended; }));

  for (const bool in_head : {true, false}) {
    Observer ending;
    const std::size_t n = bench.upstream.size();
    exchange = bench.pool.start(get_request("/in"), ending);
    (in_head ? ending.then : ending.on_piece) = [&] { exchange.reset(); };
    REQUIRE(bench.served(n, "/in").write(kOk));
    CHECK(bench.until([&] { return exchange == nullptr; }));
    CHECK(bench.until([&] { return bench.upstream[n]->has_ended; }));
    CHECK_FALSE(ending.is_over());
  }
  CHECK_FALSE(observer.is_over());
}

TEST_CASE("a fetch is one callback: the answer, or why there is none") {
  ClientBench bench;
  std::optional<Result<WholeResponse>> result;
  std::unique_ptr<Fetch> fetch;
  fetch = std::make_unique<Fetch>(bench.pool, get_request("/f"), 5, [&](Result<WholeResponse> got) {
    result = std::move(got);
    fetch.reset();
  });
  REQUIRE(bench.served(0, "/f").write("HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello"));
  CHECK(bench.until([&] { return result.has_value(); }));
  REQUIRE(result->has_value());
  CHECK((*result)->head.status == 403);
  CHECK((*result)->body == "hello");

  result.reset();
  fetch =
      std::make_unique<Fetch>(bench.pool, get_request("/large"), 4, [&](Result<WholeResponse> got) {
        result = std::move(got);
        fetch.reset();
      });
  REQUIRE(bench.served(0, "/large").write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
  CHECK(bench.until([&] { return result.has_value(); }));
  REQUIRE_FALSE(result->has_value());
  CHECK(result->error().code == ErrorCode::UpstreamUnavailable);

  result.reset();
  fetch = std::make_unique<Fetch>(bench.pool, get_request("/never"), 4,
                                  [&](Result<WholeResponse> got) { result = std::move(got); });
  static_cast<void>(bench.served(1, "/never"));
  fetch.reset();
  CHECK(bench.until([&] { return bench.upstream[1]->is_over(); }));
  CHECK_FALSE(result.has_value());
}
