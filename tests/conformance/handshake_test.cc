// RFC 6455 section 4: the opening handshake, its faults and its answer.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/conformance/peer.h"

using namespace tako::test;

namespace {

// The good handshake with lines taken out or replaced: `changes` are header lines, and a line that
// begins with `-` takes that header out.
HttpResponse shake(const EchoPeer& peer, const std::vector<std::string>& changes,
                   const std::string& start = "GET " + EchoPeer::target() + " HTTP/1.1") {
  std::vector<std::pair<std::string, std::string>> lines = {
      {"host", "Host: " + peer.endpoint()},
      {"upgrade", "Upgrade: websocket"},
      {"connection", "Connection: Upgrade"},
      {"sec-websocket-key", "Sec-WebSocket-Key: " + std::string(kWsKey)},
      {"sec-websocket-version", "Sec-WebSocket-Version: 13"}};
  const auto name_of = [](std::string line) {
    line = line.substr(0, line.find(':'));
    for (char& letter : line) letter = static_cast<char>(std::tolower(letter));
    return line;
  };
  for (const std::string& change : changes) {
    const std::string name = name_of(change.starts_with('-') ? change.substr(1) : change);
    if (!change.starts_with('+'))
      std::erase_if(lines, [&](auto& line) { return line.first == name; });
    if (change.starts_with('-')) continue;
    const std::string added = change.starts_with('+') ? change.substr(1) : change;
    lines.emplace_back(name, added);
  }
  std::string request = start + "\r\n";
  for (const auto& [name, line] : lines) request += line + "\r\n";
  HttpConnection connection(peer.endpoint());
  connection.send_raw(request + "\r\n");
  return connection.read_response();
}

void expect_status(const std::string& name, const HttpResponse& response, int status) {
  ++EchoPeer::cases();
  INFO(name << ": " << response.body);
  CHECK(response.status == status);
  if (status >= 400) CHECK_FALSE(response.error_code().empty());
}

}  // namespace

TEST_CASE("4.2.2: the answer has the right accept key and offers nothing that was not asked") {
  const EchoPeer peer;
  const HttpResponse plain = shake(peer, {});
  expect_status("good", plain, 101);
  CHECK(plain.header("Sec-WebSocket-Accept") == kWsAccept);
  CHECK(plain.header("Upgrade") == "websocket");
  CHECK(plain.header("Connection") == "Upgrade");
  CHECK_FALSE(plain.has_header("Sec-WebSocket-Extensions"));
  CHECK_FALSE(plain.has_header("Sec-WebSocket-Protocol"));
  CHECK_FALSE(plain.has_header("Content-Length"));
}

TEST_CASE("4.2.1: names and tokens are compared as the RFC says") {
  const EchoPeer peer;
  for (const std::string change :
       {"upgrade: WebSocket", "Upgrade: WEBSOCKET", "Upgrade:websocket", "Upgrade:   websocket  ",
        "Connection: upgrade", "Connection: keep-alive, Upgrade", "Connection: UPGRADE,close-not",
        "Connection: keep-alive,\tUpgrade", "SEC-WEBSOCKET-VERSION: 13",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Extensions: x-unknown; a=1, x-other", "Sec-WebSocket-Protocol: chat, other",
        "User-Agent: anything"}) {
    const HttpResponse response = shake(peer, {change});
    expect_status(change, response, 101);
    CHECK_FALSE(response.has_header("Sec-WebSocket-Protocol"));
  }
}

TEST_CASE("4.2.1: a subprotocol is chosen only out of those offered") {
  const EchoPeer peer;
  for (const std::string offer :
       {"Sec-WebSocket-Protocol: tako.v1", "Sec-WebSocket-Protocol: chat, tako.v1",
        "Sec-WebSocket-Protocol:tako.v1,chat", "Sec-WebSocket-Protocol: other ,  tako.v1 "}) {
    const HttpResponse response = shake(peer, {offer});
    expect_status(offer, response, 101);
    CHECK(response.header("Sec-WebSocket-Protocol") == "tako.v1");
  }
  const HttpResponse twice =
      shake(peer, {"Sec-WebSocket-Protocol: chat", "+Sec-WebSocket-Protocol: tako.v1"});
  expect_status("in the second of two headers", twice, 101);
  CHECK(twice.header("Sec-WebSocket-Protocol") == "tako.v1");
}

TEST_CASE("4.2.1: a key must be 16 bytes in base64, once") {
  const EchoPeer peer;
  for (const std::string change :
       {"-Sec-WebSocket-Key", "Sec-WebSocket-Key:", "Sec-WebSocket-Key: short",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBsb25nZXI=",
        "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==",
        "+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}) {
    expect_status(change, shake(peer, {change}), 400);
  }
}

TEST_CASE("4.4: another version is 426 and says which one works") {
  const EchoPeer peer;
  for (const std::string change :
       {"Sec-WebSocket-Version: 12", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 0",
        "Sec-WebSocket-Version: 14", "Sec-WebSocket-Version: 130",
        "Sec-WebSocket-Version: thirteen", "Sec-WebSocket-Version: 1 3"}) {
    const HttpResponse response = shake(peer, {change});
    expect_status(change, response, 426);
    CHECK(response.header("Sec-WebSocket-Version") == "13");
  }
  for (const std::string change : {"-Sec-WebSocket-Version", "Sec-WebSocket-Version:"}) {
    const int status = shake(peer, {change}).status;
    ++EchoPeer::cases();
    CHECK((status == 400 || status == 426));
  }
}

TEST_CASE("4.2.1: the request must be a GET of HTTP/1.1 with a Host, a Connection token, no body") {
  const EchoPeer peer;
  const std::string target = EchoPeer::target();
  expect_status("no Host", shake(peer, {"-Host"}), 400);
  expect_status("two Hosts", shake(peer, {"+Host: " + peer.endpoint()}), 400);
  expect_status("no Connection", shake(peer, {"-Connection"}), 400);
  expect_status("Connection without the token", shake(peer, {"Connection: keep-alive"}), 400);
  expect_status("Connection with a longer token", shake(peer, {"Connection: Upgraded"}), 400);
  expect_status("a body", shake(peer, {"Content-Length: 3"}), 400);
  expect_status("a chunked body", shake(peer, {"Transfer-Encoding: chunked"}), 400);
  expect_status("a folded header", shake(peer, {"X-Fold: a\r\n b"}), 400);
  expect_status("space before the colon", shake(peer, {"X-Space : a"}), 400);
  expect_status("more behind the version", shake(peer, {}, "GET " + target + " HTTP/1.1 extra"),
                400);
  expect_status("another version", shake(peer, {}, "GET " + target + " HTTP/1.2"), 505);
  for (const std::string method : {"PUT", "DELETE", "HEAD", "PATCH"}) {
    const int status = shake(peer, {}, method + " " + target + " HTTP/1.1").status;
    ++EchoPeer::cases();
    INFO(method);
    CHECK((status == 400 || status == 405));
  }
  const int old = shake(peer, {}, "GET " + target + " HTTP/1.0").status;
  ++EchoPeer::cases();
  CHECK(old != 101);
}

TEST_CASE("10.2: a foreign origin is 403, the same host passes") {
  const EchoPeer peer;
  expect_status("same host", shake(peer, {"Origin: http://" + peer.endpoint()}), 101);
  for (const std::string& origin : std::vector<std::string>{
           "http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1.evil.example",
           "http://evil.example/" + peer.endpoint()}) {
    expect_status(origin, shake(peer, {"Origin: " + origin}), 403);
  }
  MESSAGE("cases judged so far: " << EchoPeer::cases());
}

TEST_CASE("4.2.2: frames sent in one packet with the handshake are served") {
  const EchoPeer peer;
  Socket socket = Socket::connect(peer.endpoint());
  socket.write("GET " + EchoPeer::target() + " HTTP/1.1\r\nHost: " + peer.endpoint() +
               "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: " +
               std::string(kWsKey) + "\r\n\r\n" + encode_frame({.payload = envelope("early")}));
  std::string got;
  ++EchoPeer::cases();
  CHECK(eventually([&] {
    got += socket.read().bytes;
    return got.find("early") != std::string::npos;
  }));
}
