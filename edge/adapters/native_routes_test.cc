// The routes under /_tako/channels, and the message routes behind them.
#include "edge/adapters/native_routes.h"

#include <doctest/doctest.h>

#include "edge/adapters/native_messages.h"
#include "edge/adapters/testing/native_fixture.h"

namespace tako::edge::testing {
namespace {

TEST_CASE("which paths are ours, and what they mean") {
  CHECK(is_native_path("/_tako/channels"));
  CHECK(is_native_path("/_tako/channels/"));
  CHECK(is_native_path("/_tako/channels/x/y"));
  CHECK_FALSE(is_native_path("/_tako/channelsx"));
  CHECK_FALSE(is_native_path("/channels/chat"));
  CHECK(parse_native_path("/_tako/channels")->kind == NativeRoute::Kind::Connect);
  CHECK(parse_native_path("/_tako/channels/a%2Fb")->name == "a/b");
  CHECK(parse_native_path("/_tako/channels/a+b")->name == "a+b");
  CHECK(parse_native_path("/_tako/channels/x/messages")->kind == NativeRoute::Kind::Messages);
  CHECK(parse_native_path("/_tako/channels/x/presence")->kind == NativeRoute::Kind::Presence);
  for (const char* path : {"/_tako/channels/", "/_tako/channels//messages", "/_tako/channels/x/",
                           "/_tako/channels/x/y", "/_tako/channels/x/messages/1",
                           "/_tako/channels/%FF", "/_tako/channels/%2"}) {
    CAPTURE(path);
    CHECK_FALSE(parse_native_path(path).has_value());
  }
}

TEST_CASE_FIXTURE(NativeFixture, "what no route serves is 404, another method 405 with Allow") {
  CHECK(get("chat/other").status == 404);
  CHECK(get("").status == 404);
  CHECK(get("a%2Fb").status == 200);
  FakeExchange& put = begin("PUT", "feed");
  CHECK(put.status == 405);
  CHECK(put.headers.at(0) == std::pair<std::string, std::string>{"Allow", "GET"});
  CHECK(put.body.find("method-not-allowed") != std::string::npos);
  CHECK(begin("POST", "chat?roomId=1").status == 405);
  CHECK(begin("DELETE", "feed/messages").headers.at(0).second == "GET, POST");
  CHECK(get("feed/presence").status == 400);  // presence-off
  CHECK(edge.authorizer.calls.empty());
}

TEST_CASE_FIXTURE(NativeFixture, "the bare route is for rich WebSockets only") {
  ClientRequest request;
  request.method = "GET";
  request.path = "/_tako/channels";
  CHECK(serve(request).status == 400);
  request.is_websocket = true;
  CHECK(serve(request).status == 400);
  CHECK(connect_bare().status == 101);
}

TEST_CASE_FIXTURE(NativeFixture, "history is read by pages that lead to their neighbours") {
  for (int i = 0; i < 5; ++i) publish("chat?roomId=1");
  const std::string route = "chat/messages?roomId=1";
  FakeExchange& page = get(route + "&_limit=2&_after=" + id("chat?roomId=1", 1), kGood);
  CHECK(page.status == 200);
  CHECK(page.body == R"({"messages":[)" + message("chat?roomId=1", "chat", 2) + "," +
                         message("chat?roomId=1", "chat", 3) + R"(],"next":")" +
                         id("chat?roomId=1", 3) + R"(","prev":")" + id("chat?roomId=1", 2) + "\"}");
  CHECK(edge.authorizer.calls.at(0).operation == Operation::History);
  FakeExchange& none = get(route + "&_after=" + id("chat?roomId=1", 5), kGood);
  CHECK(none.body == R"({"messages":[],"next":null,"prev":null})");
  FakeExchange& front = get(route + "&_before=" + id("chat?roomId=1", 1), kGood);
  CHECK(front.body == R"({"messages":[],"next":")" + id("chat?roomId=1", 0) + R"(","prev":null})");
  edge.broker.evict("chat?roomId=1", 3);
  CHECK(get(route + "&_after=" + id("chat?roomId=1", 1), kGood).status == 410);
}

TEST_CASE_FIXTURE(NativeFixture, "what is asked of history is passed on as it was said") {
  const std::string before = id("feed", 9);
  CHECK(get("feed/messages?_before=" + before + "&_from=10&_to=20").status == 200);
  const FetchRequest& fetch = edge.broker.fetch_calls.at(0);
  CHECK(to_string(fetch.before->position) == before);
  CHECK(fetch.from_ms == 10);
  CHECK(fetch.to_ms == 20);
  CHECK(fetch.limit == 100);
  CHECK(get("feed/messages?_limit=1000").status == 200);
  for (const char* query : {"_limit=0", "_limit=1001", "_limit=x", "_limit=", "_from=-1",
                            "_after=x", "_before=", "_after=0&_before=0"}) {
    CAPTURE(query);
    CHECK(get("feed/messages?" + std::string(query)).status == 400);
  }
}

TEST_CASE_FIXTURE(NativeFixture, "a message may be posted without a connection") {
  FakeExchange& reader = connect("chat?roomId=1", kGood);
  const std::string route = "chat/messages?roomId=1";
  FakeExchange& answer = post(route, R"({"type":"message","data":1})", kGood);
  CHECK(answer.status == 201);
  CHECK(answer.body == message("chat?roomId=1", "chat", 1, R"(,"subject":"ann")"));
  CHECK(edge.authorizer.calls.back().operation == Operation::Publish);
  CHECK(reader.connection.frames.size() == 1);
  Headers with_key = kGood;
  with_key.emplace_back("idempotency-key", "k1");
  post(route, R"({"type":"message","data":1})", with_key);
  CHECK(edge.broker.publish_calls.back().idempotency_key == "k1");
  FakeExchange& ephemeral = post(route, R"({"type":"typing","data":1})", kGood);
  CHECK(ephemeral.status == 200);
  CHECK(ephemeral.body.find("\"id\"") == std::string::npos);
}

TEST_CASE_FIXTURE(NativeFixture, "a post that is refused says why, and publishes nothing") {
  const std::string route = "chat/messages?roomId=1";
  const std::string good = R"({"type":"message","data":1})";
  CHECK(post(route, "{", kGood).error->code == ErrorCode::MessageMalformed);
  CHECK(post(route, R"({"type":"forged","data":1})", kGood).status == 403);
  CHECK(post(route, good).status == 401);
  CHECK(post(route, good, {{"authorization", "bad"}}).status == 403);
  CHECK(post("ck/messages", good, {{"cookie", "sid=good"}}).error->code ==
        ErrorCode::OriginRefused);
  edge.limits.client_message_bytes_max = 10;
  CHECK(post(route, good, kGood).status == 413);
  CHECK(edge.limit_counters.client_message_bytes_max == 1);
  CHECK(edge.broker.publish_calls.empty());
}

TEST_CASE_FIXTURE(NativeFixture, "answers that come after the client has gone harm nothing") {
  FakeExchange& history = begin("GET", "feed/messages");
  FakeExchange& publish_once = begin("POST", "open/messages", {}, R"({"type":"message","data":1})");
  history.go_away();
  publish_once.go_away();
  edge.run();
  CHECK(history.status == 0);
  CHECK(publish_once.status == 0);
}

}  // namespace
}  // namespace tako::edge::testing
