// The opening handshake: RFC 6455's own example, and every way to get it wrong.
#include "edge/server/websocket_handshake.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace tako::edge {
namespace {

ClientRequest valid_request() {
  ClientRequest request;
  request.method = "GET";
  request.headers = {{"upgrade", "websocket"},
                     {"connection", "keep-alive, Upgrade"},
                     {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                     {"sec-websocket-version", "13"}};
  return request;
}

ClientRequest with(std::string_view name, std::string value) {
  ClientRequest request = valid_request();
  for (auto& [field, old] : request.headers) {
    if (field == name) old = value;
  }
  return request;
}

ClientRequest without(std::string_view name) {
  ClientRequest request = valid_request();
  std::erase_if(request.headers, [name](const auto& field) { return field.first == name; });
  return request;
}

ErrorCode fault(const ClientRequest& request) {
  const Result<void> checked = check_websocket_handshake(request);
  REQUIRE_FALSE(checked.has_value());
  return checked.error().code;
}

}  // namespace

TEST_CASE("the accept key is the one of RFC 6455 1.3") {
  CHECK(make_accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a valid handshake passes, in any case and with other tokens beside") {
  CHECK(check_websocket_handshake(valid_request()).has_value());
  CHECK(check_websocket_handshake(with("connection", "UPGRADE")).has_value());
  CHECK(asks_for_websocket(with("upgrade", "WebSocket")));
  CHECK(asks_for_websocket(with("upgrade", "h2c, websocket")));
}

TEST_CASE("an Upgrade that is not websocket is none of ours") {
  CHECK_FALSE(asks_for_websocket(with("upgrade", "h2c")));
  CHECK_FALSE(asks_for_websocket(with("upgrade", "websocket2")));
  CHECK_FALSE(asks_for_websocket(with("upgrade", "web socket")));
  CHECK_FALSE(asks_for_websocket(without("upgrade")));
}

TEST_CASE("a key that is missing, doubled or not 16 bytes is refused") {
  CHECK(fault(without("sec-websocket-key")) == ErrorCode::HandshakeInvalid);
  for (const char* key :
       {"", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZTE=",
        "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBs ZSBub25jZQ=="}) {
    CAPTURE(key);
    CHECK(fault(with("sec-websocket-key", key)) == ErrorCode::HandshakeInvalid);
  }
  ClientRequest twice = valid_request();
  twice.headers.emplace_back("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  CHECK(fault(twice) == ErrorCode::HandshakeInvalid);
}

TEST_CASE("any version but 13 is told apart, so that 426 can name the right one") {
  for (const char* version : {"12", "8", "013", "13, 8", "", "14"}) {
    CAPTURE(version);
    CHECK(fault(with("sec-websocket-version", version)) == ErrorCode::VersionUnsupported);
  }
  CHECK(fault(without("sec-websocket-version")) == ErrorCode::VersionUnsupported);
}

TEST_CASE("method, HTTP version and Connection are checked") {
  ClientRequest post = valid_request();
  post.method = "POST";
  CHECK(fault(post) == ErrorCode::HandshakeInvalid);
  ClientRequest old = valid_request();
  old.is_http_1_0 = true;
  CHECK(fault(old) == ErrorCode::HandshakeInvalid);
  CHECK(fault(without("connection")) == ErrorCode::HandshakeInvalid);
  CHECK(fault(with("connection", "keep-alive")) == ErrorCode::HandshakeInvalid);
  CHECK(fault(with("connection", "upgraded")) == ErrorCode::HandshakeInvalid);
}

TEST_CASE("the answer names the accept key and the chosen subprotocol") {
  const http::Headers plain = websocket_response_headers(valid_request(), "");
  CHECK(plain.find("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(plain.find("cache-control") == "no-store");
  CHECK(plain.find("sec-websocket-protocol") == std::nullopt);
  const http::Headers rich = websocket_response_headers(valid_request(), "tako.v1");
  CHECK(rich.find("sec-websocket-protocol") == "tako.v1");
}

TEST_CASE("lists are split at commas over several fields, without empty elements") {
  ClientRequest request;
  request.headers = {{"sec-websocket-protocol", " a ,,b,"}, {"sec-websocket-protocol", "c d"}};
  const auto elements = header_list(request, "sec-websocket-protocol");
  CHECK(elements == std::vector<std::string_view>{"a", "b", "c d"});
  request.headers = {{"sec-websocket-protocol", std::string(16'384, ' ')}};
  CHECK(header_list(request, "sec-websocket-protocol").empty());
}

}  // namespace tako::edge
