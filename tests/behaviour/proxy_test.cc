// The reverse proxy: everything that is not ours goes to the app, streamed, with honest headers.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

HttpHead head_seen_by_app(Cluster& tako, Headers headers) {
  CHECK(http_get(tako.edge(), "/x", std::move(headers)).status == 200);
  return tako.app().proxied_requests().back().head;
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
  CHECK(head_seen_by_app(tako, {{"X-Forwarded-For", "6.6.6.6"}}).header("x-forwarded-for") ==
        "127.0.0.1");
  const std::string log = tako.edge_process().errors();
  CHECK(log.find("trusted_proxies") == log.rfind("trusted_proxies"));
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

TEST_CASE("a leaving edge finishes the requests that are in flight, and takes no new ones") {
  Cluster tako(with_definitions());
  std::atomic<bool> may_answer = false;
  tako.app().on("/slow", [&may_answer](const StubRequest&, HttpStream& stream) {
    wait_until("leave to answer", [&] { return may_answer.load(); });
    stream.write(response_bytes({.body = "done"}));
    return true;
  });
  HttpConnection connection(tako.edge());
  connection.send({.target = "/slow"});
  wait_until("the request to arrive", [&] { return tako.app().proxied_requests().size() == 1; });
  tako.edge_process().signal(15);
  wait_until("the edge to listen no more", [&] { return !Socket::reachable(tako.edge()); });
  may_answer = true;
  CHECK(connection.read_response().body == "done");
  CHECK(tako.edge_process().wait_for_exit() == 0);
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
