// The proxy's heads: what goes on, what is taken out, and what is never passed.
#include "edge/server/proxy_headers.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

http::RequestHead request_of(http::Headers headers) {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/a%20b?x=1";
  head.headers = std::move(headers);
  return head;
}

http::ClientRequest upstream_of(http::Headers headers) {
  return make_upstream_request(request_of(std::move(headers)), {.ip = "1.2.3.4"});
}

}  // namespace

TEST_CASE("end-to-end fields, method, target and Host go on as they came") {
  const http::ClientRequest request =
      upstream_of({{"Host", "App.example:81"}, {"Accept", "a"}, {"Accept", "b"}});
  CHECK(request.method == "GET");
  CHECK(request.target == "/a%20b?x=1");
  CHECK(request.headers.find("host") == "App.example:81");
  CHECK(request.headers.count("accept") == 2);
  CHECK(request.headers.find("x-forwarded-proto") == "http");
  CHECK(std::holds_alternative<http::ClientRequest::NoBody>(request.body));
}

TEST_CASE("what concerns one hop, the token and Expect are taken out") {
  const http::ClientRequest request = upstream_of({{"Connection", "close, X-Hop"},
                                                   {"X-Hop", "1"},
                                                   {"TE", "trailers"},
                                                   {"Keep-Alive", "5"},
                                                   {"Expect", "100-continue"},
                                                   {"x-tako-internal-token", "guess"},
                                                   {"Upgrade", "h2c"},
                                                   {"X-End", "1"}});
  for (const char* name :
       {"connection", "x-hop", "te", "keep-alive", "expect", "upgrade", "x-tako-internal-token"}) {
    CAPTURE(name);
    CHECK(request.headers.count(name) == 0);
  }
  CHECK(request.headers.find("x-end") == "1");
  CHECK_FALSE(request.upgrade.has_value());
}

TEST_CASE("a body's framing is carried over, not its header") {
  http::RequestHead head = request_of({{"Content-Length", "7"}});
  head.body = http::BodyFraming::Length;
  head.content_length = 7;
  http::ClientRequest request = make_upstream_request(head, {});
  REQUIRE(std::holds_alternative<http::ClientRequest::Length>(request.body));
  CHECK(std::get<http::ClientRequest::Length>(request.body).bytes == 7);
  CHECK(request.headers.count("content-length") == 0);
  head.body = http::BodyFraming::Chunked;
  request = make_upstream_request(head, {});
  CHECK(std::holds_alternative<http::ClientRequest::Chunked>(request.body));
}

TEST_CASE("an absolute target becomes a path, `*` stays") {
  http::RequestHead head = request_of({});
  head.target = "http://evil.example/a?b";
  CHECK(make_upstream_request(head, {}).target == "/a?b");
  head.target = "http://evil.example";
  CHECK(make_upstream_request(head, {}).target == "/");
  head.target = "*";
  CHECK(make_upstream_request(head, {}).target == "*");
}

TEST_CASE("a WebSocket upgrade goes on, any other does not") {
  http::RequestHead head = request_of({{"Upgrade", "h2c, WebSocket"}, {"Connection", "Upgrade"}});
  head.upgrade = true;
  CHECK(is_tunnel_request(head));
  CHECK(make_upstream_request(head, {}).upgrade == "websocket");
  head.headers.set("Upgrade", "h2c");
  CHECK_FALSE(is_tunnel_request(head));
  CHECK_FALSE(make_upstream_request(head, {}).upgrade.has_value());
}

TEST_CASE("a length is told for a body, and for the one that HEAD or 304 leave out") {
  http::ResponseHead head;
  head.body = http::BodyFraming::Length;
  head.content_length = 5;
  CHECK(told_length(head) == 5);
  head.body = http::BodyFraming::None;
  CHECK(told_length(head) == std::nullopt);
  head.headers = {{"Content-Length", "1234"}};
  CHECK(told_length(head) == 1234);
  head.headers = {{"Content-Length", "12x"}};
  CHECK(told_length(head) == std::nullopt);
  head.body = http::BodyFraming::Chunked;
  CHECK(told_length(head) == std::nullopt);
}

TEST_CASE("an answer loses its hop's fields and the token") {
  http::ResponseHead head;
  head.headers = {{"Connection", "X-Hop"},
                  {"X-Hop", "1"},
                  {"Set-Cookie", "a"},
                  {"Set-Cookie", "b"},
                  {"X-Tako-Internal-Token", "leak"}};
  CHECK(make_downstream_headers(head) == http::Headers{{"Set-Cookie", "a"}, {"Set-Cookie", "b"}});
}

}  // namespace tako::edge
