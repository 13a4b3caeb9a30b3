// The reverse proxy: everything that is not ours goes to the app, streamed, with honest headers.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

// The head that the app got for this request, lower-cased header names as they came.
std::string seen_by_app(Cluster& tako, const HttpRequest& request) {
  const HttpResponse response = http(tako.edge(), request);
  CHECK(response.status == 200);
  return response.body;
}

HttpHead head_seen_by_app(Cluster& tako, Headers headers) {
  static_cast<void>(seen_by_app(tako, {.target = "/inspect", .headers = std::move(headers)}));
  return tako.app().proxied_requests().back().head;
}

// Sends raw bytes on a new connection; the whole answer up to the close.
HttpResponse raw(Cluster& tako, std::string_view bytes, bool& closed) {
  HttpConnection connection(tako.edge());
  connection.stream().socket().offer(bytes);
  HttpResponse response = connection.read_response();
  closed = connection.closed_by_peer();
  return response;
}

// Requests whose end two parsers could see in different places, and others that are no HTTP/1.1.
std::vector<std::string> smuggling_attempts() {
  const std::string post = "POST /count HTTP/1.1\r\nHost: x\r\n";
  const std::string get = "GET /a HTTP/1.1\r\nHost: x\r\n";
  return {post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          post + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
          post + "Content-Length: 0, 44\r\n\r\n",
          post + "Content-Length: +4\r\n\r\nabcd",
          post + "Content-Length: 0x4\r\n\r\nabcd",
          post + "Content-Length: 4 4\r\n\r\nabcd",
          post + "Content-Length:\r\n\r\n",
          post + "Content-Length: 99999999999999999999\r\n\r\n",
          post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
          post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
          post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
          post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
          post + "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
          post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
          post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
          post + "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n",
          post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
          post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
          post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
          get + "X: 1\r\n folded\r\n\r\n",
          get + "X: 1\rY: 2\r\n\r\n",
          get + std::string("X: a\0b\r\n\r\n", 10),
          get + "Host: y\r\n\r\n",
          get + "Bad Name: 1\r\n\r\n",
          get + ": empty\r\n\r\n",
          get + "no colon\r\n\r\n",
          "GET /a HTTP/1.1\r\n\r\n",
          "GET /a HTTP/1.1\r\nHost: x y\r\n\r\n",
          "GET /a HTTP/1.1\r\n Host: x\r\n\r\n",
          "GET /a HTTP/1.1\nHost: x\n\n",
          "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
          "GET /a\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
          "GET /a HTTP/1.1 b\r\nHost: x\r\n\r\n",
          "G@T /a HTTP/1.1\r\nHost: x\r\n\r\n"};
}

}  // namespace

TEST_CASE("paths that are not ours reach the app as they are, with method, query and body") {
  Cluster tako(with_definitions());
  const HttpResponse response = http_get(tako.edge(), "/some/path?x=1&y=%20");
  CHECK(response.body == "app /some/path?x=1&y=%20");
  CHECK(http(tako.edge(), {.method = "PATCH", .target = "/echo", .body = "body"}).body == "body");
  CHECK(tako.app().proxied_requests().back().method == "PATCH");
  CHECK(http(tako.edge(), {.method = "HEAD", .target = "/x"}).status == 200);
}

TEST_CASE("an app on a unix socket is served alike") {
  ClusterOptions options = with_definitions();
  options.app_on_unix_socket = true;
  Cluster tako(options);
  CHECK(http_get(tako.edge(), "/unix").body == "app /unix");
}

TEST_CASE("without an upstream there is a page that says so") {
  Cluster tako({.has_app = false});
  const HttpResponse response = http_get(tako.edge(), "/");
  CHECK(response.status == 404);
  CHECK(response.body.find("upstream") != std::string::npos);
}

TEST_CASE("a dead app is 502, and one that comes back is served again") {
  Cluster tako(with_definitions());
  CHECK(http_get(tako.edge(), "/a").status == 200);
  tako.app().stop();
  const HttpResponse response = http_get(tako.edge(), "/b");
  CHECK(response.status == 502);
  CHECK(response.error_code() == "upstream-unavailable");
  tako.app().start();
  CHECK(http_get(tako.edge(), "/c").body == "app /c");
}

TEST_CASE("a large upload is streamed, with a length and in chunks") {
  Cluster tako(with_definitions());
  const std::string body(32UL * 1024 * 1024, 'u');
  CHECK(http(tako.edge(), {.method = "POST", .target = "/count", .body = body})
            .json()["bytes"]
            .number() == static_cast<double>(body.size()));
  HttpConnection connection(tako.edge());
  connection.send_raw("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string piece(0x10000, 'c');
  for (int chunk = 0; chunk < 64; ++chunk) connection.send_raw("10000\r\n" + piece + "\r\n");
  connection.send_raw("0\r\n\r\n");
  CHECK(connection.read_response().json()["bytes"].number() == 64.0 * 0x10000);
}

TEST_CASE("request and response flow at the same time, piece by piece") {
  Cluster tako(with_definitions());
  HttpConnection connection(tako.edge());
  connection.send_raw("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto head = connection.stream().read_head();
  REQUIRE(head.has_value());
  connection.stream().begin_body(Framing::of_response(*head, "POST"));
  for (const char* piece : {"one", "two", "six"}) {
    connection.send_raw("3\r\n" + std::string(piece) + "\r\n");
    CHECK(connection.stream().read_body_some() == piece);  // Before the request has ended.
  }
  connection.send_raw("0\r\n\r\n");
  CHECK_FALSE(connection.stream().read_body_some().has_value());
}

TEST_CASE("a slow reader holds the app back instead of filling the edge") {
  Cluster tako(with_definitions());
  std::atomic<std::size_t> sent = 0;
  constexpr std::size_t kTotal = 64UL * 1024 * 1024;
  tako.app().on("/flood", [&sent](const StubRequest&, HttpStream& stream) {
    stream.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kTotal) + "\r\n\r\n");
    const std::string piece(65536, 'f');
    while (sent < kTotal &&
           stream.socket().offer(piece, std::chrono::seconds(60)) == piece.size()) {
      sent += piece.size();
    }
    return false;
  });
  HttpConnection connection(tako.edge());
  connection.send({.target = "/flood"});
  auto head = connection.stream().read_head();
  REQUIRE(head.has_value());
  // Reads nothing until the app is held up: it stops growing while most is still unsent.
  std::size_t before = 1;
  wait_until("the app to be held back", [&] {
    const std::size_t now = sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return std::exchange(before, now) == now && now > 0;
  });
  CHECK(sent < kTotal / 2);
  connection.stream().begin_body(Framing::of_response(*head, "GET"));
  CHECK(connection.stream().read_body().size() == kTotal);
}

TEST_CASE("client connections are kept alive and pipelined requests answered in order") {
  Cluster tako(with_definitions());
  HttpConnection connection(tako.edge());
  for (int number = 0; number < 5; ++number) {
    connection.send({.target = "/" + std::to_string(number)});
  }
  for (int number = 0; number < 5; ++number) {
    CHECK(connection.read_response().body == "app /" + std::to_string(number));
  }
  connection.send({.target = "/last", .headers = {{"Connection", "close"}}});
  CHECK(connection.read_response().body == "app /last");
  CHECK(connection.closed_by_peer());
  CHECK(tako.app().connection_count() <= 2);
}

TEST_CASE("an upgrade passes through, and bytes flow both ways") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), "/upgrade");
  REQUIRE(client.status() == 101);
  CHECK(client.response().header("upgrade") == "websocket");
  for (const std::size_t size : {std::size_t{5}, std::size_t{1'000'000}}) {
    const std::string sent(size, 'w');
    std::jthread writer([&] { client.send_raw(sent); });
    std::string received;
    while (received.size() < size) {
      const ReadResult result = client.stream().read_raw();
      REQUIRE(result.kind == ReadResult::Kind::Bytes);
      received += result.bytes;
    }
    CHECK(received == sent);
  }
}

TEST_CASE("forwarded headers say what the edge knows, not what an untrusted client claims") {
  Cluster tako(with_definitions());
  const HttpHead head = head_seen_by_app(tako, {{"Host", "shop.example"},
                                                {"X-Forwarded-For", "6.6.6.6"},
                                                {"X-Forwarded-Host", "evil.example"},
                                                {"X-Forwarded-Proto", "https"},
                                                {"Forwarded", "for=6.6.6.6"}});
  CHECK(head.header("x-forwarded-for") == "127.0.0.1");
  CHECK(head.header("x-forwarded-proto") == "http");
  CHECK(head.header("x-forwarded-host") == "shop.example");
  CHECK(head.header("host") == "shop.example");
  CHECK(head.header("forwarded").value_or("").find("6.6.6.6") == std::string::npos);
  CHECK(head.header_count("x-forwarded-for") == 1);
  tako.edge_process().wait_for_text("trusted_proxies");  // Logged once, with the fix.
}

TEST_CASE("a trusted proxy's forwarded headers are believed and added to") {
  ClusterOptions options = with_definitions();
  options.edge_config = "trusted_proxies = [\"127.0.0.1/32\"]\n";
  Cluster tako(options);
  const HttpHead head = head_seen_by_app(
      tako, {{"X-Forwarded-For", "6.6.6.6, 7.7.7.7"}, {"X-Forwarded-Proto", "https"}});
  CHECK(head.header("x-forwarded-for") == "6.6.6.6, 7.7.7.7, 127.0.0.1");
  CHECK(head.header("x-forwarded-proto") == "https");
  CHECK(SseClient(tako.edge(), channel_path("chat", "roomId=1"),
                  {{"Authorization", "Bearer good"}, {"X-Forwarded-For", "6.6.6.6, 7.7.7.7"}})
            .status() == 200);
  CHECK(tako.app().authorize_calls().at(0).json()["ip"].string() == "7.7.7.7");
}

TEST_CASE("hop-by-hop headers go no further, in either direction") {
  Cluster tako(with_definitions());
  const HttpHead head = head_seen_by_app(tako, {{"Connection", "x-hop, keep-alive"},
                                                {"X-Hop", "1"},
                                                {"Keep-Alive", "timeout=5"},
                                                {"Proxy-Connection", "x"},
                                                {"TE", "trailers"},
                                                {"X-End", "2"}});
  for (const char* name : {"x-hop", "keep-alive", "proxy-connection", "te"}) {
    CAPTURE(name);
    CHECK_FALSE(head.header(name).has_value());
  }
  CHECK(head.header("x-end") == "2");
  tako.app().on("/hop", [](const StubRequest&, HttpStream& stream) {
    stream.write(
        "HTTP/1.1 200 OK\r\nConnection: x-private\r\nX-Private: 1\r\nX-Public: 2\r\n"
        "Keep-Alive: timeout=9\r\nContent-Length: 0\r\n\r\n");
    return true;
  });
  const HttpResponse response = http_get(tako.edge(), "/hop");
  CHECK_FALSE(response.has_header("x-private"));
  CHECK_FALSE(response.has_header("keep-alive"));
  CHECK(response.header("x-public") == "2");
}

TEST_CASE("the internal token comes neither in from outside nor out from the app") {
  Cluster tako(with_definitions());
  CHECK_FALSE(head_seen_by_app(tako, {{"X-Tako-Internal-Token", "guess"}})
                  .header("x-tako-internal-token")
                  .has_value());
  tako.app().on("/leak", [](const StubRequest&, HttpStream& stream) {
    stream.write("HTTP/1.1 200 OK\r\nX-Tako-Internal-Token: leak\r\nContent-Length: 0\r\n\r\n");
    return true;
  });
  CHECK_FALSE(http_get(tako.edge(), "/leak").has_header("x-tako-internal-token"));
}

TEST_CASE("the app's callbacks cannot be reached from outside, however they are spelt") {
  Cluster tako(with_definitions());
  for (const char* path :
       {"/channels/authorize", "/channels/dispatch", "/channels/authorize?x=1",
        "/channels/%61uthorize", "/channels%2Fauthorize", "/./channels/authorize",
        "/x/../channels/authorize", "/channels/x/../authorize", "/x/%2e%2e/channels/authorize",
        "/channels/./dispatch"}) {
    CAPTURE(path);
    CHECK(http(tako.edge(), {.method = "POST", .target = path, .body = "{}"}).status == 404);
  }
  CHECK(http_get(tako.edge(), "/x", {{"Host", "default.tako"}}).status == 404);
  CHECK(tako.app().authorize_count() == 0);
  CHECK(tako.app().proxied_requests().empty());
}

TEST_CASE("heads that are too large are refused: 431, 414, and the count") {
  Cluster tako(with_definitions());
  bool closed = false;
  const std::string start = "GET /x HTTP/1.1\r\nHost: x\r\n";
  CHECK(raw(tako, start + "A: " + std::string(17'000, 'a') + "\r\n\r\n", closed).status == 431);
  CHECK(closed);
  std::string many = start;
  for (int number = 0; number < 2000; ++number) many += "A" + std::to_string(number) + ": 1\r\n";
  CHECK(raw(tako, many + "\r\n", closed).status == 431);
  CHECK(raw(tako, "GET /" + std::string(9'000, 'u') + " HTTP/1.1\r\nHost: x\r\n\r\n", closed)
            .status == 414);
  CHECK(http_get(tako.edge(), "/ok").status == 200);
  CHECK(tako.app().proxied_requests().size() == 1);
}

TEST_CASE("request smuggling is 400 and the connection ends") {
  Cluster tako(with_definitions());
  for (const std::string& attempt : smuggling_attempts()) {
    CAPTURE(attempt);
    bool closed = false;
    const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(raw(tako, attempt + hidden, closed).status == 400);
    CHECK(closed);
  }
  for (const StubRequest& request : tako.app().proxied_requests()) {
    CHECK(request.target != "/hidden");
  }
  CHECK(http_get(tako.edge(), "/ok").status == 200);
}

TEST_CASE("an honest other version is 505, an honest unknown method 501, and the connection ends") {
  Cluster tako(with_definitions());
  const std::string rest = "\r\nHost: x\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
  bool closed = false;
  for (const char* version : {"HTTP/9.9", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9"}) {
    CAPTURE(version);
    CHECK(raw(tako, "GET /a " + std::string(version) + rest, closed).status == 505);
    CHECK(closed);
  }
  CHECK(raw(tako, "BREW /a HTTP/1.1" + rest, closed).status == 501);
  CHECK(closed);
  CHECK(tako.app().proxied_requests().empty());
}

TEST_CASE("a refused upgrade is no tunnel: what follows it is not served as one") {
  Cluster tako(with_definitions());
  HttpConnection connection(tako.edge());
  connection.send_raw("GET " + channel_path("wire") +
                      " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: " +
                      std::string(kWsKey) + "\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(connection.read_response().status == 426);
  CHECK(connection.closed_by_peer());
  CHECK(tako.app().proxied_requests().empty());
}

TEST_CASE("Expect: 100-continue is answered, and the upload follows") {
  Cluster tako(with_definitions());
  HttpConnection connection(tako.edge());
  connection.send_raw(
      "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  const auto interim = connection.stream().read_head();
  REQUIRE(interim.has_value());
  CHECK(interim->status() == 100);
  connection.send_raw("abcd");
  CHECK(connection.read_response().json()["bytes"].number() == 4);
}

TEST_CASE("a client that leaves in the middle frees the app, and an app that does is told") {
  Cluster tako(with_definitions());
  std::atomic<bool> noticed = false;
  tako.app().on("/wait", [&noticed](const StubRequest&, HttpStream& stream) {
    noticed = stream.read_raw(std::chrono::seconds(60)).is_closed();
    return false;
  });
  {
    HttpConnection connection(tako.edge());
    connection.send({.target = "/wait"});
    wait_until("the request to arrive", [&] { return tako.app().proxied_requests().size() == 1; });
  }
  wait_until("the app to notice", [&] { return noticed.load(); });
  tako.app().on("/half", [](const StubRequest&, HttpStream& stream) {
    stream.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    return false;
  });
  const HttpResponse half = http_get(tako.edge(), "/half");
  CHECK(half.body == "half");
  CHECK_FALSE(half.complete);
}
