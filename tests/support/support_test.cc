// The test tools against each other: what they say about the product must not be their own mistake.
#include <doctest/doctest.h>

#include "tests/support/http_client.h"
#include "tests/support/json.h"
#include "tests/support/process.h"
#include "tests/support/sse_client.h"
#include "tests/support/stub_app.h"
#include "tests/support/temp_dir.h"
#include "tests/support/ws_client.h"

using namespace tako::test;

TEST_CASE("frames are as in the examples of RFC 6455 5.7") {
  CHECK(encode_frame({.payload = "Hello"}) == "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  CHECK(encode_frame({.masked = false, .payload = "Hello"}) == "\x81\x05Hello");
  CHECK(encode_frame({.fin = false, .masked = false, .payload = "Hel"}) == "\x01\x03Hel");
  const std::string large =
      encode_frame({.opcode = kWsBinary, .masked = false, .payload = std::string(65536, 'x')});
  CHECK(large.substr(0, 10) == std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10));
  CHECK(close_payload(4410, "gone") == "\x11\x3agone");
}

TEST_CASE("the stub app streams a body back, counts it, and keeps the connection") {
  StubApp app;
  HttpConnection connection(app.endpoint());
  const std::string body(300'000, 'b');
  CHECK(connection.request({.method = "POST", .target = "/echo", .body = body}).body == body);
  const HttpResponse counted =
      connection.request({.method = "POST",
                          .target = "/count",
                          .headers = {{"Transfer-Encoding", "chunked"}},
                          .body = "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"});
  CHECK(counted.json()["bytes"].number() == 13);
  CHECK(connection.request({.target = "/inspect"}).body.starts_with("GET /inspect HTTP/1.1\r\n"));
  CHECK(app.connection_count() == 1);
}

TEST_CASE("the stub app records authorize calls, answers late or never, dies and comes back") {
  StubApp app;
  const HttpRequest call{.method = "POST", .target = "/channels/authorize", .body = R"({"a":1})"};
  CHECK(http(app.endpoint(), call).body == R"({"ok":true})");
  CHECK(app.authorize_calls().at(0).json()["a"].number() == 1);
  app.authorize_with({.status = 403, .delay = Duration(5)});
  CHECK(http(app.endpoint(), call).status == 403);
  app.authorize_with({.never = true});
  CHECK_THROWS_AS(static_cast<void>(http(app.endpoint(), call, Duration(50))), TestFailure);
  app.stop();
  CHECK_FALSE(Socket::reachable(app.endpoint()));
  app.start();
  CHECK(http_get(app.endpoint(), "/x").body == "app /x");
}

TEST_CASE("an upgraded connection of the stub app gives every byte back") {
  StubApp app;
  WsClient client(app.endpoint(), "/upgrade");
  REQUIRE(client.is_open());
  client.send_raw(encode_frame({.masked = false, .payload = "hi"}));
  CHECK(client.next_data().payload == "hi");
}

TEST_CASE("the SSE client shows every line of a block, and the end") {
  StubApp app;
  app.on("/events", [](const StubRequest&, HttpStream& stream) {
    stream.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    stream.write("id: 0-aa\n\n: keepalive\n\nid: 1-aa\nda");
    stream.write("ta: {\"data\":7}\n\n");
    return false;
  });
  SseClient client(app.endpoint(), "/events");
  REQUIRE(client.is_open());
  CHECK(client.opening_id() == "0-aa");
  CHECK(client.next().comments == std::vector<std::string>{"keepalive"});
  CHECK(client.next_message().raw == "id: 1-aa\ndata: {\"data\":7}");
  CHECK(client.last_id() == "1-aa");
  CHECK(client.ends());
}

TEST_CASE("a process is watched from its first line to its exit status") {
  const TempDir folder;
  Process shell({.program = "/bin/sh",
                 .arguments = {"-c", "echo ready; echo at $WHERE >&2; exit 3"},
                 .environment = {{"WHERE", "home"}},
                 .output_folder = folder.path(),
                 .name = "shell"});
  CHECK(shell.output_line(0) == "ready");
  shell.wait_for_text("at home");
  CHECK_THROWS_AS(static_cast<void>(shell.output_after("never ")), TestFailure);
  CHECK(shell.wait_for_exit() == 3);
}

TEST_CASE("JSON compares without regard to the order of members") {
  CHECK(Json::parse(R"({"a":1,"b":[true,null]})") == Json::parse(R"({"b":[true,null],"a":1})"));
  CHECK_FALSE(Json::parse("{\"a\":1}") == Json::parse("{\"a\":2}"));
  CHECK_THROWS_AS(static_cast<void>(Json::parse("{}")["missing"]), TestFailure);
}
