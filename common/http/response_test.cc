// Heads that we write, header fields, and origins.
#include "common/http/response.h"

#include <doctest/doctest.h>

#include <string>

#include "common/http/origin.h"

using namespace tako::http;

TEST_CASE("a head has its fields in order, and none that could end the line") {
  Headers headers{{"A", "1"}};
  headers.add("Bad", "x\r\nInjected: 1");
  headers.add("Bad\r\nInjected", "1");
  headers.add("Bad", std::string("a\0b", 3));
  headers.add("B", "2");
  CHECK(response_head(404, headers) == "HTTP/1.1 404 Not Found\r\nA: 1\r\nB: 2\r\n\r\n");
  CHECK(response_head(299, {}) == "HTTP/1.1 299 Unknown\r\n\r\n");
  CHECK(request_head("GET", "/x?y", {{"Host", "a"}}) == "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("errors have the catalogue's form and say when to come back") {
  tako::Error error{tako::ErrorCode::LimitReached};
  error.retry_after_ms = 1'500;
  const Response response = error_response(error);
  CHECK(response.status == 503);
  CHECK(response.headers.find("retry-after") == "2");
  CHECK(response.headers.find("content-type") == "application/json");
  CHECK(response.body.starts_with(R"({"error":{"code":"limit-reached")"));
}

TEST_CASE("chunks are announced in hex") {
  CHECK(chunk_header(0) == "0\r\n");
  CHECK(chunk_header(65'536) == "10000\r\n");
}

TEST_CASE("fields are found, listed, replaced and removed without regard to case") {
  Headers headers{{"Accept", "a"}, {"ACCEPT", "b, C"}, {"X", "y"}};
  CHECK(headers.find("accept") == "a");
  CHECK(headers.count("Accept") == 2);
  CHECK(headers.has_token("accept", "c"));
  CHECK_FALSE(headers.has_token("accept", "b, c"));
  headers.set("accept", "d");
  CHECK(headers.all("Accept") == std::vector<std::string_view>{"d"});
  headers.remove("x");
  CHECK(headers.size() == 1);
  CHECK_FALSE(headers.find("x").has_value());
}

TEST_CASE("hop-by-hop fields go, those that Connection names included") {
  Headers headers{{"Connection", "close, X-Hop"},   {"X-Hop", "1"},  {"Keep-Alive", "5"},
                  {"Upgrade", "websocket"},         {"TE", "t"},     {"Trailer", "x"},
                  {"Transfer-Encoding", "chunked"}, {"X-Stay", "1"}, {"Proxy-Authorization", "p"}};
  remove_hop_by_hop(headers);
  CHECK(headers == Headers{{"X-Stay", "1"}});
}

TEST_CASE("origins parse and print back, and say what is wrong with others") {
  for (const char* text :
       {"http://127.0.0.1:3000", "http://app:80", "http://[::1]:3000", "unix:/run/app.sock"}) {
    CAPTURE(text);
    REQUIRE(Origin::parse(text).has_value());
    CHECK(Origin::parse(text)->to_string() == text);
  }
  CHECK(Origin::parse("http://a:1/")->host() == "a:1");
  CHECK(Origin::parse("unix:/x")->host() == "localhost");
  for (const char* text : {"", "a:1", "https://a:1", "http://a", "http://[::1]", "http://a:1/x",
                           "http://u@a:1", "http://a:0", "http://:1", "unix:", "ftp://a:1"}) {
    CAPTURE(text);
    const auto refused = Origin::parse(text);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == tako::ErrorCode::ConfigInvalid);
  }
}
