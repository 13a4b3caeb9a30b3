// The rich dialect, sentence by sentence.
#include "edge/adapters/native_ws_rich.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "edge/adapters/testing/native_fixture.h"

namespace tako::edge::testing {
namespace {

struct RichFixture : NativeFixture {
  std::string ready(const std::string& key, std::uint64_t offset, const std::string& subject,
                    bool resumed, const std::string& ref = "") {
    return R"({"type":"tako.ready","data":{)" + ref + R"("id":")" + id(key, offset) +
           R"(","subject":)" + subject + R"(,"resumed":)" + (resumed ? "true" : "false") +
           R"(},"key":")" + key + "\"}";
  }
  static std::string keyed(const std::string& key) { return R"(,"key":")" + key + "\""; }
  static bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }
  // The last frame is a tako.error with this code.
  static bool is_error(const FakeExchange& client, std::string_view code) {
    const Texts texts = client.connection.texts();
    return !texts.empty() && texts.back().starts_with(R"({"type":"tako.error")") &&
           holds(texts.back(), "\"code\":\"" + std::string(code) + "\"");
  }
};

TEST_CASE_FIXTURE(RichFixture, "ready comes first, and messages carry the channel's key") {
  publish("open");
  FakeExchange& client = connect_rich("open");
  CHECK(client.subprotocol == "tako.v1");
  publish("open");
  CHECK(client.connection.texts() ==
        Texts{ready("open", 1, "null", false), message("open", "open", 2, keyed("open"))});
}

TEST_CASE_FIXTURE(RichFixture, "a resumed subscription says so, and names its subject") {
  for (int i = 0; i < 2; ++i) publish("chat?roomId=1");
  FakeExchange& client =
      connect_rich("chat?roomId=1&last_message_id=" + id("chat?roomId=1", 1), kGood);
  CHECK(client.connection.texts() ==
        Texts{ready("chat?roomId=1", 1, "\"ann\"", true),
              message("chat?roomId=1", "chat", 2, keyed("chat?roomId=1"))});
}

TEST_CASE_FIXTURE(RichFixture, "a gap is told behind ready, and it goes on at its end") {
  for (int i = 0; i < 3; ++i) publish("open");
  edge.broker.evict("open", 2);
  FakeExchange& client = connect_rich("open?last_message_id=" + id("open", 0));
  publish("open");
  CHECK(client.connection.texts() ==
        Texts{ready("open", 0, "null", false),
              R"({"type":"tako.gap","data":{"from":")" + id("open", 0) + R"(","to":")" +
                  id("open", 3) + R"(","reason":"window-passed"},"key":"open"})",
              message("open", "open", 4, keyed("open"))});
}

TEST_CASE_FIXTURE(RichFixture, "history lost while live is a gap, and the connection stays") {
  FakeExchange& client = connect_rich("open");
  edge.broker.link_down();
  edge.broker.lose_everything();
  edge.broker.link_up();
  edge.run();
  CHECK(holds(client.connection.texts().back(), R"("reason":"history-lost")"));
  publish("open");
  CHECK(client.connection.texts().back() == message("open", "open", 1, keyed("open")));
}

TEST_CASE_FIXTURE(RichFixture, "many channels over one connection, opened by the bare route") {
  FakeExchange& client = connect_bare();
  CHECK(client.status == 101);
  say(client, R"({"type":"tako.subscribe","data":{"channel":"open"}})");
  say(client, R"({"type":"tako.subscribe","ref":"r1","data":{"channel":"chat",
      "params":{"roomId":"1"},"token":"Bearer good"}})");
  CHECK(client.connection.texts() ==
        Texts{ready("open", 0, "null", false),
              ready("chat?roomId=1", 0, "\"ann\"", false, R"("ref":"r1",)")});
  publish("open");
  publish("chat?roomId=1");
  publish("chat?roomId=2");
  CHECK(client.connection.frames.size() == 4);
  say(client, R"({"type":"tako.unsubscribe","ref":7,"data":{"key":"open"}})");
  CHECK(client.connection.texts().back() ==
        R"({"type":"tako.ack","data":{"ref":7,"id":null},"key":"open"})");
  publish("open");
  CHECK(client.connection.frames.size() == 5);
}

TEST_CASE_FIXTURE(RichFixture, "a refused subscribe is an error, the connection stays") {
  FakeExchange& client = connect_bare();
  const auto refused = [&](const std::string& data, std::string_view code) {
    say(client, R"({"type":"tako.subscribe","ref":"r","data":)" + data + "}");
    return is_error(client, code) && holds(client.connection.texts().back(), R"("ref":"r")");
  };
  CHECK(refused(R"({"channel":"nobody"})", "channel-unknown"));
  CHECK(refused(R"({"channel":"chat"})", "params-invalid"));
  CHECK(refused(R"({"channel":"chat","params":{"roomId":1},"token":"good"})", "params-invalid"));
  CHECK(refused(R"({"channel":"feed"})", "transport-not-enabled"));
  CHECK(refused(R"({"channel":"chat","params":{"roomId":"1"}})", "unauthorized"));
  CHECK(refused(R"({"channel":"chat","params":{"roomId":"1"},"token":"bad"})", "verify-rejected"));
  CHECK(refused(R"({"channel":"open","lastMessageId":"x"})", "cursor-malformed"));
  CHECK(refused(R"({})", "message-malformed"));
  CHECK(refused(R"(7)", "message-malformed"));
  CHECK_FALSE(client.connection.closed.has_value());
  say(client, R"({"type":"tako.subscribe","data":{"channel":"open"}})");
  CHECK(refused(R"({"channel":"open"})", "subscription-exists"));
  CHECK(edge.hub.counters().subscribers == 1);
}

TEST_CASE_FIXTURE(RichFixture, "the URL's channel refused closes the connection with its code") {
  CHECK(connect_rich("nobody").connection.closed == ErrorCode::ChannelUnknown);
  CHECK(connect_rich("chat?roomId=1", {{"authorization", "bad"}}).connection.closed ==
        ErrorCode::VerifyRejected);
  FakeExchange& late = connect_rich("chat?roomId=1");
  say(late, R"({"type":"tako.subscribe","data":{"channel":"open"}})");
  CHECK(late.connection.closed == ErrorCode::AuthFrameMalformed);
}

TEST_CASE_FIXTURE(RichFixture, "subscriptions of one connection are limited") {
  edge.limits.subscriptions_per_connection_max = 2;
  FakeExchange& client = connect_bare();
  for (const char* channel : {"open", "a/b", "open"}) {
    say(client, R"({"type":"tako.subscribe","data":{"channel":")" + std::string(channel) + "\"}}");
  }
  CHECK(is_error(client, "limit-reached"));
  CHECK(edge.limit_counters.subscriptions_per_connection_max == 1);
}

TEST_CASE_FIXTURE(RichFixture, "without any subscription it is closed after ten seconds") {
  FakeExchange& empty = connect_bare();
  FakeExchange& emptied = connect_rich("open");
  pass(5'000);
  say(emptied, R"({"type":"tako.unsubscribe","data":{"key":"open"}})");
  pass(5'000);
  CHECK(empty.connection.closed == ErrorCode::AuthFrameMissing);
  CHECK_FALSE(emptied.connection.closed.has_value());
  pass(5'000);
  CHECK(emptied.connection.closed == ErrorCode::AuthFrameMissing);
  CHECK(edge.limit_counters.empty_connection_ms == 2);
}

TEST_CASE_FIXTURE(RichFixture, "a message with a ref is acknowledged") {
  FakeExchange& client = connect_rich("open");
  say(client, R"({"type":"message","data":1,"ref":"m1"})");
  CHECK(client.connection.frames.size() == 3);
  CHECK(client.connection.texts().at(1) ==
        R"({"type":"tako.ack","data":{"ref":"m1","id":")" + id("open", 1) + R"("},"key":"open"})");
  say(client, R"({"type":"message","data":1})");
  CHECK(client.connection.frames.size() == 4);
}

TEST_CASE_FIXTURE(RichFixture, "echo:false: the ack is its delivery, in its place") {
  FakeExchange& client = connect_rich("open");
  FakeExchange& other = connect_rich("open");
  client.connection.say(R"({"type":"message","data":1,"ref":1,"echo":false})");
  edge.broker.publish_to("open", {.type = "message"});  // Before it, at the broker.
  edge.run();
  publish("open");
  const Texts texts = client.connection.texts();
  REQUIRE(texts.size() == 4);
  CHECK(holds(texts[1], id("open", 1)));
  CHECK(texts[2] ==
        R"({"type":"tako.ack","data":{"ref":1,"id":")" + id("open", 2) + R"("},"key":"open"})");
  CHECK(holds(texts[3], id("open", 3)));
  CHECK(other.connection.frames.size() == 4);
}

TEST_CASE_FIXTURE(RichFixture, "an ack of echo:false waits until the cursor has come there") {
  FakeExchange& client = connect_rich("open");
  client.connection.room = 1;
  publish("open");  // Full.
  say(client, R"({"type":"message","data":1,"ref":1,"echo":false})");
  CHECK(client.connection.frames.size() == 2);
  client.connection.read_all();
  CHECK(client.connection.texts().back() ==
        R"({"type":"tako.ack","data":{"ref":1,"id":")" + id("open", 2) + R"("},"key":"open"})");
}

TEST_CASE_FIXTURE(RichFixture, "what may not be sent is an error, the connection stays") {
  FakeExchange& client = connect_rich("chat?roomId=1", kGood);
  say(client, R"({"type":"forged","data":1,"ref":"f"})");
  CHECK(is_error(client, "type-not-allowed"));
  say(client, R"({"type":"typing","data":1,"idempotencyKey":"k"})");
  CHECK(is_error(client, "ephemeral-with-key"));
  say(client, R"({"type":"message","data":1,"key":"nobody"})");
  CHECK(is_error(client, "subscription-unknown"));
  say(client, R"({"type":"tako.unknown"})");
  CHECK(is_error(client, "message-malformed"));
  edge.broker.publish_error = Error{ErrorCode::Unavailable};
  say(client, R"({"type":"message","data":1,"ref":"u"})");
  CHECK(is_error(client, "unavailable"));
  CHECK(holds(client.connection.texts().back(), R"("retryable":true)"));
  CHECK_FALSE(client.connection.closed.has_value());
  say(client, "{");
  CHECK(client.connection.closed == ErrorCode::MessageMalformed);
}

TEST_CASE_FIXTURE(RichFixture, "with several channels a message names its subscription") {
  FakeExchange& client = connect_bare();
  say(client, R"({"type":"message","data":1})");
  CHECK(is_error(client, "subscription-unknown"));
  say(client, R"({"type":"tako.subscribe","data":{"channel":"open"}})");
  say(client, R"({"type":"tako.subscribe","data":{"channel":"chat","params":{"roomId":"1"},
      "token":"good"}})");
  say(client, R"({"type":"message","data":1})");
  CHECK(is_error(client, "subscription-unknown"));
  say(client, R"({"type":"message","data":1,"key":"chat?roomId=1"})");
  CHECK(edge.broker.publish_calls.at(0).channel.key == "chat?roomId=1");
  CHECK(edge.broker.publish_calls.at(0).subject == "ann");
}

TEST_CASE_FIXTURE(RichFixture,
                  "a cookie of the upgrade serves later subscribes of an own page only") {
  const Headers own = {{"cookie", "sid=good"}, {"origin", "http://example.com"}};
  FakeExchange& client = connect_rich("open", own);
  say(client, R"({"type":"tako.subscribe","data":{"channel":"ck"}})");
  CHECK(client.connection.texts().back() == ready("ck", 0, "\"ann\"", false));
  FakeExchange& foreign = connect_rich("open", {{"cookie", "sid=good"}});
  say(foreign, R"({"type":"tako.subscribe","data":{"channel":"ck"}})");
  CHECK(is_error(foreign, "origin-refused"));
}

TEST_CASE_FIXTURE(RichFixture,
                  "a short permission is renewed from its second half on, not at once") {
  edge.authorizer.decide = [&](const AuthorizeCall&) -> Result<Grant> {
    return Grant{.subject = {},
                 .expires_at_ms = edge.clock.wall_ms() + 10'000,
                 .keepalive_interval_ms = {},
                 .max_connection_lifetime_ms = {},
                 .rights = {}};
  };
  FakeExchange& client = connect_rich("chat?roomId=1", kGood);
  const auto notices = [&client] {
    return std::ranges::count_if(client.connection.texts(), [](const std::string& text) {
      return text.starts_with(R"({"type":"tako.reauth")");
    });
  };
  for (int renewal = 1; renewal <= 3; ++renewal) {
    pass(4'900);
    CHECK(notices() == renewal - 1);
    pass(100);
    CHECK(notices() == renewal);
    say(client, R"({"type":"tako.auth","token":"good"})");
  }
}

TEST_CASE_FIXTURE(RichFixture, "before the permission ends a new credential is asked for") {
  edge.authorizer.decide = [&](const AuthorizeCall& call) -> Result<Grant> {
    if (call.header->value != "good") return fail(ErrorCode::VerifyRejected);
    return Grant{.subject = {},
                 .expires_at_ms = edge.clock.wall_ms() + 60'000,
                 .keepalive_interval_ms = {},
                 .max_connection_lifetime_ms = {},
                 .rights = {}};
  };
  FakeExchange& client = connect_rich("chat?roomId=1", kGood);
  const std::int64_t before = edge.clock.wall_ms() + 60'000;
  pass(30'000);
  CHECK(client.connection.texts().back() == R"({"type":"tako.reauth","data":{"before":)" +
                                                std::to_string(before) +
                                                R"(},"key":"chat?roomId=1"})");
  SUBCASE("it comes: the subscription goes on") {
    say(client, R"({"type":"tako.auth","token":"good"})");
    pass(40'000);
    CHECK_FALSE(client.connection.closed.has_value());
  }
  SUBCASE("it is refused") {
    say(client, R"({"type":"tako.auth","token":"bad"})");
    CHECK(client.connection.closed == ErrorCode::VerifyRejected);
  }
  SUBCASE("it does not come: the app is asked with the old one, half-way to the end") {
    pass(14'900);
    CHECK(edge.authorizer.calls.size() == 1);
    pass(100);
    REQUIRE(edge.authorizer.calls.size() == 2);
    CHECK(edge.authorizer.calls[1].header->value == "good");
    pass(40'000);
    CHECK_FALSE(client.connection.closed.has_value());
  }
  SUBCASE("it is another subject's") {
    edge.authorizer.decide = [](const AuthorizeCall&) {
      Grant grant;
      grant.subject = "bob";
      return Result<Grant>(grant);
    };
    say(client, R"({"type":"tako.auth","token":"good"})");
    CHECK(client.connection.closed == ErrorCode::VerifyRejected);
  }
  SUBCASE("it does not come, and this was all there is") {
    edge.authorizer.decide = [](const AuthorizeCall&) -> Result<Grant> {
      return fail(ErrorCode::VerifyRejected);
    };
    pass(29'900);
    CHECK_FALSE(client.connection.closed.has_value());
    pass(100);
    CHECK(client.connection.closed == ErrorCode::ConnectionExpired);
    CHECK(edge.counters.authorizations_expired == 1);
  }
  SUBCASE("it does not come, and there is another channel") {
    edge.authorizer.decide = [](const AuthorizeCall&) -> Result<Grant> {
      return fail(ErrorCode::Unavailable);
    };
    say(client, R"({"type":"tako.subscribe","data":{"channel":"open"}})");
    pass(29'900);
    publish("chat?roomId=1");
    pass(100);
    CHECK(is_error(client, "connection-expired"));
    CHECK_FALSE(client.connection.closed.has_value());
    publish("chat?roomId=1");
    publish("open");
    CHECK(client.connection.texts().back() == message("open", "open", 1, keyed("open")));
    CHECK(edge.hub.counters().subscribers == 1);
  }
}

TEST_CASE_FIXTURE(RichFixture, "what `latest` passes over is told") {
  edge.define(R"({"definitions":[{"name":"open","auth":false,"slow":"latest"}]})");
  FakeExchange& client = connect_rich("open");
  client.connection.room = 1;
  for (int i = 0; i < 4; ++i) publish("open");
  client.connection.read_all();
  CHECK(client.connection.texts().at(2) == R"({"type":"tako.gap","data":{"from":")" +
                                               id("open", 1) + R"(","to":")" + id("open", 3) +
                                               R"(","reason":"conflated"},"key":"open"})");
}

TEST_CASE_FIXTURE(RichFixture, "a drain says when to come back, then closes with 1012") {
  FakeExchange& client = connect_rich("open");
  client.connection.drain(700);
  CHECK(client.connection.texts().back() == R"({"type":"tako.drain","data":{"retryMs":700}})");
  CHECK(client.connection.closed == ErrorCode::Restarting);
}

TEST_CASE_FIXTURE(RichFixture,
                  "removed definitions end their channels; the last takes the connection") {
  FakeExchange& client = connect_bare();
  say(client, R"({"type":"tako.subscribe","data":{"channel":"open"}})");
  say(client, R"({"type":"tako.subscribe","data":{"channel":"a/b"}})");
  edge.define(R"({"definitions":[{"name":"open","auth":false}]})");
  CHECK(is_error(client, "channel-unknown"));
  CHECK(holds(client.connection.texts().back(), R"("key":"a/b")"));
  edge.define(R"({"definitions":[]})");
  CHECK(client.connection.closed == ErrorCode::ChannelUnknown);
}

}  // namespace
}  // namespace tako::edge::testing
