// The plain dialect, sentence by sentence.
#include "edge/adapters/native_ws_plain.h"

#include <doctest/doctest.h>

#include "edge/adapters/testing/native_fixture.h"

namespace tako::edge::testing {
namespace {

TEST_CASE_FIXTURE(NativeFixture,
                  "frames are messages, to all who are subscribed, sender included") {
  FakeExchange& one = connect("chat?roomId=1", kGood);
  FakeExchange& two = connect("chat?roomId=1", kGood);
  FakeExchange& elsewhere = connect("chat?roomId=2", kGood);
  CHECK(one.status == 101);
  CHECK(one.subprotocol.empty());
  CHECK(edge.authorizer.calls.front().operation == Operation::Connect);
  say(one, R"({"type":"message","data":1})");
  const Texts expected = {message("chat?roomId=1", "chat", 1, R"(,"subject":"ann")")};
  CHECK(one.connection.texts() == expected);
  CHECK(two.connection.texts() == expected);
  CHECK(elsewhere.connection.frames.empty());
}

TEST_CASE_FIXTURE(NativeFixture, "faults after the handshake are close codes") {
  CHECK(connect("nobody").connection.closed == ErrorCode::ChannelUnknown);
  CHECK(connect("chat").connection.closed == ErrorCode::ParamsInvalid);
  CHECK(connect("feed").connection.closed == ErrorCode::TransportNotEnabled);
  CHECK(connect("open?last_message_id=abc").connection.closed == ErrorCode::CursorMalformed);
  CHECK(connect("ck").connection.closed == ErrorCode::AuthFrameMissing);
  CHECK(connect("chat?roomId=1", {{"authorization", "bad"}}).connection.closed ==
        ErrorCode::VerifyRejected);
  CHECK(connect("chat?roomId=1", {{"authorization", "unknown"}}).connection.closed ==
        ErrorCode::ChannelUnknown);
  CHECK(connect("chat?roomId=1", {{"authorization", "down"}}).connection.closed ==
        ErrorCode::Unavailable);
}

TEST_CASE_FIXTURE(NativeFixture, "a foreign origin is refused before the upgrade") {
  CHECK(connect("open", {{"origin", "https://evil.test"}}).status == 403);
  CHECK(connect("ck", {{"cookie", "sid=good"}}).status == 403);
  CHECK(connect("ck", {{"cookie", "sid=good"}, {"origin", "https://example.com"}}).status == 101);
}

TEST_CASE_FIXTURE(NativeFixture, "either credential suffices") {
  const Headers by_cookie = {{"cookie", "sid=good"}, {"origin", "http://example.com"}};
  FakeExchange& cookie = connect("both", by_cookie);
  publish("both");
  CHECK(cookie.connection.frames.size() == 1);
  FakeExchange& header = connect("both", {{"x-token", "good"}});
  publish("both");
  CHECK(header.connection.frames.size() == 1);
}

TEST_CASE_FIXTURE(NativeFixture, "a missing header may come in an envelope") {
  FakeExchange& client = connect("chat?roomId=1");
  CHECK(edge.authorizer.calls.empty());
  say(client, R"({"type":"tako.auth","token":"Bearer good"})");
  CHECK(edge.authorizer.calls.at(0).header->scheme == "Bearer");
  publish("chat?roomId=1");
  CHECK(client.connection.frames.size() == 1);
  SUBCASE("a second one is ignored, and not passed on") {
    say(client, R"({"type":"tako.auth","token":"Bearer bad"})");
    CHECK(client.connection.frames.size() == 1);
    CHECK_FALSE(client.connection.closed.has_value());
  }
}

TEST_CASE_FIXTURE(NativeFixture, "the envelope's cursor overrides the query's") {
  for (int i = 0; i < 3; ++i) publish("chat?roomId=1");
  FakeExchange& client = connect("chat?roomId=1&last_message_id=" + id("chat?roomId=1", 0));
  say(client,
      R"({"type":"tako.auth","token":"good","lastMessageId":")" + id("chat?roomId=1", 2) + "\"}");
  CHECK(client.connection.texts() == Texts{message("chat?roomId=1", "chat", 3)});
  FakeExchange& everything = connect("chat?roomId=1");
  say(everything, R"({"type":"tako.auth","token":"good","lastMessageId":0})");
  CHECK(everything.connection.frames.size() == 3);
}

TEST_CASE_FIXTURE(NativeFixture, "an envelope that is none, comes late, or is refused") {
  const auto after = [&](std::string_view frame) {
    FakeExchange& client = connect("chat?roomId=1");
    say(client, frame);
    return client.connection.closed;
  };
  CHECK(after("nonsense") == ErrorCode::AuthFrameMalformed);
  CHECK(after(R"({"type":"message","data":1})") == ErrorCode::AuthFrameMalformed);
  CHECK(after(R"({"type":"tako.auth","token":7})") == ErrorCode::AuthFrameMalformed);
  CHECK(after(R"({"type":"tako.auth","lastMessageId":"x"})") == ErrorCode::CursorMalformed);
  CHECK(after(R"({"type":"tako.auth","token":"bad"})") == ErrorCode::VerifyRejected);
  CHECK(after(R"({"type":"tako.auth"})") == ErrorCode::VerifyRejected);
  FakeExchange& binary = connect("chat?roomId=1");
  binary.connection.say_binary("x");
  CHECK(binary.connection.closed == ErrorCode::AuthFrameMissing);
  FakeExchange& silent = connect("chat?roomId=1");
  pass(4'900);
  CHECK_FALSE(silent.connection.closed.has_value());
  pass(100);
  CHECK(silent.connection.closed == ErrorCode::AuthFrameMissing);
  CHECK(edge.limit_counters.auth_envelope_ms == 1);
}

TEST_CASE_FIXTURE(NativeFixture, "what is sent before the app's answer is published after it") {
  FakeExchange& client =
      begin("GET", "chat?roomId=1", {{"authorization", "good"}, {"upgrade", "websocket"}});
  client.connection.say(R"({"type":"message","data":1})");
  CHECK(edge.broker.publish_calls.empty());
  edge.run();
  CHECK(client.connection.frames.size() == 1);
  SUBCASE("but not without bound") {
    FakeExchange& flood =
        begin("GET", "chat?roomId=1", {{"authorization", "good"}, {"upgrade", "websocket"}});
    for (int i = 0; i < 100; ++i) flood.connection.say(R"({"type":"message","data":1})");
    CHECK(flood.connection.closed == ErrorCode::RateLimited);
    CHECK(edge.limit_counters.publishes_per_connection_max == 1);
  }
}

TEST_CASE_FIXTURE(NativeFixture, "a message that is none, or of no allowed type, closes") {
  const auto after = [&](std::string_view frame) {
    FakeExchange& client = connect("open");
    say(client, frame);
    return client.connection.closed;
  };
  CHECK(after("{") == ErrorCode::MessageMalformed);
  CHECK(after("[]") == ErrorCode::MessageMalformed);
  CHECK(after(R"({"type":"message"})") == ErrorCode::MessageMalformed);
  CHECK(after(R"({"data":1})") == ErrorCode::MessageMalformed);
  CHECK(after(R"({"type":"","data":1})") == ErrorCode::MessageMalformed);
  CHECK(after(R"({"type":"message","data":1} x)") == ErrorCode::MessageMalformed);
  CHECK(after(R"({"type":"tako.subscribe","data":{}})") == ErrorCode::MessageMalformed);
  CHECK(after(R"({"type":"forged","data":1})") == ErrorCode::TypeNotAllowed);
  CHECK(edge.broker.publish_calls.empty());
  FakeExchange& binary = connect("open");
  binary.connection.say_binary("x");
  CHECK(binary.connection.closed == ErrorCode::UnsupportedFrame);
}

TEST_CASE_FIXTURE(NativeFixture, "data passes byte for byte, less the space between tokens") {
  FakeExchange& client = connect("open");
  say(client,
      "{ \"type\":\"message\", \"data\": { \"b\" : 1.0e2,\n \"a\":\"x y\" } , \"more\":1 }");
  CHECK(edge.broker.publish_calls.at(0).data == R"({"b":1.0e2,"a":"x y"})");
  CHECK(client.connection.texts().at(0).find(R"("data":{"b":1.0e2,"a":"x y"}})") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(NativeFixture, "a handler says how: ephemeral ones are not stored") {
  FakeExchange& client = connect("chat?roomId=1", kGood);
  say(client, R"({"type":"typing","data":true})");
  CHECK(edge.broker.publish_calls.at(0).ephemeral);
  CHECK(client.connection.texts() ==
        Texts{R"({"channel":"chat","type":"typing","data":true,"subject":"ann"})"});
}

TEST_CASE_FIXTURE(NativeFixture, "echo:false has no meaning here, idempotencyKey has") {
  FakeExchange& client = connect("open");
  say(client, R"({"type":"message","data":1,"echo":false,"idempotencyKey":"k"})");
  CHECK(client.connection.frames.size() == 1);
  CHECK(edge.broker.publish_calls.at(0).connection.empty());
  CHECK(edge.broker.publish_calls.at(0).idempotency_key == "k");
}

TEST_CASE_FIXTURE(NativeFixture, "rights that leave publishing out are kept to") {
  edge.authorizer.decide = [](const AuthorizeCall&) {
    return Grant{.subject = {},
                 .expires_at_ms = {},
                 .keepalive_interval_ms = {},
                 .max_connection_lifetime_ms = {},
                 .rights = std::vector<std::string>{"connect"}};
  };
  FakeExchange& client = connect("chat?roomId=1", kGood);
  say(client, R"({"type":"message","data":1})");
  CHECK(client.connection.closed == ErrorCode::Forbidden);
}

TEST_CASE_FIXTURE(NativeFixture, "a publish that fails closes with its reason") {
  FakeExchange& client = connect("open");
  edge.broker.publish_error = Error{ErrorCode::Unavailable};
  say(client, R"({"type":"message","data":1})");
  CHECK(client.connection.closed == ErrorCode::Unavailable);
  FakeExchange& other = connect("open");
  edge.broker.publish_error = Error{ErrorCode::IdempotencyKeyReused};
  say(other, R"({"type":"message","data":1})");
  CHECK(other.connection.closed == ErrorCode::MessageMalformed);
  CHECK(other.connection.close_reason == "idempotency-key-reused");
}

TEST_CASE_FIXTURE(NativeFixture, "an answer that comes after the client has gone harms nothing") {
  FakeExchange& client = connect("open");
  client.connection.say(R"({"type":"message","data":1})");
  client.connection.hang_up();
  edge.run();
  CHECK(edge.broker.publish_calls.size() == 1);
}

TEST_CASE_FIXTURE(NativeFixture, "cursors: replay then live, a stale one closes") {
  for (int i = 0; i < 3; ++i) publish("open");
  FakeExchange& client = connect("open?last_message_id=" + id("open", 1));
  publish("open");
  CHECK(client.connection.texts() ==
        Texts{message("open", "open", 2), message("open", "open", 3), message("open", "open", 4)});
  edge.broker.evict("open", 3);
  edge.broker.link_down();  // The tail cache is there still, so a lost one is needed.
  edge.broker.lose_everything();
  edge.broker.link_up();
  edge.run();
  CHECK(client.connection.closed == ErrorCode::ReplayTooOld);
  CHECK(connect("open?last_message_id=9-00000001").connection.closed == ErrorCode::ReplayTooOld);
}

TEST_CASE_FIXTURE(NativeFixture,
                  "it is pinged each interval, and dropped when it is silent for two") {
  FakeExchange& client = connect("open");
  pass(5'000);
  CHECK(client.connection.keepalives == 5);
  answers_pings = false;
  pass(3'000);
  CHECK(client.connection.aborted);
  CHECK(edge.counters.silent_dropped == 1);
}

TEST_CASE_FIXTURE(NativeFixture, "lifetime over: 1000; drain: 1012") {
  FakeExchange& client = connect("open");
  FakeExchange& drained = connect("open");
  drained.connection.drain(500);
  CHECK(drained.connection.closed == ErrorCode::Restarting);
  pass(60'000);
  CHECK(client.connection.closed == ErrorCode::ConnectionExpired);
}

TEST_CASE_FIXTURE(NativeFixture, "new definitions judge live connections again") {
  FakeExchange& chat = connect("chat?roomId=1", kGood);
  FakeExchange& open = connect("open");
  SUBCASE("the same: nothing happens") {
    edge.define(kDefinitions);
    CHECK(edge.authorizer.calls.size() == 1);
    CHECK_FALSE(chat.connection.closed.has_value());
    CHECK(edge.authorizer.forgotten.size() == 2);
  }
  SUBCASE("removed: 4404") {
    edge.define(R"({"definitions":[]})");
    CHECK(chat.connection.closed == ErrorCode::ChannelUnknown);
    CHECK(open.connection.closed == ErrorCode::ChannelUnknown);
  }
  SUBCASE("auth changed: the app is asked again with the credential at hand") {
    edge.define(R"({"definitions":[{"name":"chat","auth":{"cookieName":"sid"},"paramsSchema":{
      "type":"object","properties":{"roomId":{"type":"string"}}}}]})");
    REQUIRE(edge.authorizer.calls.size() == 2);
    publish("chat?roomId=1");
    CHECK(chat.connection.frames.size() == 1);
    edge.authorizer.decide = [](const AuthorizeCall&) -> Result<Grant> {
      return fail(ErrorCode::VerifyRejected);
    };
    edge.run();
    CHECK_FALSE(chat.connection.closed.has_value());
  }
  SUBCASE("auth changed, and the app refuses") {
    edge.authorizer.decide = [](const AuthorizeCall&) -> Result<Grant> {
      return fail(ErrorCode::VerifyRejected);
    };
    edge.define(R"({"definitions":[{"name":"chat","auth":{"cookieName":"sid"},"paramsSchema":{
      "type":"object","properties":{"roomId":{"type":"string"}}}}]})");
    edge.run();
    CHECK(chat.connection.closed == ErrorCode::VerifyRejected);
  }
  SUBCASE("public becomes private: no credential at hand, 1012") {
    edge.define(R"({"definitions":[{"name":"open","auth":{}}]})");
    CHECK(open.connection.closed == ErrorCode::DefinitionsChanged);
  }
  SUBCASE("key changed: 1012") {
    edge.define(R"({"definitions":[{"name":"chat","auth":{}}]})");
    CHECK(chat.connection.closed == ErrorCode::DefinitionsChanged);
  }
  SUBCASE("params not valid any more: 4422") {
    edge.define(R"({"definitions":[{"name":"chat","auth":{},"paramsSchema":{"type":"object",
      "properties":{"roomId":{"type":"string","minLength":5}}}}]})");
    CHECK(chat.connection.closed == ErrorCode::ParamsInvalid);
  }
}

TEST_CASE_FIXTURE(NativeFixture, "without a link for too long a private channel is not served") {
  FakeExchange& chat = connect("chat?roomId=1", kGood);
  FakeExchange& open = connect("open");
  edge.broker.link_down();
  pass(5'000);
  CHECK(chat.connection.closed == ErrorCode::Unavailable);
  CHECK_FALSE(open.connection.closed.has_value());
}

TEST_CASE_FIXTURE(NativeFixture, "without a link a connection waits, then is closed with 4503") {
  edge.broker.link_down();
  FakeExchange& client = connect("open");
  CHECK(client.status == 0);
  edge.advance(1'000);
  CHECK(client.status == 101);
  CHECK(client.connection.closed == ErrorCode::Unavailable);
}

TEST_CASE_FIXTURE(NativeFixture, "a slow client is not told of what `latest` passes over") {
  edge.define(R"({"definitions":[{"name":"open","auth":false,"slow":"latest"}]})");
  FakeExchange& client = connect("open");
  client.connection.room = 1;
  for (int i = 0; i < 5; ++i) publish("open");
  client.connection.read_all();
  CHECK(client.connection.texts() == Texts{message("open", "open", 1), message("open", "open", 5)});
}

TEST_CASE_FIXTURE(NativeFixture, "a slow client is closed by the policy disconnect") {
  edge.define(R"({"definitions":[{"name":"open","auth":false,"slow":"disconnect"}]})");
  FakeExchange& client = connect("open");
  client.connection.room = 1;
  publish("open");
  CHECK(client.connection.closed == ErrorCode::TooSlow);
}

}  // namespace
}  // namespace tako::edge::testing
