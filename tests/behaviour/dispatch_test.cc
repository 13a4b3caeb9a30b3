// What the app decides about clients' messages: what becomes of them, in which order, and once.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

constexpr std::string_view kDesk = R"([
  {"name":"desk","auth":{},"transport":"ws",
   "paramsSchema":{"type":"object","properties":{"n":{"type":"integer"},"who":{"type":"string"}}},
   "contextParams":["who"],
   "handlers":{"ask":"dispatch","say":"relay","typing":"ephemeral"}},
  {"name":"open","auth":false,"transport":"ws","handlers":{"ask":"dispatch","say":"relay"}}])";

const std::string kPath = channel_path("desk", "n=7&who=me&more=1");

std::string post_path() { return "/_tako/channels/desk/messages?n=7"; }

std::string ask(std::string_view data, std::string_view more = "") {
  return R"({"type":"ask","data":)" + std::string(data) + std::string(more) + "}";
}

WsClient open_desk(Cluster& tako, const Headers& headers = kGoodToken) {
  WsClient client(tako.edge(), kPath, {.headers = headers, .subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  return client;
}

HttpResponse post(Cluster& tako, std::string body, Headers more = {}) {
  Headers headers = kGoodToken;
  headers.insert(headers.end(), more.begin(), more.end());
  headers.push_back({"Content-Type", "application/json"});
  return http(tako.edge(), {.method = "POST",
                            .target = post_path(),
                            .headers = std::move(headers),
                            .body = std::move(body)});
}

}  // namespace

TEST_CASE("the app is asked with what it must know, over a call that only the edge can make") {
  Cluster tako(with_definitions(kDesk));
  allow_good_tokens(tako.app());
  tako.app().dispatch_with({.body = R"({"action":"drop"})"});
  WsClient client = open_desk(tako);
  client.send_text(ask(R"({"b":1.0, "a":"\u00e9"})", R"(,"ref":1,"idempotencyKey":"k1")"));
  const Json ack = expect(client, "tako.ack");
  CHECK(ack["data"].print() == R"({"ref":1,"id":null})");
  const StubRequest call = tako.app().wait_for_dispatch_calls(1).front();
  CHECK(call.method == "POST");
  CHECK(call.head.header("host") == "default.tako");
  CHECK(call.head.header("x-tako-internal-token") == Cluster::app_secret());
  CHECK(call.head.header("content-type") == "application/json");
  CHECK(call.body == R"({"app":"default","channel":"desk","params":{"more":"1","n":7,"who":"me"},)"
                     R"("subject":"ann","type":"ask","data":{"b":1.0,"a":"\u00e9"},)"
                     R"("idempotencyKey":"k1","ip":"127.0.0.1"})");
  // Who is nobody in particular has no subject, and an address all the same.
  WsClient nobody(tako.edge(), channel_path("open"));
  nobody.send_text(ask("1"));
  CHECK(tako.app().wait_for_dispatch_calls(2).back().body ==
        R"({"app":"default","channel":"open","params":{},"type":"ask","data":1,"ip":"127.0.0.1"})");
}

TEST_CASE("what the app returns is published, stored, and stamped with its sender") {
  Cluster tako(with_definitions(kDesk));
  allow_good_tokens(tako.app());
  tako.app().dispatch_with({.body = R"({"action":"fanout","data":{"text":"hello","n": 1}})"});
  WsClient ann = open_desk(tako);
  WsClient bob = open_desk(tako, {{"Authorization", "Bearer bob"}});
  ann.send_text(ask(R"("hi")", R"(,"ref":1)"));
  const Json heard = bob.next_json();
  CHECK(heard["type"].string() == "ask");
  CHECK(heard["data"].print() == R"({"text":"hello","n":1})");
  CHECK(heard["subject"].string() == "ann");
  std::vector<std::string> own{ann.next_json()["type"].string(), ann.next_json()["type"].string()};
  std::ranges::sort(own);
  CHECK(own == std::vector<std::string>{"ask", "tako.ack"});
  const HttpResponse stored = tako.api("GET", "/v1/channels/desk/messages?n=7");
  CHECK(stored.json()["messages"][0]["id"].string() == heard["id"].string());
  CHECK(stored.json()["messages"][0]["subject"].string() == "ann");

  tako.app().dispatch_with({.body = R"({"action":"fanout"})"});  // As it was sent.
  ann.send_text(ask(R"([1, 2])", R"(,"echo":false,"ref":2)"));
  CHECK(bob.next_json()["data"].print() == "[1,2]");
  CHECK(expect(ann, "tako.ack")["data"]["ref"].number() == 2);  // And no echo before it.
}

TEST_CASE("a rejection is told with its reason, to its sender alone") {
  Cluster tako(with_definitions(kDesk));
  allow_good_tokens(tako.app());
  tako.app().dispatch_with({.body = R"({"action":"reject","reason":"not \"here\""})"});
  WsClient ann = open_desk(tako);
  WsClient bob = open_desk(tako, {{"Authorization", "Bearer bob"}});
  ann.send_text(ask("1", R"(,"ref":"r")"));
  const Json error = expect(ann, "tako.error")["data"];
  CHECK(error["ref"].string() == "r");
  CHECK(error["code"].string() == "message-rejected");
  CHECK(error["message"].string() == "not \"here\"");
  CHECK_FALSE(error["retryable"].boolean());
  const HttpResponse posted = post(tako, ask("1"));
  check_refused(posted, 403, "message-rejected");
  CHECK(posted.error_message() == "not \"here\"");
  WsClient plain(tako.edge(), kPath, {.headers = kGoodToken});
  plain.send_text(ask("1"));
  check_close(plain, 4415, "message-rejected");
  bob.send_text(R"({"type":"say","data":"the first that anyone hears"})");
  CHECK(bob.next_json()["data"].string() == "the first that anyone hears");
}

TEST_CASE("POST: published, dropped, and the same key again") {
  Cluster tako(with_definitions(kDesk));
  allow_good_tokens(tako.app());
  tako.app().on_dispatch([&tako](const Json&) -> StubReply {
    return {.body = R"({"action":"fanout","data":)" + std::to_string(tako.app().dispatch_count()) +
                    "}"};
  });
  const HttpResponse first = post(tako, ask("0"), {{"Idempotency-Key", "k"}});
  CHECK(first.status == 201);
  CHECK(first.json()["data"].number() == 1);
  CHECK(first.json()["subject"].string() == "ann");
  // The handler is asked again, and says something else; who listens has it once.
  const HttpResponse again = post(tako, ask("0"), {{"Idempotency-Key", "k"}});
  CHECK(again.status == 200);
  CHECK(again.json()["id"].string() == first.json()["id"].string());
  CHECK(tako.app().dispatch_count() == 2);
  check_refused(post(tako, ask("1"), {{"Idempotency-Key", "k"}}), 409, "idempotency-key-reused");
  const Json stored = tako.api("GET", "/v1/channels/desk/messages?n=7").json()["messages"];
  REQUIRE(stored.size() == 1);
  CHECK(stored[0]["data"].number() == 1);
  tako.app().dispatch_with({.body = R"({"action":"drop"})"});
  const HttpResponse dropped = post(tako, ask("2"));
  CHECK(dropped.status == 200);
  CHECK(dropped.body == R"({"dropped":true})");
}

TEST_CASE("the messages of a connection keep their order behind a slow handler; others go on") {
  Cluster tako(with_definitions(kDesk));
  allow_good_tokens(tako.app());
  tako.app().on_dispatch([](const Json& call) -> StubReply {
    const bool is_slow = call["data"].print() == "1";
    return {.body = R"({"action":"fanout"})", .delay = Duration(is_slow ? 500 : 0)};
  });
  WsClient ann = open_desk(tako);
  WsClient bob = open_desk(tako, {{"Authorization", "Bearer bob"}});
  ann.send_text(ask("1"));
  ann.send_text(R"({"type":"say","data":2})");
  ann.send_text(ask("3"));
  ann.send_text(ask("4"));
  ann.send_text(R"({"type":"say","data":5})");
  static_cast<void>(tako.app().wait_for_dispatch_calls(1));
  bob.send_text(ask("10"));
  bob.send_text(R"({"type":"say","data":11})");
  std::vector<double> heard;
  while (heard.size() < 7) heard.push_back(bob.next_json()["data"].number());
  CHECK(heard == std::vector<double>{10, 11, 1, 2, 3, 4, 5});
}

TEST_CASE("what apps publish never passes the handler") {
  Cluster tako(with_definitions(kDesk));
  tako.app().dispatch_with({.body = R"({"action":"drop"})"});
  static_cast<void>(tako.publish("desk", "ask", "1", "n=7"));
  CHECK(tako.app().dispatch_count() == 0);
  CHECK(tako.api("GET", "/v1/channels/desk/messages?n=7").json()["messages"].size() == 1);
}

TEST_CASE("types that only the server publishes can't be forged, whatever the way") {
  Cluster tako(with_definitions(kDesk));
  allow_good_tokens(tako.app());
  WsClient rich = open_desk(tako);
  SseClient listener(tako.edge(), kPath, kGoodToken);
  static_cast<void>(listener.opening_id());
  for (const char* type : {"receipt", "Ask", "ask ", "as\\u006b2", "tako.message", "tako.ready"}) {
    CAPTURE(type);
    const std::string forged = R"({"type":")" + std::string(type) + R"(","data":1,"ref":1})";
    rich.send_text(forged);
    const std::string code = expect(rich, "tako.error")["data"]["code"].string();
    const bool is_control = std::string_view(type).starts_with("tako.");
    CHECK(code == (is_control ? "message-malformed" : "type-not-allowed"));
    const HttpResponse posted = post(tako, forged);
    CHECK(posted.status == (is_control ? 400 : 403));
    WsClient plain(tako.edge(), kPath, {.headers = kGoodToken});
    plain.send_text(forged);
    CHECK(plain.wait_for_close().code == 4415);
  }
  rich.send_text(R"({"type":"say","data":"the first that anyone hears"})");
  CHECK(listener.next_message().json()["data"].string() == "the first that anyone hears");
  CHECK(tako.app().dispatch_count() == 0);
}
