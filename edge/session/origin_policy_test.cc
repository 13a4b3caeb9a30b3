// Origins: compared whole, `null` and doubled ones refused, cookies judged more strictly.
#include "edge/session/origin_policy.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

struct Asked {
  std::string origin = "-";  // "-": no Origin header
  std::string host = "app.example.com";
  std::string method = "GET";
  bool is_websocket = false;
  std::string fetch_site = "-";
};

ClientRequest request_of(const Asked& asked) {
  ClientRequest request;
  request.method = asked.method;
  request.host = asked.host;
  request.is_websocket = asked.is_websocket;
  if (asked.origin != "-") request.headers.emplace_back("origin", asked.origin);
  if (asked.fetch_site != "-") request.headers.emplace_back("sec-fetch-site", asked.fetch_site);
  return request;
}

bool same_host(std::string origin, std::string host) {
  return OriginPolicy({}).allows_origin(
      request_of({.origin = std::move(origin), .host = std::move(host)}));
}

}  // namespace

TEST_CASE("without a list the request's own host is allowed, default ports removed") {
  CHECK(same_host("https://app.example.com", "app.example.com"));
  CHECK(same_host("http://app.example.com", "app.example.com"));
  CHECK(same_host("https://APP.example.com", "App.Example.Com"));
  CHECK(same_host("https://app.example.com:443", "app.example.com"));
  CHECK(same_host("https://app.example.com", "app.example.com:443"));
  CHECK(same_host("http://app.example.com", "app.example.com:80"));
  CHECK(same_host("http://localhost:8080", "localhost:8080"));
  CHECK(same_host("http://[::1]:8080", "[::1]:8080"));
}

TEST_CASE("what only looks like the own host is refused") {
  CHECK_FALSE(same_host("https://app.example.com.evil.net", "app.example.com"));
  CHECK_FALSE(same_host("https://evilapp.example.com", "app.example.com"));
  CHECK_FALSE(same_host("https://example.com", "app.example.com"));
  CHECK_FALSE(same_host("https://app.example.com:8443", "app.example.com"));
  CHECK_FALSE(same_host("http://localhost:8081", "localhost:8080"));
  CHECK_FALSE(same_host("https://user@app.example.com", "app.example.com"));
  CHECK_FALSE(same_host("https://app.example.com/", "app.example.com"));
  CHECK_FALSE(same_host("null", "null"));
  CHECK_FALSE(same_host("", ""));
  CHECK_FALSE(same_host("://app.example.com", "app.example.com"));
  CHECK_FALSE(same_host("app.example.com", "app.example.com"));
}

TEST_CASE("a list replaces the own host and is compared whole") {
  const OriginPolicy policy({"https://a.example", "http://b.example:8080"});
  CHECK(policy.allows_origin(request_of({.origin = "https://a.example"})));
  CHECK(policy.allows_origin(request_of({.origin = "http://b.example:8080"})));
  for (const char* origin : {"http://a.example", "https://a.example:444", "https://a.example.net",
                             "https://a.exampl", "null", "https://app.example.com"}) {
    CAPTURE(origin);
    CHECK_FALSE(policy.allows_origin(request_of({.origin = origin})));
  }
}

TEST_CASE("two Origin headers are refused, even equal ones") {
  ClientRequest request = request_of({.origin = "https://app.example.com"});
  request.headers.emplace_back("origin", "https://app.example.com");
  CHECK_FALSE(OriginPolicy({}).allows_origin(request));
  CHECK_FALSE(OriginPolicy({}).accepts(request, true));
}

TEST_CASE("a WebSocket by cookie needs an allowed origin; by header a missing one is accepted") {
  const OriginPolicy policy({});
  const std::string own = "https://app.example.com";
  CHECK(policy.accepts(request_of({.origin = own, .is_websocket = true}), true));
  CHECK_FALSE(policy.accepts(request_of({.is_websocket = true}), true));
  CHECK(policy.accepts(request_of({.is_websocket = true}), false));
  CHECK_FALSE(policy.accepts(request_of({.origin = "https://x.y", .is_websocket = true}), false));
  CHECK_FALSE(policy.accepts(request_of({.origin = "null", .is_websocket = true}), false));
}

TEST_CASE("a POST by cookie needs an allowed origin") {
  const OriginPolicy policy({});
  CHECK_FALSE(policy.accepts(request_of({.method = "POST"}), true));
  CHECK_FALSE(policy.accepts(request_of({.method = "POST", .fetch_site = "same-origin"}), true));
  CHECK(policy.accepts(request_of({.origin = "http://app.example.com", .method = "POST"}), true));
  CHECK(policy.accepts(request_of({.method = "POST"}), false));
}

TEST_CASE("a GET by cookie without an origin is judged by Sec-Fetch-Site, if there is one") {
  const OriginPolicy policy({});
  CHECK(policy.accepts(request_of({}), true));
  CHECK(policy.accepts(request_of({.fetch_site = "same-origin"}), true));
  CHECK_FALSE(policy.accepts(request_of({.fetch_site = "cross-site"}), true));
  CHECK_FALSE(policy.accepts(request_of({.fetch_site = "same-site"}), true));
  CHECK_FALSE(policy.accepts(request_of({.origin = "https://x.y"}), true));
  CHECK_FALSE(policy.accepts(request_of({.origin = "null"}), true));
  CHECK(policy.accepts(request_of({.origin = "https://x.y"}), false));
}

}  // namespace tako::edge
