// Forwarded headers: believed from trusted proxies alone, the rightmost untrusted hop is the
// client.
#include "edge/server/forwarded.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

const ForwardedPolicy& behind_proxies() {
  static const ForwardedPolicy policy({"10.0.0.0/8", "2001:db8::/32"});
  return policy;
}

ClientOrigin judge(std::string_view peer, http::Headers headers) {
  return behind_proxies().judge(peer, headers);
}

}  // namespace

TEST_CASE("an untrusted peer is the client, whatever it says, and that is noticed") {
  const ClientOrigin origin = judge("203.0.113.9", {{"Host", "app.example.com"},
                                                    {"X-Forwarded-For", "10.0.0.1"},
                                                    {"X-Forwarded-Proto", "https"},
                                                    {"X-Forwarded-Host", "evil"}});
  CHECK(origin.ip == "203.0.113.9");
  CHECK(origin.proto == "http");
  CHECK(origin.host == "app.example.com");
  CHECK(origin.chain == "203.0.113.9");
  CHECK(origin.has_ignored_headers);
  CHECK_FALSE(judge("203.0.113.9", {{"Host", "x"}}).has_ignored_headers);
}

TEST_CASE("nobody is trusted by default, loopback neither") {
  const ForwardedPolicy policy({});
  CHECK(policy.judge("127.0.0.1", {{"X-Forwarded-For", "1.2.3.4"}}).ip == "127.0.0.1");
}

TEST_CASE("behind trusted proxies the rightmost untrusted hop is the client") {
  CHECK(judge("10.0.0.1", {{"X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.2"}}).ip ==
        "203.0.113.9");
  CHECK(judge("10.0.0.1", {{"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-For", "7.7.7.7"}}).ip ==
        "7.7.7.7");
  CHECK(judge("10.0.0.1", {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}).ip == "10.0.0.3");
  CHECK(judge("10.0.0.1", {}).ip == "10.0.0.1");
  CHECK(judge("2001:db8::1", {{"X-Forwarded-For", "2001:dead::7"}}).ip == "2001:dead::7");
}

TEST_CASE("a hop that is no address ends the walk at the last one that was") {
  CHECK(judge("10.0.0.1", {{"X-Forwarded-For", "6.6.6.6, unknown, 10.0.0.2"}}).ip == "10.0.0.2");
  CHECK(judge("10.0.0.1", {{"X-Forwarded-For", "garbage"}}).ip == "10.0.0.1");
  CHECK(judge("10.0.0.1", {{"X-Forwarded-For", ""}}).ip == "10.0.0.1");
}

TEST_CASE("Forwarded is read when X-Forwarded-For is absent") {
  CHECK(judge("10.0.0.1", {{"Forwarded", "for=6.6.6.6, proto=https; For=\"203.0.113.9:80\""}}).ip ==
        "203.0.113.9");
  CHECK(judge("10.0.0.1", {{"Forwarded", "for=\"[2001:dead::1]:443\""}}).ip == "2001:dead::1");
  CHECK(judge("10.0.0.1", {{"Forwarded", "for=6.6.6.6"}, {"X-Forwarded-For", "7.7.7.7"}}).ip ==
        "7.7.7.7");
  CHECK(judge("10.0.0.1", {{"Forwarded", "for=_hidden"}}).ip == "10.0.0.1");
}

TEST_CASE("the app is told the chain, and nothing that the client made up") {
  http::Headers headers{{"X-Forwarded-For", "spoof"},
                        {"X-Real-IP", "spoof"},
                        {"Forwarded", "for=spoof"},
                        {"X-Forwarded-Host", "spoof"},
                        {"Accept", "text/html"}};
  set_forwarded(headers, {.ip = "203.0.113.9",
                          .proto = "https",
                          .host = "a.example",
                          .chain = "203.0.113.9, 10.0.0.1"});
  CHECK(headers == http::Headers{{"Accept", "text/html"},
                                 {"Forwarded", "for=203.0.113.9;proto=https;host=\"a.example\""},
                                 {"X-Forwarded-For", "203.0.113.9, 10.0.0.1"},
                                 {"X-Forwarded-Proto", "https"},
                                 {"X-Forwarded-Host", "a.example"}});
}

TEST_CASE("an IPv6 client is quoted, a unix socket is unknown, a bad host is left out") {
  http::Headers headers;
  set_forwarded(headers, {.ip = "2001:dead::7", .host = "a\"b"});
  CHECK(headers.find("forwarded") == "for=\"[2001:dead::7]\";proto=http");
  headers.clear();
  set_forwarded(headers, {});
  CHECK(headers.find("forwarded") == "for=unknown;proto=http");
  CHECK(headers.find("x-forwarded-for") == std::nullopt);
}

}  // namespace tako::edge
