// The server over real sockets: what a client sees of every state that a connection can be in.
#include "common/http/server.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/http/collected_exchange.h"
#include "common/http/test_peer.h"
#include "common/limits.h"
#include "tests/support/temp_dir.h"

using namespace std::chrono_literals;
using namespace tako::http;
using tako::http::test::kBound;
using tako::http::test::Peer;
namespace limits = tako::limits;
namespace uv = tako::uv;

namespace {

// What the test scripts for one request, and what happened to it.
struct Script {
  std::function<void(ServerConnection&)> on_body;
  std::function<void(ServerConnection&)> on_body_end;
  std::function<void(ServerConnection&)> on_writable;
  std::string body;
  bool is_whole = false;
  bool has_client_ended = false;
  int destroyed = 0;
};

class ScriptedExchange final : public Exchange {
 public:
  ScriptedExchange(ServerConnection& connection, Script& script)
      : connection_(connection), script_(script) {}
  ~ScriptedExchange() override { ++script_.destroyed; }

  void on_body(std::span<const std::byte> piece) override {
    script_.body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    if (script_.on_body) script_.on_body(connection_);
  }
  void on_body_end() override {
    script_.is_whole = true;
    if (script_.on_body_end) script_.on_body_end(connection_);
  }
  void on_writable() override {
    if (script_.on_writable) script_.on_writable(connection_);
  }
  void on_client_end() override { script_.has_client_ended = true; }

 private:
  ServerConnection& connection_;
  Script& script_;
};

class Handler final : public RequestHandler {
 public:
  std::unique_ptr<Exchange> on_request(ServerConnection& connection, RequestHead head) override {
    heads.push_back(std::move(head));
    last = &connection;
    if (on_head) on_head(connection);
    if (answers_at_once) {
      if (!connection.response_begun() && connection.is_open()) {
        connection.respond(text_response(200, std::string(heads.back().path())));
      }
      return nullptr;
    }
    if (gives_nothing) return nullptr;
    return std::make_unique<ScriptedExchange>(connection, script);
  }

  bool answers_at_once = false;
  bool gives_nothing = false;
  std::function<void(ServerConnection&)> on_head;
  std::vector<RequestHead> heads;
  ServerConnection* last = nullptr;
  Script script;
};

ServerOptions short_timeouts() {
  ServerOptions options;
  options.timeouts.head = 200ms;
  options.timeouts.idle = 300ms;
  options.timeouts.body = 200ms;
  options.timeouts.write = 300ms;
  options.timeouts.linger = 200ms;
  return options;
}

struct ServerBench {
  explicit ServerBench(const ServerOptions& options = {})
      : server(loop, driver.wheel(), handler, options),
        address(server.listen(uv::TcpAddress{"127.0.0.1", 0}).value()) {}

  [[nodiscard]] std::unique_ptr<Peer> connect() {
    auto peer = Peer::connect(loop, address);
    REQUIRE(peer != nullptr);
    return peer;
  }
  [[nodiscard]] bool until(const std::function<bool()>& condition) {
    return loop.run_until(condition, kBound);
  }

  uv::Loop loop;
  uv::LoopTimerWheel driver{loop};
  Handler handler;
  Server server;
  uv::Address address;
};

std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(more) + "\r\n";
}
std::string post(std::string_view more) {
  return "POST /p HTTP/1.1\r\nHost: a\r\n" + std::string(more);
}

void answer(ServerConnection& connection) { connection.respond(text_response(200, "done")); }

}  // namespace

TEST_CASE("requests on one connection are answered in order, pipelined ones too") {
  ServerBench bench;
  bench.handler.answers_at_once = true;
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/1") + get("/2") + get("/3")));
  CHECK(bench.until([&] { return peer->has_got("/3"); }));
  CHECK(peer->received.find("/1") < peer->received.find("/2"));
  CHECK(peer->received.find("/2") < peer->received.find("/3"));
  CHECK_FALSE(peer->is_over());
  REQUIRE(peer->write(get("/4")));
  CHECK(bench.until([&] { return peer->has_got("/4"); }));
  CHECK(bench.server.counters().requests == 4);
  CHECK(bench.server.counters().connections == 1);
}

TEST_CASE("a request that comes byte by byte is a request") {
  ServerBench bench;
  bench.handler.script.on_body_end = answer;
  auto peer = bench.connect();
  for (const char c : post("Content-Length: 5\r\n\r\nhello")) {
    REQUIRE(peer->write({&c, 1}));
    static_cast<void>(bench.loop.run_until([] { return false; }, 1ms));
  }
  CHECK(bench.until([&] { return peer->has_got("done"); }));
  CHECK(bench.handler.script.body == "hello");
}

TEST_CASE("the next pipelined request waits for the answer to this one") {
  ServerBench bench;
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/slow") + get("/next")));
  CHECK(bench.until([&] { return bench.handler.script.is_whole; }));
  CHECK_FALSE(bench.loop.run_until([&] { return bench.handler.heads.size() > 1; }, 20ms));
  answer(*bench.handler.last);
  CHECK(bench.until([&] { return bench.handler.heads.size() == 2; }));
  CHECK(bench.handler.script.destroyed == 1);
}

TEST_CASE("what a client pipelines behind an unanswered request is bounded") {
  ServerBench bench;
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/slow")));
  CHECK(bench.until([&] { return bench.handler.script.is_whole; }));
  const std::string block(64 * 1024, 'x');
  // The client is held up once the bound and the kernel's buffers are full.
  std::size_t blocks = 0;
  while (peer->write(block) && blocks < 1'000) {
    ++blocks;
    static_cast<void>(bench.loop.run_until([] { return false; }, 1ms));
  }
  CHECK(blocks < 1'000);
}

TEST_CASE("Connection and the version decide whether the connection stays") {
  struct Case {
    std::string request;
    bool stays;
  };
  for (const Case& test : {Case{get("/a"), true}, Case{get("/b", "Connection: close\r\n"), false},
                           Case{"GET /c HTTP/1.0\r\n\r\n", false},
                           Case{"GET /d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true}}) {
    ServerBench bench;
    CAPTURE(test.request);
    bench.handler.answers_at_once = true;
    auto peer = bench.connect();
    REQUIRE(peer->write(test.request));
    CHECK(bench.until([&] { return peer->has_got("\r\n\r\n/"); }));
    CHECK(peer->has_got("Connection: close") != test.stays);
    if (!test.stays) CHECK(bench.until([&] { return peer->has_ended; }));
    REQUIRE((!test.stays || peer->write(get("/again"))));
    if (test.stays) CHECK(bench.until([&] { return peer->has_got("/again"); }));
  }
}

TEST_CASE("HEAD gets the head of the answer alone, a 204 no length") {
  ServerBench bench;
  auto peer = bench.connect();
  bench.handler.script.on_body_end = answer;
  REQUIRE(peer->write("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(bench.until([&] { return peer->has_got("\r\n\r\n"); }));
  CHECK(peer->has_got("Content-Length: 4\r\n"));
  bench.handler.script.on_body_end = [](ServerConnection& c) { c.respond({204, {}, "x"}); };
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return peer->has_got("204 No Content"); }));
  bench.handler.script.on_body_end = [](ServerConnection& c) {
    c.begin_response(200, {});
    c.write_body("not for HEAD");
    c.end_response();
  };
  REQUIRE(peer->write("HEAD /s HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(bench.until([&] { return bench.handler.script.destroyed == 3; }));
  REQUIRE(peer->write(get("/end", "Connection: close\r\n")));
  CHECK(bench.until([&] { return peer->has_ended; }));
  CHECK(peer->received.find("done") == std::string::npos);
  CHECK_FALSE(peer->has_got("Content-Length: 1\r\n"));
}

TEST_CASE("a streamed answer is chunked, or counted, or ended by the connection") {
  ServerBench bench;
  std::optional<std::uint64_t> length;
  bench.handler.script.on_body_end = [&](ServerConnection& c) {
    c.begin_response(200, {{"X", "y"}, {"Content-Length", "99"}}, length);
    CHECK(c.write_body("hello "));
    CHECK(c.write_body(""));
    CHECK(c.write_body("world"));
    c.end_response();
  };
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return peer->has_got("0\r\n\r\n"); }));
  CHECK(peer->has_got("Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"));
  CHECK_FALSE(peer->has_got("99"));

  peer->received.clear();
  length = 11;
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return peer->has_got("hello world"); }));
  CHECK(peer->has_got("Content-Length: 11\r\n\r\nhello world"));

  auto old = bench.connect();
  length.reset();
  REQUIRE(old->write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(bench.until([&] { return old->has_ended; }));
  CHECK(old->received.ends_with("Connection: close\r\n\r\nhello world"));
}

TEST_CASE("a head is sent at the end of the turn, though no body has come") {
  ServerBench bench;
  bench.handler.script.on_body_end = [](ServerConnection& c) { c.begin_response(200, {}); };
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return peer->has_got("\r\n\r\n"); }));
}

TEST_CASE("an answer that breaks off resets the connection") {
  ServerBench bench;
  auto peer = bench.connect();
  bench.handler.script.on_body_end = [](ServerConnection& c) {
    c.begin_response(200, {}, 100);
    c.write_body("half");
    c.end_response();
  };
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return peer->was_reset; }));
  CHECK(bench.until([&] { return bench.server.connection_count() == 0; }));
}

TEST_CASE("a client that does not read holds up the writer, and lets it go on when it reads") {
  ServerBench bench;
  std::size_t written = 0;
  constexpr std::size_t kTotal = 32 * 1024 * 1024;
  const std::string block(64 * 1024, 'b');
  std::size_t largest_burst = 0;
  const auto pump = [&](ServerConnection& c) {
    std::size_t burst = 0;
    bool has_room = true;
    while (has_room && written < kTotal) {
      has_room = c.write_body(block);
      written += block.size();
      burst += block.size();
    }
    largest_burst = std::max(largest_burst, burst);
    if (written >= kTotal && !has_room) return;
    if (written >= kTotal) c.end_response();
  };
  bench.handler.script.on_body_end = [&](ServerConnection& c) {
    c.begin_response(200, {}, kTotal);
    pump(c);
  };
  bench.handler.script.on_writable = [&](ServerConnection& c) {
    if (written >= kTotal) {
      c.end_response();
    } else {
      pump(c);
    }
  };
  auto peer = bench.connect();
  peer->stop_reading();
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return written > 0; }));
  static_cast<void>(bench.loop.run_until([] { return false; }, 50ms));
  CHECK(written < kTotal);
  peer->start_reading();
  CHECK(bench.until([&] { return peer->received.size() > kTotal; }));
  CHECK(bench.until([&] { return bench.handler.script.destroyed == 1; }));
}

TEST_CASE("a client without any write progress is reset") {
  ServerBench bench(short_timeouts());
  bench.handler.script.on_body_end = [](ServerConnection& c) {
    c.begin_response(200, {});
    const std::string block(1024 * 1024, 'b');
    while (c.write_body(block)) {
    }
  };
  auto peer = bench.connect();
  peer->stop_reading();
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return bench.server.counters().write_timeouts == 1; }));
  CHECK(bench.until([&] { return bench.server.connection_count() == 0; }));
  CHECK(bench.handler.script.destroyed == 1);
}

TEST_CASE("malformed requests get the catalogue's form and the end of the connection") {
  ServerBench bench;
  auto peer = bench.connect();
  REQUIRE(peer->write("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"));
  CHECK(bench.until([&] { return peer->has_ended; }));
  CHECK(peer->received.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(peer->has_got(R"({"error":{"code":"bad-request","message":)"));
  CHECK(peer->has_got("Connection: close\r\n"));
  CHECK(bench.handler.heads.empty());
  CHECK(bench.server.counters().requests_malformed == 1);
}

TEST_CASE("the refusal of a large head reaches a client that is still sending it") {
  ServerBench bench;
  auto peer = bench.connect();
  REQUIRE(peer->write("GET / HTTP/1.1\r\nHost: a\r\nX: " +
                      std::string(2 * limits::kHttpHeadBytesMax, 'x')));
  CHECK(bench.until([&] { return peer->has_got("431"); }));
  for (int i = 0; i < 10; ++i) REQUIRE(peer->write(std::string(4'096, 'x')));
  CHECK(bench.until([&] { return peer->has_ended; }));
  CHECK_FALSE(peer->was_reset);
  peer->close();
  CHECK(bench.until([&] { return bench.server.connection_count() == 0; }));
}

TEST_CASE("a malformed body ends the exchange, and what it had begun is reset") {
  for (const bool has_begun : {false, true}) {
    ServerBench bench;
    CAPTURE(has_begun);
    bench.handler.on_head = [&](ServerConnection& c) {
      if (has_begun) c.begin_response(200, {});
    };
    auto peer = bench.connect();
    REQUIRE(peer->write(post("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz")));
    CHECK(bench.until([&] { return peer->is_over(); }));
    CHECK(peer->has_got("400 Bad Request") != has_begun);
    CHECK(bench.handler.script.destroyed == 1);
    CHECK_FALSE(bench.handler.script.is_whole);
  }
}

TEST_CASE("heads that do not end, bodies that stand still, and idle connections time out") {
  ServerBench bench(short_timeouts());
  auto silent = bench.connect();
  auto half_head = bench.connect();
  REQUIRE(half_head->write("GET / HT"));
  CHECK(bench.until([&] { return silent->has_ended && half_head->has_ended; }));
  CHECK(silent->received.empty());
  CHECK(half_head->has_got("408 Request Timeout"));
  CHECK(bench.server.counters().head_timeouts == 2);

  auto half_body = bench.connect();
  REQUIRE(half_body->write(post("Content-Length: 5\r\n\r\nhel")));
  CHECK(bench.until([&] { return half_body->has_ended; }));
  CHECK(half_body->has_got("408 Request Timeout"));
  CHECK(bench.server.counters().body_timeouts == 1);
  CHECK(bench.handler.script.destroyed == 1);

  bench.handler.answers_at_once = true;
  auto idle = bench.connect();
  REQUIRE(idle->write(get("/")));
  CHECK(bench.until([&] { return idle->has_ended; }));
  CHECK(idle->has_got("200 OK"));
  CHECK(bench.server.counters().idle_timeouts == 1);
}

TEST_CASE("a head that trickles does not get more time by each byte") {
  ServerBench bench(short_timeouts());
  auto peer = bench.connect();
  uv::Timer trickle(bench.loop, [&] { static_cast<void>(peer->write("x")); });
  REQUIRE(peer->write("GET / HTTP/1.1\r\nX: "));
  trickle.start_repeating(20ms);
  CHECK(bench.until([&] { return peer->has_got("408"); }));
}

TEST_CASE("a paused body holds the client up and has no time limit") {
  ServerBench bench(short_timeouts());
  bench.handler.on_head = [](ServerConnection& c) { c.pause_body(); };
  bench.handler.script.on_body_end = answer;
  auto peer = bench.connect();
  REQUIRE(peer->write(post("Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")));
  CHECK_FALSE(bench.loop.run_until([&] { return !peer->received.empty(); }, 500ms));
  bench.handler.last->resume_body();
  CHECK(bench.until([&] { return peer->has_got("HTTP/1.1 100 Continue\r\n\r\n"); }));
  REQUIRE(peer->write("hello"));
  CHECK(bench.until([&] { return peer->has_got("done"); }));
  CHECK(bench.handler.script.body == "hello");
}

TEST_CASE("body bytes that came before the pause are kept for the resume") {
  ServerBench bench;
  bench.handler.on_head = [](ServerConnection& c) { c.pause_body(); };
  bench.handler.script.on_body_end = answer;
  auto peer = bench.connect();
  REQUIRE(peer->write(post("Content-Length: 5\r\n\r\nhello") + get("/2")));
  CHECK(bench.until([&] { return bench.handler.last != nullptr; }));
  CHECK(bench.handler.script.body.empty());
  bench.handler.last->resume_body();
  CHECK(bench.until([&] { return bench.handler.heads.size() == 2; }));
  CHECK(bench.handler.script.body == "hello");
}

TEST_CASE("a body that is paused at its last piece ends after the resume") {
  ServerBench bench(short_timeouts());
  bench.handler.script.on_body = [](ServerConnection& c) { c.pause_body(); };
  auto peer = bench.connect();
  REQUIRE(peer->write(post("Content-Length: 5\r\n\r\nhello")));
  CHECK(bench.until([&] { return bench.handler.script.body == "hello"; }));
  CHECK_FALSE(bench.loop.run_until([&] { return bench.handler.script.is_whole; }, 20ms));
  bench.handler.last->resume_body();
  CHECK(bench.until([&] { return bench.handler.script.is_whole; }));
  // No more of the body is due, so the answer may take longer than a body may stand still.
  CHECK_FALSE(bench.loop.run_until([&] { return !peer->received.empty(); }, 400ms));
  answer(*bench.handler.last);
  CHECK(bench.until([&] { return peer->has_got("done"); }));
}

TEST_CASE("after an early answer a small rest of the body is dropped, a large one closes") {
  struct Case {
    std::string request;
    bool stays;
  };
  const std::string large = std::to_string(limits::kHttpDiscardBytesMax + 1);
  for (const Case& test :
       {Case{post("Content-Length: 5\r\n\r\nhello"), true},
        Case{post("Content-Length: " + large + "\r\n\r\n"), false},
        Case{post("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), false},
        Case{post("Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"), false}}) {
    ServerBench bench;
    CAPTURE(test.request);
    bench.handler.answers_at_once = true;
    auto peer = bench.connect();
    REQUIRE(peer->write(test.request));
    CHECK(bench.until([&] { return peer->has_got("200 OK"); }));
    CHECK(peer->has_got("Connection: close") != test.stays);
    if (!test.stays) CHECK(bench.until([&] { return peer->has_ended; }));
    if (test.stays) REQUIRE(peer->write(get("/next")));
    if (test.stays) CHECK(bench.until([&] { return peer->has_got("/next"); }));
    CHECK_FALSE(peer->has_got("100 Continue"));
  }
}

TEST_CASE("a client that leaves ends its exchange; one that only half closes is answered") {
  ServerBench bench;
  auto leaving = bench.connect();
  REQUIRE(leaving->write(get("/")));
  CHECK(bench.until([&] { return bench.handler.script.is_whole; }));
  leaving->reset();
  CHECK(bench.until([&] { return bench.handler.script.destroyed == 1; }));

  auto half = bench.connect();
  REQUIRE(half->write(get("/")));
  half->finish_writing();
  CHECK(bench.until([&] { return bench.handler.script.has_client_ended; }));
  answer(*bench.handler.last);
  CHECK(bench.until([&] { return half->has_ended; }));
  CHECK(half->has_got("done"));
  CHECK(bench.until([&] { return bench.server.connection_count() == 0; }));

  auto mid_body = bench.connect();
  REQUIRE(mid_body->write(post("Content-Length: 5\r\n\r\nhel")));
  CHECK(bench.until([&] { return bench.handler.script.body == "hel"; }));
  mid_body->finish_writing();
  CHECK(bench.until([&] { return bench.handler.script.destroyed == 3; }));
}

TEST_CASE("a taken stream lives on with what came behind the request; the exchange goes") {
  for (const bool is_in_handler : {true, false}) {
    ServerBench bench;
    CAPTURE(is_in_handler);
    std::optional<TakenStream> taken;
    const auto take = [&](ServerConnection& c) {
      REQUIRE(c.can_take_stream());
      taken = c.take_stream();
      CHECK_FALSE(c.is_open());
      c.respond(text_response(200, "ignored"));
    };
    if (is_in_handler) {
      bench.handler.on_head = take;
    } else {
      bench.handler.script.on_body_end = take;
    }
    auto peer = bench.connect();
    REQUIRE(peer->write(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "first frame"));
    CHECK(bench.until([&] { return taken.has_value() && bench.server.connection_count() == 0; }));
    CHECK(taken->unread == "first frame");
    CHECK(bench.handler.script.destroyed == 1);
    Peer session(std::move(taken->stream));
    REQUIRE(session.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    REQUIRE(peer->write("second"));
    CHECK(bench.until([&] { return session.received == "second" && peer->has_got("101"); }));
  }
}

TEST_CASE("a stream is taken later too, with all that came meanwhile") {
  ServerBench bench;
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n")));
  CHECK(bench.until([&] { return bench.handler.script.is_whole; }));
  REQUIRE(peer->write("one"));
  static_cast<void>(bench.loop.run_until([] { return false; }, 20ms));
  TakenStream taken = bench.handler.last->take_stream();
  CHECK(taken.unread == "one");
  CHECK(bench.until([&] { return bench.server.connection_count() == 0; }));
}

TEST_CASE("a refused upgrade closes the connection: no second request is read from it") {
  ServerBench bench;
  bench.handler.answers_at_once = true;
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + get("/evil")));
  CHECK(bench.until([&] { return peer->has_ended; }));
  CHECK(peer->has_got("Connection: close"));
  CHECK(bench.handler.heads.size() == 1);
}

TEST_CASE("a handler that neither answers nor gives an exchange is told on: 500, counted") {
  ServerBench bench;
  bench.handler.gives_nothing = true;
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/")));
  CHECK(bench.until([&] { return peer->has_got("500 Internal Server Error"); }));
  CHECK(bench.server.counters().unanswered == 1);
}

TEST_CASE("beyond the connection limit a client is told 503 and when to come back") {
  ServerOptions options;
  options.connections_max = 2;
  ServerBench bench(options);
  bench.handler.answers_at_once = true;
  auto first = bench.connect();
  auto second = bench.connect();
  CHECK(bench.until([&] { return bench.server.connection_count() == 2; }));
  auto third = bench.connect();
  REQUIRE(third->write(get("/")));
  CHECK(bench.until([&] { return third->has_ended; }));
  CHECK(third->received.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(third->has_got("Retry-After: 1\r\n"));
  CHECK(bench.server.counters().connections_refused == 1);
  CHECK(bench.handler.heads.empty());
  first->close();
  third->close();
  CHECK(bench.until([&] { return bench.server.connection_count() == 1; }));
  auto fourth = bench.connect();
  REQUIRE(fourth->write(get("/")));
  CHECK(bench.until([&] { return fourth->has_got("200 OK"); }));
}

TEST_CASE("a connection that is not admitted is closed unread") {
  ServerOptions options;
  options.admit = [](const uv::Stream& stream) {
    const auto who = stream.credentials();
    return who.has_value() && who->uid != ::getuid();
  };
  ServerBench bench(options);
  const tako::test::TempDir folder;
  const uv::Address path = uv::UnixAddress{folder.file("app.sock")};
  REQUIRE(bench.server.listen(path).has_value());
  auto peer = Peer::connect(bench.loop, path);
  CHECK(bench.until([&] { return peer->is_over(); }));
  CHECK(bench.server.counters().connections == 0);
}

TEST_CASE("a drain closes idle connections, lets requests finish, and then says so") {
  ServerBench bench;
  bool is_drained = false;
  bench.handler.answers_at_once = true;
  auto idle = bench.connect();
  REQUIRE(idle->write(get("/earlier")));
  CHECK(bench.until([&] { return idle->has_got("/earlier"); }));
  bench.handler.answers_at_once = false;
  auto busy = bench.connect();
  REQUIRE(busy->write(get("/")));
  CHECK(bench.until(
      [&] { return bench.handler.script.is_whole && bench.server.connection_count() == 2; }));
  bench.server.drain([&] { is_drained = true; });
  CHECK(bench.until([&] { return idle->has_ended; }));
  CHECK_FALSE(is_drained);
  answer(*bench.handler.last);
  CHECK(bench.until([&] { return busy->has_ended; }));
  CHECK(busy->has_got("done"));
  CHECK(busy->has_got("Connection: close"));
  busy->close();
  CHECK(bench.until([&] { return is_drained; }));
  CHECK(bench.server.listeners().empty());
}

TEST_CASE("a drain answers the first request of who has just connected") {
  ServerBench bench;
  bench.handler.answers_at_once = true;
  bool is_drained = false;
  auto peer = bench.connect();
  CHECK(bench.until([&] { return bench.server.connection_count() == 1; }));
  bench.server.drain([&] { is_drained = true; });
  CHECK_FALSE(bench.loop.run_until([&] { return is_drained || peer->is_over(); }, 20ms));
  REQUIRE(peer->write(get("/late")));
  CHECK(bench.until([&] { return peer->has_ended; }));
  CHECK(peer->has_got("/late"));
  CHECK(peer->has_got("Connection: close"));
}

TEST_CASE("a drain does not wait for long for a connection that never asks") {
  ServerBench bench(short_timeouts());
  bool is_drained = false;
  auto peer = bench.connect();
  CHECK(bench.until([&] { return bench.server.connection_count() == 1; }));
  bench.server.drain([&] { is_drained = true; });
  CHECK(bench.until([&] { return is_drained; }));
  CHECK(bench.until([&] { return peer->has_ended; }));
  CHECK(bench.server.counters().head_timeouts == 0);  // Not the client's fault.
}

TEST_CASE("a request that a drain finds unread on a kept connection is answered") {
  ServerBench bench;
  bench.handler.answers_at_once = true;
  bool is_drained = false;
  auto peer = bench.connect();
  REQUIRE(peer->write(get("/1")));
  CHECK(bench.until([&] { return peer->has_got("/1"); }));
  REQUIRE(peer->write(get("/2")));  // In the kernel: the loop does not turn in between.
  bench.server.drain([&] { is_drained = true; });
  CHECK(bench.until([&] { return peer->has_ended; }));
  CHECK(peer->has_got("/2"));
  peer->close();
  CHECK(bench.until([&] { return is_drained; }));
}

TEST_CASE("destroying the server destroys what is in flight") {
  auto bench = std::make_unique<ServerBench>();
  auto peer = bench->connect();
  REQUIRE(peer->write(get("/")));
  CHECK(bench->until([&] { return bench->handler.script.is_whole; }));
  peer.reset();
  bench.reset();
}

namespace {

class Echo final : public CollectedExchange {
 public:
  using CollectedExchange::CollectedExchange;

 private:
  void on_request_whole(std::string body) override {
    connection().respond(text_response(200, "<" + body + ">"));
  }
};

class EchoHandler final : public RequestHandler {
 public:
  std::unique_ptr<Exchange> on_request(ServerConnection& connection, RequestHead) override {
    return std::make_unique<Echo>(connection, 5);
  }
};

}  // namespace

TEST_CASE("a body is collected up to its bound, beyond it 413") {
  uv::Loop loop;
  uv::LoopTimerWheel driver(loop);
  EchoHandler handler;
  Server server(loop, driver.wheel(), handler);
  const uv::Address address = server.listen(uv::TcpAddress{"127.0.0.1", 0}).value();
  struct Case {
    std::string request;
    std::string answer;
  };
  for (const Case& test :
       {Case{post("Content-Length: 5\r\n\r\nhello"), "<hello>"}, Case{get("/"), "<>"},
        Case{post("Content-Length: 6\r\n\r\nhello!"), "413 Content Too Large"},
        Case{post("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
             "payload-too-large"}}) {
    CAPTURE(test.request);
    auto peer = Peer::connect(loop, address);
    REQUIRE(peer->write(test.request));
    CHECK(loop.run_until([&] { return peer->has_got(test.answer); }, kBound));
  }
}
