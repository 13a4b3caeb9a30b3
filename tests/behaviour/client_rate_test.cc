// How many messages a second clients may send: by connection, by subject, by channel, and what is
// told above it.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

// Slow enough that no test machine sends a message a second by chance.
std::string rated(std::string_view rate) {
  return R"([{"name":"rated","auth":{},"transport":"ws","handlers":{"say":"relay"},"clientRate":)" +
         std::string(rate) + R"(},{"name":"wire","auth":false,"transport":"ws",)" +
         R"("handlers":{"say":"relay"}}])";
}

constexpr std::string_view kSay = R"({"type":"say","data":1,"ref":1,"echo":false})";

WsClient open_rated(Cluster& tako, const Headers& headers = kGoodToken) {
  WsClient client(tako.edge(), channel_path("rated"),
                  {.headers = headers, .subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  return client;
}

// Sends until one is refused; how many were taken.
int send_until_refused(WsClient& client, Json* refusal = nullptr) {
  for (int taken = 0;; ++taken) {
    client.send_text(kSay);
    Json answer = client.next_json();
    while (answer["type"].string() == "say") answer = client.next_json();  // Somebody else's.
    if (answer["type"].string() == "tako.ack") continue;
    if (refusal != nullptr) *refusal = answer["data"];
    return taken;
  }
}

HttpResponse post(Cluster& tako, const Headers& headers = kGoodToken) {
  return http(tako.edge(), {.method = "POST",
                            .target = "/_tako/channels/rated/messages",
                            .headers = headers,
                            .body = std::string(kSay)});
}

}  // namespace

TEST_CASE("a connection has two seconds' worth at once, then is told when to come again") {
  Cluster tako(with_definitions(rated(R"({"connection":2,"subject":0,"channel":0})")));
  allow_good_tokens(tako.app());
  WsClient client = open_rated(tako);
  Json refusal = Json::parse("null");
  const std::int64_t begin = now_ms();
  const int taken = send_until_refused(client, &refusal);
  CHECK(taken >= 4);
  CHECK(taken <= 4 + 2 * (now_ms() - begin) / 1'000 + 1);
  CHECK(refusal["code"].string() == "rate-limited");
  CHECK(refusal["retryable"].boolean());
  CHECK(refusal["ref"].number() == 1);
  const double wait_ms = refusal["retryAfterMs"].number();
  CHECK(wait_ms >= 1);
  CHECK(wait_ms <= 500);
  // Another connection of the same subject has its own, and this one too by and by.
  WsClient other = open_rated(tako);
  CHECK(send_until_refused(other) >= 4);
  const std::int64_t later = now_ms() + 500;
  wait_until("its next token", [&] { return now_ms() >= later; });
  CHECK(send_until_refused(client) >= 1);
  CHECK(metric(tako.edge_admin(), R"(tako_edge_rate_limited_total{by="connection"})") >= 3);
}

TEST_CASE("a subject has its rate over all its connections and requests") {
  Cluster tako(with_definitions(rated(R"({"connection":0,"subject":1,"channel":0})")));
  allow_good_tokens(tako.app());
  WsClient one = open_rated(tako);
  WsClient two = open_rated(tako);
  CHECK(send_until_refused(one) >= 2);
  const std::int64_t begin = now_ms();
  CHECK(send_until_refused(two) <= 1 + (now_ms() - begin) / 1'000);
  const HttpResponse posted = post(tako);
  if (now_ms() - begin < 500) {
    check_refused(posted, 429, "rate-limited");
    CHECK(posted.header("retry-after") == "1");
  }
  WsClient bob = open_rated(tako, {{"Authorization", "Bearer bob"}});
  CHECK(send_until_refused(bob) >= 2);
}

TEST_CASE("a channel has its rate over all who send there") {
  Cluster tako(with_definitions(rated(R"({"connection":0,"subject":0,"channel":1})")));
  allow_good_tokens(tako.app());
  WsClient ann = open_rated(tako);
  WsClient bob = open_rated(tako, {{"Authorization", "Bearer bob"}});
  CHECK(send_until_refused(ann) >= 2);
  const std::int64_t begin = now_ms();
  CHECK(send_until_refused(bob) <= 1 + (now_ms() - begin) / 1'000);
  // The app itself is not meant.
  for (int i = 0; i < 10; ++i) static_cast<void>(tako.publish("rated", "say", "1"));
}

TEST_CASE("the plain dialect closes at once, the rich one when it goes on and on") {
  Cluster tako(with_definitions(rated(R"({"connection":1,"subject":0,"channel":0})")));
  allow_good_tokens(tako.app());
  WsClient plain(tako.edge(), channel_path("rated"), {.headers = kGoodToken});
  for (int i = 0; i < 20; ++i) plain.send_text(kSay);
  check_close(plain, 4429, "rate-limited");
  WsClient rich = open_rated(tako);
  for (int i = 0; i < 200; ++i) rich.send_text(kSay);
  int refused = 0;
  for (;;) {
    const auto frame = rich.next_frame();
    REQUIRE(frame.has_value());
    if (frame->opcode == kWsClose) {
      CHECK(frame->close_code() == 4429);
      break;
    }
    if (frame->opcode == kWsText && frame->json()["type"].string() == "tako.error") ++refused;
  }
  CHECK(refused == 100);
}

TEST_CASE("without more words the rates are those of the documents, and 0 is none") {
  Cluster tako(with_definitions(rated(R"({"connection":0,"subject":0,"channel":0})")));
  allow_good_tokens(tako.app());
  WsClient free = open_rated(tako);
  for (int i = 0; i < 500; ++i) {
    free.send_text(kSay);
    static_cast<void>(expect(free, "tako.ack"));
  }
  WsClient usual(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"});
  static_cast<void>(expect(usual, "tako.ready"));
  const std::int64_t begin = now_ms();
  const int taken = send_until_refused(usual);
  CHECK(taken >= 200);
  CHECK(taken <= 200 + 100 * (now_ms() - begin) / 1'000 + 1);
}
