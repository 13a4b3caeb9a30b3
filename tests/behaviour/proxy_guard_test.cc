// What never passes the reverse proxy: callbacks, the internal token, and requests of two meanings.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

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

TEST_CASE("the internal token comes neither in from outside nor out from the app") {
  Cluster tako(with_definitions());
  CHECK(http_get(tako.edge(), "/x", {{"X-Tako-Internal-Token", "guess"}}).status == 200);
  CHECK_FALSE(tako.app().proxied_requests().back().head.header("x-tako-internal-token"));
  tako.app().on("/leak", [](const StubRequest&, HttpStream& stream) {
    stream.write("HTTP/1.1 200 OK\r\nX-Tako-Internal-Token: leak\r\nContent-Length: 0\r\n\r\n");
    return true;
  });
  CHECK_FALSE(http_get(tako.edge(), "/leak").has_header("x-tako-internal-token"));
  tako.app().on("/leaking-upgrade", [](const StubRequest&, HttpStream& stream) {
    stream.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "X-Tako-Internal-Token: leak\r\n\r\n");
    return false;
  });
  WsClient tunnel(tako.edge(), "/leaking-upgrade",
                  {.headers = {{"X-Tako-Internal-Token", "guess"}}});
  CHECK(tunnel.status() == 101);
  CHECK_FALSE(tunnel.response().has_header("x-tako-internal-token"));
  CHECK_FALSE(tako.app().proxied_requests().back().head.header("x-tako-internal-token"));
}

TEST_CASE("the app's callbacks cannot be reached from outside, however they are spelt") {
  Cluster tako(with_definitions());
  for (const char* path :
       {"/channels/authorize", "/channels/dispatch", "/channels/events", "/channels/authorize?x=1",
        "/channels/%61uthorize", "/channels%2Fauthorize", "/./channels/authorize",
        "/x/../channels/authorize", "/channels/x/../authorize", "/x/%2e%2e/channels/authorize",
        "/channels/./dispatch", "//channels//authorize", "/channels/authorize/"}) {
    CAPTURE(path);
    CHECK(http(tako.edge(), {.method = "POST", .target = path, .body = "{}"}).status == 404);
  }
  for (const char* host : {"default.tako", "DEFAULT.TAKO", "default.tako:80", "default.tako.",
                           "x.default.tako", ".tako"}) {
    CAPTURE(host);
    CHECK(http_get(tako.edge(), "/x", {{"Host", host}}).status == 404);
    CHECK(http_get(tako.edge(), channel_path("feed"), {{"Host", host}}).status == 404);
  }
  CHECK(http_get(tako.edge(), "http://default.tako/x", {{"Host", "default.tako"}}).status == 404);
  CHECK(http_get(tako.edge(), "http://default.tako/x", {{"Host", "shop.example"}}).status == 400);
  CHECK(http(tako.edge(), {.method = "POST",
                           .target = "http://shop.example/channels/authorize",
                           .headers = {{"Host", "shop.example"}},
                           .body = "{}"})
            .status == 404);
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
