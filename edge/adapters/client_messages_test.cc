// Client messages over every route and dialect: what the app decides, rates, and where one starts.
#include <doctest/doctest.h>

#include "edge/adapters/testing/native_fixture.h"

namespace tako::edge::testing {
namespace {

struct Desk : NativeFixture {
  void decide(DispatchAnswer answer) {
    edge.dispatcher.decide = [answer](const DispatchCall&) { return answer; };
  }
  // The frames of a rich connection behind its tako.ready.
  static Texts behind_ready(const FakeExchange& exchange) {
    Texts texts = exchange.connection.texts();
    if (!texts.empty()) texts.erase(texts.begin());
    return texts;
  }
  static std::string ask(std::string_view more = "") {
    return R"({"type":"ask","data":1)" + std::string(more) + "}";
  }
  static std::string error_code(const std::string& frame) {
    const std::size_t at = frame.find(R"("code":")");
    if (at == std::string::npos) return frame;
    const std::size_t begin = at + 8;
    return frame.substr(begin, frame.find('"', begin) - begin);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Desk, "the app is told of the params, context ones too, the subject and the ip") {
  FakeExchange& client = connect_rich("desk?n=7&who=me&more=1", kGood);
  say(client, ask(R"(,"ref":1,"idempotencyKey":"k")"));
  REQUIRE(edge.dispatcher.calls.size() == 1);
  const DispatchCall& call = edge.dispatcher.calls.front();
  CHECK(params_json(call.params) == R"({"more":"1","n":7,"who":"me"})");
  CHECK(call.channel == "desk");
  CHECK(call.subject == "ann");
  CHECK(call.ip == "10.0.0.1");
  CHECK(call.idempotency_key == "k");
}

TEST_CASE_FIXTURE(Desk, "rich: fanout, drop, reject and no answer") {
  FakeExchange& client = connect_rich("desk", kGood);
  decide({.action = DispatchAction::Fanout, .data = "2"});
  say(client, ask(R"(,"ref":1)"));
  CHECK(edge.broker.publish_calls.back().data == "2");
  CHECK(edge.broker.publish_calls.back().subject == "ann");
  CHECK(behind_ready(client).size() == 2);  // the message and its ack
  decide({.action = DispatchAction::Drop});
  say(client, ask(R"(,"ref":"r")"));
  CHECK(behind_ready(client).back() ==
        R"({"type":"tako.ack","data":{"ref":"r","id":null},"key":"desk"})");
  decide({.action = DispatchAction::Reject, .reason = "no \"shouting\""});
  say(client, ask(R"(,"ref":3)"));
  CHECK(behind_ready(client).back().starts_with(
      R"({"type":"tako.error","data":{"ref":3,"code":"message-rejected",)"
      R"("message":"no \"shouting\"",)"));
  CHECK(behind_ready(client).back().contains(R"("retryable":false)"));
  edge.dispatcher.decide = [](const DispatchCall&) -> Result<DispatchAnswer> {
    return fail(ErrorCode::Unavailable);
  };
  say(client, ask(R"(,"ref":4)"));
  CHECK(error_code(behind_ready(client).back()) == "unavailable");
  CHECK(behind_ready(client).back().contains(R"("retryable":true)"));
  CHECK(edge.broker.publish_calls.size() == 1);
  CHECK(client.connection.is_open());
}

TEST_CASE_FIXTURE(Desk, "rich: echo:false holds for what the app passes on") {
  FakeExchange& client = connect_rich("desk", kGood);
  say(client, ask(R"(,"ref":1,"echo":false)"));
  CHECK(behind_ready(client) == Texts{R"({"type":"tako.ack","data":{"ref":1,"id":")" +
                                      id("desk", 1) + R"("},"key":"desk"})"});
}

TEST_CASE_FIXTURE(Desk, "plain: a rejection and no answer close, a drop is silent") {
  decide({.action = DispatchAction::Drop});
  FakeExchange& dropped = connect("desk", kGood);
  say(dropped, ask());
  CHECK(dropped.connection.is_open());
  CHECK(dropped.connection.frames.empty());
  decide({.action = DispatchAction::Reject, .reason = "no"});
  say(dropped, ask());
  CHECK(dropped.connection.closed == ErrorCode::MessageRejected);
  edge.dispatcher.refusal = Error{ErrorCode::Unavailable};
  FakeExchange& unanswered = connect("desk", kGood);
  say(unanswered, ask());
  CHECK(unanswered.connection.closed == ErrorCode::Unavailable);
}

TEST_CASE_FIXTURE(Desk, "POST: 201 as published, 200 dropped, 403 rejected, 503") {
  decide({.action = DispatchAction::Fanout, .data = "[2]"});
  FakeExchange& sent = post("desk/messages", ask(), kGood);
  CHECK(sent.status == 201);
  CHECK(sent.body == R"({"id":")" + id("desk", 1) +
                         R"(","channel":"desk","type":"ask","data":[2],"subject":"ann"})");
  decide({.action = DispatchAction::Drop});
  FakeExchange& dropped = post("desk/messages", ask(), kGood);
  CHECK(dropped.status == 200);
  CHECK(dropped.body == R"({"dropped":true})");
  decide({.action = DispatchAction::Reject, .reason = "no"});
  FakeExchange& rejected = post("desk/messages", ask(), kGood);
  CHECK(rejected.status == 403);
  CHECK(rejected.error->code == ErrorCode::MessageRejected);
  CHECK(rejected.error->message() == "no");
  edge.dispatcher.refusal = Error{ErrorCode::Unavailable};
  CHECK(post("desk/messages", ask(), kGood).status == 503);
  CHECK(edge.broker.publish_calls.size() == 1);
}

TEST_CASE_FIXTURE(Desk, "what was taken is seen through when its sender is gone") {
  edge.dispatcher.is_slow = true;
  FakeExchange& rich = connect_rich("desk", kGood);
  say(rich, ask());
  say(rich, R"({"type":"message","data":2})");  // behind it
  rich.connection.hang_up();
  FakeExchange& posted = begin("POST", "desk/messages", kGood, R"({"type":"ask","data":3})");
  edge.run();
  posted.go_away();
  CHECK(edge.broker.publish_calls.empty());
  CHECK_FALSE(edge.publishes.is_idle());
  edge.dispatcher.is_slow = false;
  edge.run();
  Texts data;
  for (const PublishRequest& request : edge.broker.publish_calls) data.push_back(request.data);
  CHECK(data == Texts{"1", "2", "3"});
  CHECK(edge.publishes.is_idle());
  CHECK(posted.status == 0);
}

TEST_CASE_FIXTURE(Desk, "a connection that waits for the app is not moved before the answer") {
  edge.dispatcher.is_slow = true;
  FakeExchange& client = connect_rich("desk", kGood);
  CHECK(client.connection.movability() == Movability::Now);
  say(client, ask(R"(,"ref":1)"));
  CHECK(client.connection.movability() == Movability::Soon);
  edge.dispatcher.is_slow = false;
  edge.run();
  CHECK(client.connection.movability() == Movability::Now);
}

TEST_CASE_FIXTURE(Desk, "more than wait behind the app are refused") {
  edge.dispatcher.is_slow = true;
  FakeExchange& client = connect_rich("desk", kGood);
  for (std::size_t i = 0; i < limits::kPublishesPerConnectionMax; ++i) say(client, ask());
  CHECK(behind_ready(client).empty());
  say(client, ask(R"(,"ref":1)"));
  CHECK(error_code(behind_ready(client).back()) == "rate-limited");
  CHECK(edge.limit_counters.publishes_per_connection_max == 1);
  edge.dispatcher.is_slow = false;
  edge.run();
  CHECK(edge.broker.publish_calls.size() == limits::kPublishesPerConnectionMax);
}

TEST_CASE_FIXTURE(Desk, "a type that the definition does not name is refused on every way") {
  FakeExchange& rich = connect_rich("desk", kGood);
  FakeExchange& plain = connect("desk", kGood);
  for (const char* type : {"forged", "Message", "message ", "ASK"}) {
    const std::string forged = R"({"type":")" + std::string(type) + R"(","data":1,"ref":1})";
    say(rich, forged);
    CHECK(error_code(behind_ready(rich).back()) == "type-not-allowed");
    CHECK(post("desk/messages", forged, kGood).status == 403);
  }
  say(plain, R"({"type":"forged","data":1})");
  CHECK(plain.connection.closed == ErrorCode::TypeNotAllowed);
  CHECK(edge.broker.publish_calls.empty());
  CHECK(edge.dispatcher.calls.empty());
}

TEST_CASE_FIXTURE(Desk, "rich: a message above the rate is told when to come again") {
  FakeExchange& client = connect_rich("rated");
  const auto send = [&] { say(client, R"({"type":"message","data":1,"ref":1})"); };
  for (int i = 0; i < 3; ++i) send();
  CHECK(edge.broker.publish_calls.size() == 2);
  CHECK(error_code(behind_ready(client).back()) == "rate-limited");
  CHECK(behind_ready(client).back().contains(R"("retryable":true,"retryAfterMs":1000})"));
  pass(1'000);
  send();
  CHECK(edge.broker.publish_calls.size() == 3);
  CHECK(client.connection.is_open());
  CHECK(edge.counters.rate_limited_by_connection == 1);
}

TEST_CASE_FIXTURE(Desk, "rich: who goes on above the rate is closed, who is slower is not") {
  edge.limits.client_rate_refusals_max = 10;
  FakeExchange& slow = connect_rich("rated");
  const auto send = [&](FakeExchange& client) { say(client, R"({"type":"message","data":1})"); };
  for (std::uint64_t refused = 1; refused <= 11; ++refused) {
    for (int n = 0; n < 20; ++n) {
      send(slow);
      if (edge.counters.rate_limited_by_connection + edge.counters.rate_limited_by_channel ==
          refused) {
        break;
      }
    }
    pass(8'000);
  }
  CHECK(slow.connection.is_open());  // 11 refusals, but never 10 within a minute
  FakeExchange& flood = connect_rich("rated");
  int sent = 0;
  for (; sent < 100 && flood.connection.is_open(); ++sent) send(flood);
  CHECK(sent == 12);
  CHECK(flood.connection.closed == ErrorCode::RateLimited);
  CHECK(edge.limit_counters.client_rate_refusals_max == 1);
}

TEST_CASE_FIXTURE(Desk, "plain: a message above the rate closes; POST: 429 with a time") {
  FakeExchange& client = connect("rated");
  for (int i = 0; i < 3; ++i) say(client, R"({"type":"message","data":1})");
  CHECK(client.connection.closed == ErrorCode::RateLimited);
  CHECK(edge.broker.publish_calls.size() == 2);
  for (int i = 0; i < 2; ++i) {
    CHECK(post("rated/messages", R"({"type":"message","data":1})").status == 201);
  }
  FakeExchange& refused = post("rated/messages", R"({"type":"message","data":1})");
  CHECK(refused.status == 429);
  CHECK(refused.error->retry_after_ms == 500);
  CHECK(edge.counters.rate_limited_by_channel == 1);
}

TEST_CASE_FIXTURE(Desk, "a rewind on every way that takes a cursor") {
  for (int i = 0; i < 5; ++i) {
    edge.clock.advance(1'000);
    publish("open");
  }
  FakeExchange& plain = connect("open?_rewind=2");
  CHECK(plain.connection.texts() == Texts{message("open", "open", 4), message("open", "open", 5)});
  FakeExchange& stream = get("open?_rewind=2500ms");
  CHECK(stream.status == 400);
  CHECK(stream.error->code == ErrorCode::MessageMalformed);
  FakeExchange& by_time = get("open?_rewind=2s");
  CHECK(by_time.connection.bytes().contains("id: " + id("open", 2) + "\n\n"));
  FakeExchange& by_url = connect_rich("open?_rewind=1");
  CHECK(by_url.connection.texts().at(0) ==
        R"({"type":"tako.ready","data":{"id":")" + id("open", 4) +
            R"(","subject":null,"resumed":false},"key":"open"})");
  CHECK(connect("open?_rewind=x").connection.closed == ErrorCode::MessageMalformed);
  CHECK(connect("open?_rewind=10001").connection.closed == ErrorCode::MessageMalformed);
  CHECK(edge.limit_counters.rewind_messages_max == 1);
  // Beside a cursor it does nothing.
  CHECK(connect("open?_rewind=5&last_message_id=" + id("open", 4)).connection.texts() ==
        Texts{message("open", "open", 5)});
}

TEST_CASE_FIXTURE(Desk, "rich: tako.subscribe takes a number or a text, and says what it takes") {
  for (int i = 0; i < 5; ++i) {
    edge.clock.advance(1'000);
    publish("open");
  }
  const auto subscribe = [&](const std::string& rewind) {
    FakeExchange& client = connect_bare();
    say(client,
        R"({"type":"tako.subscribe","ref":1,"data":{"channel":"open","rewind":)" + rewind + "}}");
    return client.connection.texts();
  };
  CHECK(subscribe("2").size() == 3);
  CHECK(subscribe(R"("3s")").size() == 5);
  CHECK(subscribe("0").size() == 1);
  CHECK(subscribe("null").size() == 1);
  for (const char* bad : {"-1", "1.5", "true", "{}", "[]", R"("soon")", R"("")", "10001", "1e2"}) {
    CAPTURE(bad);
    const Texts answer = subscribe(bad);
    REQUIRE(answer.size() == 1);
    CHECK(error_code(answer[0]) == "message-malformed");
    CHECK(answer[0].contains(R"(\"90s\", \"5m\" or \"2h\")"));
  }
}

TEST_CASE_FIXTURE(Desk, "history until a subscription's start, with it") {
  for (int i = 0; i < 5; ++i) publish("open");
  const FakeExchange& page = get("open/messages?_limit=2&_until=" + id("open", 4));
  CHECK(page.status == 200);
  CHECK(edge.broker.fetch_calls.back().with_before);
  CHECK(edge.broker.fetch_calls.back().before->position.offset == 4);
  for (const char* both : {"&_after=", "&_before="}) {
    CHECK(get("open/messages?_until=" + id("open", 4) + both + id("open", 1)).status == 400);
  }
  CHECK(get("open/messages?_until=x").status == 400);
}

}  // namespace tako::edge::testing
