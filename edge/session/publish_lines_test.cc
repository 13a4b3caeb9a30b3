// PublishLines: order within a line, what the app decides, bounds, and the end of a sender.
#include "edge/session/publish_lines.h"

#include <doctest/doctest.h>

#include "edge/session/testing/fake_edge.h"

namespace tako::edge {
namespace {

using namespace testing;

struct Lines {
  Lines() { edge.broker.link_up(); }
  Result<void> send(std::uint64_t line, std::string data,
                    HandlerKind handler = HandlerKind::Dispatch, std::string key = {}) {
    PublishRequest request{
        .channel = {.app = "default", .name = "chat", .key = "chat?n=1", .params_json = "{}"}};
    request.type = "msg";
    request.data = std::move(data);
    request.subject = "ann";
    request.idempotency_key = std::move(key);
    return edge.publishes.send(
        line,
        {.publish = std::move(request),
         .handler = handler,
         .ip = "10.0.0.1",
         .granted_ms = edge.clock.monotonic_ms()},
        [this](const Result<Published>& published) { told.push_back(words_of(published)); });
  }
  static std::string words_of(const Result<Published>& published) {
    if (!published) {
      return std::string(published.error().info().name) + ": " +
             std::string(published.error().message());
    }
    if (published->is_dropped) return "dropped";
    return std::to_string(published->ack.position.offset) + published->data.value_or("");
  }
  std::vector<std::string> published() const {
    std::vector<std::string> out;
    for (const PublishRequest& request : edge.broker.publish_calls) out.push_back(request.data);
    return out;
  }
  void answer_one(DispatchAnswer answer) {
    edge.dispatcher.decide = [answer](const DispatchCall&) { return answer; };
    REQUIRE(edge.dispatcher.run_one());
  }

  Encoders encoders{};
  PresenceEncoders presence_encoders{};
  FakeEdge edge{encoders, presence_encoders};
  std::vector<std::string> told;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "what waits when its sender's permission is taken back is refused, what is asked is seen "
    "through") {
  Lines lines;
  CHECK(lines.send(1, "1").has_value());
  CHECK(lines.send(1, "2").has_value());
  CHECK(lines.send(1, "3", HandlerKind::Relay).has_value());
  lines.edge.clock.advance(10);
  lines.edge.revocations.apply(
      {.app = "default", .subject = "ann", .at_ms = lines.edge.clock.monotonic_ms()});
  lines.edge.clock.advance(10);
  CHECK(lines.send(1, "4", HandlerKind::Relay).has_value());  // Under a permission of later.
  lines.answer_one({.action = DispatchAction::Fanout});
  CHECK(lines.published() == Texts{"1", "4"});
  CHECK(lines.told.size() == 2);
  CHECK(lines.told[0].starts_with("revoked: "));
  CHECK_FALSE(lines.edge.dispatcher.run_one());
}

TEST_CASE("what is relayed goes to the broker at once") {
  Lines lines;
  CHECK(lines.send(1, "1", HandlerKind::Relay).has_value());
  CHECK(lines.published() == Texts{"1"});
  CHECK_FALSE(lines.edge.publishes.is_idle());
  lines.edge.run();
  CHECK(lines.told == Texts{"1"});
  CHECK(lines.edge.publishes.is_idle());
  CHECK(lines.edge.dispatcher.calls.empty());
}

TEST_CASE("the app is asked with all that it should know, and its fanout is published") {
  Lines lines;
  CHECK(lines.send(1, "1", HandlerKind::Dispatch, "k").has_value());
  CHECK(lines.published().empty());
  REQUIRE(lines.edge.dispatcher.calls.size() == 1);
  const DispatchCall& call = lines.edge.dispatcher.calls.front();
  CHECK(call.app == "default");
  CHECK(call.channel == "chat");
  CHECK(call.subject == "ann");
  CHECK(call.type == "msg");
  CHECK(call.data == "1");
  CHECK(call.idempotency_key == "k");
  CHECK(call.ip == "10.0.0.1");
  lines.answer_one({.action = DispatchAction::Fanout, .data = "2"});
  const PublishRequest& request = lines.edge.broker.publish_calls.front();
  CHECK(request.data == "2");
  CHECK(request.sent == "1");
  CHECK(request.subject == "ann");
  CHECK(request.idempotency_key == "k");
  lines.edge.run();
  CHECK(lines.told == Texts{"12"});
}

TEST_CASE("published as it was sent it stands for itself") {
  Lines lines;
  for (const std::optional<std::string>& data : {std::optional<std::string>(), {"1"}}) {
    CHECK(lines.send(1, "1").has_value());
    lines.answer_one({.action = DispatchAction::Fanout, .data = data});
    CHECK(lines.edge.broker.publish_calls.back().data == "1");
    CHECK(lines.edge.broker.publish_calls.back().sent.empty());
  }
}

TEST_CASE("drop, reject and no answer are told; nothing is published") {
  Lines lines;
  for (int i = 0; i < 3; ++i) CHECK(lines.send(1, "1").has_value());
  lines.answer_one({.action = DispatchAction::Drop});
  lines.answer_one({.action = DispatchAction::Reject, .reason = "too loud"});
  lines.edge.dispatcher.decide = [](const DispatchCall&) -> Result<DispatchAnswer> {
    return fail(ErrorCode::Unavailable, "no answer");
  };
  REQUIRE(lines.edge.dispatcher.run_one());
  CHECK(lines.told == Texts{"dropped", "message-rejected: too loud", "unavailable: no answer"});
  CHECK(lines.published().empty());
  CHECK(lines.edge.publishes.is_idle());
}

TEST_CASE("behind one that the app is asked about the next ones of its line wait, others do not") {
  Lines lines;
  CHECK(lines.send(1, "11").has_value());
  CHECK(lines.send(1, "12", HandlerKind::Relay).has_value());
  CHECK(lines.send(1, "13").has_value());
  CHECK(lines.send(1, "14", HandlerKind::Ephemeral).has_value());
  CHECK(lines.send(2, "21", HandlerKind::Relay).has_value());
  CHECK(lines.send(3, "31").has_value());
  CHECK(lines.published() == Texts{"21"});
  CHECK(lines.edge.dispatcher.calls.size() == 2);  // 11 and 31
  REQUIRE(lines.edge.dispatcher.run_one());
  CHECK(lines.published() == Texts{"21", "11", "12"});
  REQUIRE(lines.edge.dispatcher.run_one());
  CHECK(lines.published() == Texts{"21", "11", "12", "31"});
  REQUIRE(lines.edge.dispatcher.run_one());
  CHECK(lines.published() == Texts{"21", "11", "12", "31", "13", "14"});
  // The line has ended: nothing waits for nothing.
  CHECK(lines.send(1, "15", HandlerKind::Relay).has_value());
  CHECK(lines.published().back() == "15");
}

TEST_CASE("an app that can't be asked is told at once, and the line goes on") {
  Lines lines;
  lines.edge.dispatcher.refusal = Error{ErrorCode::Unavailable, "no upstream"};
  CHECK(lines.send(1, "1").has_value());
  CHECK(lines.told == Texts{"unavailable: no upstream"});
  lines.edge.dispatcher.refusal.reset();
  CHECK(lines.send(1, "2").has_value());
  CHECK(lines.send(1, "3").has_value());
  CHECK(lines.send(1, "4", HandlerKind::Relay).has_value());
  lines.edge.dispatcher.refusal = Error{ErrorCode::LimitReached, "full"};
  REQUIRE(lines.edge.dispatcher.run_one());
  CHECK(lines.told == Texts{"unavailable: no upstream", "limit-reached: full"});
  CHECK(lines.published() == Texts{"2", "4"});
}

TEST_CASE("what waits is bounded in bytes, and what was refused leaves the line as it was") {
  Lines lines;
  lines.edge.limits.dispatch_bytes_max = 3'000;
  const std::string large(2'000, '1');
  CHECK(lines.send(1, large).has_value());
  const auto refused = lines.send(2, large);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::LimitReached);
  CHECK(lines.edge.limit_counters.dispatch_bytes_max == 1);
  CHECK(lines.send(2, large, HandlerKind::Relay).has_value());  // It does not wait.
  lines.edge.run();
  CHECK(lines.edge.publishes.is_idle());
  CHECK(lines.send(2, large).has_value());
  lines.edge.run();
  CHECK(lines.told.size() == 3);
}

TEST_CASE("a broker's refusal is told as it is") {
  Lines lines;
  lines.edge.broker.publish_error = Error{ErrorCode::LogFull};
  CHECK(lines.send(1, "1").has_value());
  lines.edge.run();
  REQUIRE(lines.told.size() == 1);
  CHECK(lines.told[0].starts_with("log-full"));
}

TEST_CASE("what is told may send more on the same line, behind what waits") {
  Lines lines;
  bool has_sent = false;
  PublishRequest request{
      .channel = {.app = "default", .name = "chat", .key = "chat", .params_json = "{}"}};
  request.data = "1";
  const auto sent = lines.edge.publishes.send(
      1, {.publish = request, .handler = HandlerKind::Dispatch}, [&](const Result<Published>&) {
        has_sent = lines.send(1, "3", HandlerKind::Relay).has_value();
      });
  REQUIRE(sent.has_value());
  CHECK(lines.send(1, "2", HandlerKind::Relay).has_value());
  lines.answer_one({.action = DispatchAction::Drop});
  CHECK(has_sent);
  CHECK(lines.published() == Texts{"2", "3"});
}

TEST_CASE("when idle is told once everything is answered for, or at once") {
  Lines lines;
  int idle = 0;
  lines.edge.publishes.when_idle([&idle] { ++idle; });
  CHECK(idle == 1);
  CHECK(lines.send(1, "1").has_value());
  CHECK(lines.send(1, "2", HandlerKind::Relay).has_value());
  lines.edge.publishes.when_idle([&idle] { ++idle; });
  REQUIRE(lines.edge.dispatcher.run_one());
  CHECK(idle == 1);  // The broker has not said yet that it has them.
  lines.edge.run();
  CHECK(idle == 2);
  CHECK(lines.send(1, "3", HandlerKind::Relay).has_value());
  lines.edge.run();
  CHECK(idle == 2);
}

}  // namespace tako::edge
