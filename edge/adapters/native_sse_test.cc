// The event stream, sentence by sentence.
#include "edge/adapters/native_sse.h"

#include <doctest/doctest.h>

#include "edge/adapters/testing/native_fixture.h"

namespace tako::edge::testing {
namespace {

std::string chunk(const std::string& block) {
  char size[17];
  std::snprintf(size, sizeof size, "%zx", block.size());
  return std::string(size) + "\r\n" + block + "\r\n";
}

TEST_CASE_FIXTURE(NativeFixture, "it opens with the cursor where it starts, then sends messages") {
  publish("feed");
  FakeExchange& stream = get("feed");
  CHECK(stream.status == 200);
  CHECK(stream.connection.bytes() == chunk("id: " + id("feed", 1) + "\n\n"));
  stream.connection.frames.clear();
  publish("feed");
  CHECK(stream.connection.bytes() ==
        chunk("id: " + id("feed", 2) + "\ndata: " + message("feed", "feed", 2) + "\n\n"));
}

TEST_CASE_FIXTURE(NativeFixture, "HTTP/1.0 gets the blocks without chunks") {
  ClientRequest request;
  request.method = "GET";
  request.path = "/_tako/channels/feed";
  request.is_http_1_0 = true;
  FakeExchange& stream = serve(request);
  edge.run();
  CHECK(stream.connection.bytes() == "id: " + id("feed", 0) + "\n\n");
}

TEST_CASE_FIXTURE(NativeFixture, "a client that received nothing resumes from the opening id") {
  get("feed").connection.hang_up();
  publish("feed");
  FakeExchange& again = get("feed", {{"last-event-id", id("feed", 0)}});
  REQUIRE(again.connection.frames.size() == 2);
  CHECK(again.connection.frames[0] == chunk("id: " + id("feed", 0) + "\n\n"));
}

TEST_CASE_FIXTURE(NativeFixture, "the cursor is the header's last element, else the query's") {
  for (int i = 0; i < 3; ++i) publish("feed");
  CHECK(get("feed", {{"last-event-id", "7, " + id("feed", 1)}}).connection.frames.size() == 3);
  CHECK(get("feed?last_message_id=" + id("feed", 2)).connection.frames.size() == 2);
  CHECK(get("feed?last_message_id=0").connection.frames.size() == 4);
  CHECK(get("feed", {{"last-event-id", " "}}).connection.frames.size() == 1);
  FakeExchange& both =
      get("feed?last_message_id=" + id("feed", 1), {{"last-event-id", id("feed", 2)}});
  CHECK(both.connection.frames.size() == 2);
}

TEST_CASE_FIXTURE(NativeFixture, "a cursor that is none is refused by the place where it stood") {
  FakeExchange& header = get("feed", {{"last-event-id", "abc"}});
  CHECK(header.status == 400);
  CHECK(header.error->message() == "invalid 'Last-Event-ID' cursor");
  CHECK(get("feed?last_message_id=abc").error->message() == "invalid 'last_message_id' cursor");
}

TEST_CASE_FIXTURE(NativeFixture, "refusals have their status, and the app is asked last") {
  CHECK(get("nobody").status == 404);
  CHECK(get("nobody").error->message() == "Channel not defined");
  CHECK(get("chat").status == 400);
  CHECK(get("chat?roomId=1").status == 401);
  CHECK(edge.authorizer.calls.empty());
  CHECK(get("chat?roomId=1", {{"authorization", "Bearer bad"}}).status == 403);
  CHECK(get("chat?roomId=1", {{"authorization", "Bearer bad"}}).error->message() == "Forbidden");
  CHECK(get("chat?roomId=1", {{"authorization", "Bearer unknown"}}).status == 404);
  CHECK(get("chat?roomId=1", {{"authorization", "Bearer down"}}).status == 503);
  CHECK(get("chat?roomId=1", {{"authorization", "Bearer down"}}).error->retry_after_ms > 0);
  CHECK(get("chat?roomId=1", kGood).status == 200);
  CHECK(edge.authorizer.calls.back().operation == Operation::Subscribe);
}

TEST_CASE_FIXTURE(NativeFixture, "a page of a foreign origin cannot use a cookie") {
  CHECK(get("ck", {{"cookie", "sid=good"}}).status == 200);
  CHECK(get("ck", {{"cookie", "sid=good"}, {"origin", "https://evil.test"}}).status == 403);
  CHECK(edge.counters.refused_by_origin == 1);
}

TEST_CASE_FIXTURE(NativeFixture, "a cursor that the window passed is 410 before any head") {
  for (int i = 0; i < 3; ++i) publish("feed");
  edge.broker.evict("feed", 2);
  FakeExchange& stream = get("feed", {{"last-event-id", id("feed", 0)}});
  CHECK(stream.status == 410);
  CHECK(stream.error->message() == "Channel cursor is outside the replay window");
  CHECK(edge.counters.refused_cursors == 1);
}

TEST_CASE_FIXTURE(NativeFixture, "with _events=1 a gap is an event that carries the new cursor") {
  for (int i = 0; i < 3; ++i) publish("feed");
  edge.broker.evict("feed", 2);
  FakeExchange& stream = get("feed?_events=1", {{"last-event-id", id("feed", 0)}});
  CHECK(stream.status == 200);
  REQUIRE(stream.connection.frames.size() == 2);
  CHECK(stream.connection.frames[0] == chunk("id: " + id("feed", 0) + "\n\n"));
  CHECK(stream.connection.frames[1] ==
        chunk("id: " + id("feed", 3) + "\nevent: tako.gap\ndata: {\"from\":\"" + id("feed", 0) +
              "\",\"to\":\"" + id("feed", 3) + "\",\"reason\":\"window-passed\"}\n\n"));
  publish("feed");
  CHECK(stream.connection.frames.size() == 3);
}

TEST_CASE_FIXTURE(NativeFixture, "with _events=1 a temporary refusal is a stream that says when") {
  FakeExchange& down = get("chat?roomId=1&_events=1", {{"authorization", "Bearer down"}});
  CHECK(down.status == 200);
  CHECK(down.headers.at(0).second == "text/event-stream");
  CHECK(down.body.starts_with("retry: "));
  CHECK(down.body.ends_with("\n\n"));
  is_full = true;
  FakeExchange& full = get("feed?_events=1");
  CHECK(full.status == 200);
  CHECK(full.body.starts_with("retry: "));
  CHECK(get("chat?roomId=1&_events=1", {{"authorization", "Bearer bad"}}).status == 403);
}

TEST_CASE_FIXTURE(NativeFixture, "history lost while live ends the stream, or is an event") {
  FakeExchange& plain = get("feed");
  FakeExchange& with_events = get("feed?_events=1");
  edge.broker.link_down();
  edge.broker.lose_everything();
  edge.broker.link_up();
  edge.run();
  CHECK(plain.connection.closed == ErrorCode::ReplayTooOld);
  CHECK_FALSE(with_events.connection.closed.has_value());
  CHECK(with_events.connection.bytes().find("history-lost") != std::string::npos);
}

TEST_CASE_FIXTURE(NativeFixture, "an idle stream is kept by comments; traffic postpones them") {
  FakeExchange& stream = get("feed");
  pass(900);
  publish("feed");
  pass(900);
  CHECK(stream.connection.keepalives == 0);
  pass(200);
  CHECK(stream.connection.keepalives == 1);
  pass(5'000);
  CHECK(stream.connection.keepalives == 6);
}

TEST_CASE_FIXTURE(NativeFixture, "its lifetime over, it ends without a word") {
  FakeExchange& stream = get("open");
  const std::size_t before = stream.connection.frames.size();
  pass(60'000);
  CHECK(stream.connection.closed == ErrorCode::ConnectionExpired);
  CHECK(stream.connection.frames.size() == before);
  publish("open");
  CHECK(edge.counters.lifetimes_over == 1);
}

TEST_CASE_FIXTURE(NativeFixture, "the app's lifecycle values hold for this connection") {
  const std::int64_t end_ms = edge.clock.wall_ms() + 3'000;
  edge.authorizer.decide = [end_ms](const AuthorizeCall&) {
    return Grant{.subject = {},
                 .expires_at_ms = end_ms,
                 .keepalive_interval_ms = 500,
                 .max_connection_lifetime_ms = {},
                 .rights = {}};
  };
  FakeExchange& stream = get("chat?roomId=1", kGood);
  pass(600);
  CHECK(stream.connection.keepalives == 1);
  pass(2'400);
  CHECK(stream.connection.closed == ErrorCode::ConnectionExpired);
}

TEST_CASE_FIXTURE(NativeFixture, "at a drain it says when to come back, then ends") {
  FakeExchange& stream = get("feed");
  stream.connection.frames.clear();
  stream.connection.drain(1'234);
  CHECK(stream.connection.bytes() == chunk("retry: 1234\n\n"));
  CHECK(stream.connection.closed == ErrorCode::Restarting);
}

TEST_CASE_FIXTURE(NativeFixture, "a server at its limit may destroy the stream at once") {
  is_full = true;
  FakeExchange& stream = get("feed");
  CHECK(stream.status == 503);
  CHECK(stream.error->retry_after_ms >= 1'000);
  CHECK(edge.hub.counters().subscribers == 0);
  publish("feed");
}

TEST_CASE_FIXTURE(NativeFixture, "a client that goes before the answer cancels its questions") {
  FakeExchange& stream = begin("GET", "chat?roomId=1", kGood);
  stream.go_away();
  edge.run();
  CHECK(stream.status == 0);
  CHECK(edge.hub.counters().subscribers == 0);
}

TEST_CASE_FIXTURE(NativeFixture, "without a link it waits, then is told when to come back") {
  edge.broker.link_down();
  FakeExchange& stream = begin("GET", "feed");
  edge.advance(edge.limits.link_wait_ms - 1);
  CHECK(stream.status == 0);
  SUBCASE("the link comes") {
    edge.broker.link_up();
    edge.run();
    CHECK(stream.status == 200);
  }
  SUBCASE("it does not") {
    edge.advance(1);
    CHECK(stream.status == 503);
    CHECK(stream.error->retry_after_ms > 0);
  }
}

TEST_CASE_FIXTURE(NativeFixture, "a definition that is gone ends its streams") {
  FakeExchange& stream = get("feed");
  edge.define(R"({"definitions":[]})");
  CHECK(stream.connection.closed == ErrorCode::ChannelUnknown);
}

}  // namespace
}  // namespace tako::edge::testing
