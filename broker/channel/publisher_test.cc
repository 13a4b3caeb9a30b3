// What is stored, what is refused, and what a repeated key answers.
#include "broker/channel/publisher.h"

#include <doctest/doctest.h>

#include "broker/channel/subscription.h"
#include "broker/channel/test_broker.h"

namespace tako::broker {
namespace {

ErrorCode refusal(TestBroker& broker, PublishRequest request) {
  const std::uint64_t refused = broker.publisher.counters().refused_total;
  const auto answer = broker.publish(std::move(request));
  REQUIRE_FALSE(answer.has_value());
  CHECK(broker.publisher.counters().refused_total == refused + 1);
  return answer.error().code;
}

std::vector<Result<Published>> atomic(TestBroker& broker, std::vector<PublishRequest> requests,
                                      const std::string& key = {}) {
  std::optional<std::vector<Result<Published>>> answer;
  broker.publisher.publish_atomic(
      std::move(requests), key,
      [&answer](std::vector<Result<Published>> results) { answer = std::move(results); });
  REQUIRE(answer.has_value());
  return *answer;
}

PublishRequest by_client(const std::string& data, const std::string& subject,
                         const std::string& key) {
  PublishRequest request = TestBroker::request("chat", data, key);
  request.message.subject = subject;
  request.publisher = PublisherKind::Client;
  return request;
}

TEST_CASE("a publish is answered with the message as stored") {
  TestBroker broker;
  const auto first = broker.publish("chat", R"({"a":1})");
  REQUIRE(first.has_value());
  CHECK(first->position.offset == 1);
  CHECK_FALSE(first->repeated);
  CHECK(first->message->data() == R"({"a":1})");
  CHECK(first->message->time_ms() == broker.clock.wall_ms());
  CHECK(broker.publish("chat", "2")->position.offset == 2);
  CHECK(broker.publisher.counters().published_total == 2);
  CHECK(first->ack == AckKind::Memory);
  CHECK(broker.publisher.ack("default", AckKind::Synced) == AckKind::Memory);
}

TEST_CASE("each refusal names its rule, and stores nothing") {
  TestBroker broker;
  CHECK(refusal(broker, TestBroker::request("nobody", "1")) == ErrorCode::ChannelUnknown);
  PublishRequest request = TestBroker::request("chat", "1");
  request.channel.app = "nobody";
  CHECK(refusal(broker, request) == ErrorCode::AppUnknown);
  request = TestBroker::request("chat", "1");
  request.channel.key = "chatter?roomId=1";
  CHECK(refusal(broker, request) == ErrorCode::BadRequest);
  request = TestBroker::request("chat", "1");
  request.channel.key = "chat?roomId=" + std::string(limits::kChannelKeyBytesMax, 'x');
  CHECK(refusal(broker, request) == ErrorCode::ParamsInvalid);
  CHECK(broker.counters.channel_key_bytes_max == 1);
  std::string hundred;  // characters, of two bytes each
  for (int i = 0; i < 100; ++i) hundred += "\u00E9";
  for (const std::string& type : {std::string(), std::string("tako.ready"), std::string("a\nb"),
                                  hundred + "\n", hundred + hundred}) {
    request = TestBroker::request("chat", "1");
    request.message.type = type;
    CHECK(refusal(broker, request) == ErrorCode::BadRequest);
  }
  CHECK(broker.counters.message_type_max == 1);  // Only the last is too long.
  request = TestBroker::request("chat", "1", std::string(limits::kIdempotencyKeyMax + 1, 'k'));
  CHECK(refusal(broker, request) == ErrorCode::BadRequest);
  CHECK(broker.counters.idempotency_key_max == 1);
  CHECK(refusal(broker, TestBroker::request("chat", "1", "\xff")) == ErrorCode::BadRequest);
  CHECK(refusal(broker, by_client("1", "\xff", "")) == ErrorCode::BadRequest);
  CHECK(refusal(broker, by_client("1", std::string(limits::kSubjectMax + 1, 's'), "")) ==
        ErrorCode::BadRequest);
  CHECK(broker.counters.subject_max == 1);
  request = by_client("1", "ann", "");
  request.message.connection = "\xff";
  CHECK(refusal(broker, request) == ErrorCode::BadRequest);
  request = TestBroker::request("chat", "1", "key");
  request.ephemeral = true;
  CHECK(refusal(broker, request) == ErrorCode::EphemeralWithKey);
  CHECK(broker.table.size() == 0);
}

TEST_CASE("data is stored up to its limit and refused above it") {
  RuntimeLimits limits;
  limits.message_bytes_max = 100;
  TestBroker broker(limits);
  CHECK(broker.publish("chat", std::string(100, '1')).has_value());
  CHECK(refusal(broker, TestBroker::request("chat", std::string(101, '1'))) ==
        ErrorCode::PayloadTooLarge);
  CHECK(broker.counters.message_bytes_max == 1);
}

TEST_CASE("a repeated key answers with the first message, and delivers nothing again") {
  TestBroker broker;
  CountingSink sink;
  const Subscription reader(broker.table, TestBroker::channel("chat"), sink, {});
  const auto first = broker.publish("chat", "1", "k");
  const auto again = broker.publish("chat", "1", "k");
  REQUIRE(again.has_value());
  CHECK(again->repeated);
  CHECK(again->position == first->position);
  CHECK(again->message == first->message);
  CHECK(sink.appended == 1);
  CHECK(broker.publisher.counters().repeated_total == 1);
}

TEST_CASE("a key with another body, type or encoding is refused") {
  TestBroker broker;
  broker.publish("chat", "1", "k");
  CHECK(refusal(broker, TestBroker::request("chat", "2", "k")) == ErrorCode::IdempotencyKeyReused);
  PublishRequest other = TestBroker::request("chat", "1", "k");
  other.message.type = "u";
  CHECK(refusal(broker, other) == ErrorCode::IdempotencyKeyReused);
  other = TestBroker::request("chat", "1", "k");
  other.message.encoding = Encoding::Text;
  CHECK(refusal(broker, other) == ErrorCode::IdempotencyKeyReused);
  CHECK(broker.publish("feed", "2", "k").has_value());  // another channel, another key
}

TEST_CASE("a key stands for what was sent, whatever was made of it") {
  TestBroker broker;
  PublishRequest made = TestBroker::request("chat", "at noon", "k");
  made.sent = "1";
  CHECK(broker.publish(made)->position.offset == 1);
  made.message.data = "at one";
  const auto again = broker.publish(made);
  REQUIRE(again.has_value());
  CHECK(again->repeated);
  CHECK(again->position.offset == 1);
  made.sent = "2";
  CHECK(refusal(broker, made) == ErrorCode::IdempotencyKeyReused);
  // What is published as it was sent is the same message as what was sent.
  CHECK(broker.publish("chat", "1", "k")->repeated);
}

TEST_CASE("keys of the app and of each subject never meet") {
  TestBroker broker;
  CHECK(broker.publish("chat", "app", "k")->position.offset == 1);
  CHECK(broker.publish(by_client("ann", "ann", "k"))->position.offset == 2);
  CHECK(broker.publish(by_client("bob", "bob", "k"))->position.offset == 3);
  CHECK(broker.publish(by_client("anyone", "", "k"))->position.offset == 4);
  CHECK(broker.publish(by_client("ann", "ann", "k"))->position.offset == 2);
}

TEST_CASE("evicted by a cap, a repeat answers with the position alone") {
  TestBroker broker;
  const auto first = broker.publish("feed", "1", "k");
  for (int i = 0; i < 3; ++i) broker.publish("feed", "x");
  const auto again = broker.publish("feed", "1", "k");
  REQUIRE(again.has_value());
  CHECK(again->repeated);
  CHECK(again->position == first->position);
  CHECK(again->message == nullptr);
}

TEST_CASE("a key lives as long as the window") {
  TestBroker broker;
  const Position first = broker.publish("brief:x", "1", "k")->position;
  broker.clock.advance(99);
  CHECK(broker.publish("brief:x", "1", "k")->position == first);
  broker.clock.advance(1);
  CHECK(broker.publish("brief:x", "1", "k")->position.offset == 2);
  broker.clock.advance(100);
  broker.tick_around();
  CHECK(broker.table.idempotency_keys() == 0);
  CHECK(broker.table.size() == 0);
}

TEST_CASE("the table of keys is bounded per channel") {
  RuntimeLimits limits;
  limits.idempotency_keys_per_channel_max = 2;
  TestBroker broker(limits);
  broker.publish("chat", "1", "a");
  broker.publish("chat", "2", "b");
  CHECK(refusal(broker, TestBroker::request("chat", "3", "c")) == ErrorCode::IdempotencyTableFull);
  CHECK(broker.counters.idempotency_keys_per_channel_max == 1);
  CHECK(broker.publish("chat", "1", "a")->repeated);
  CHECK(broker.publish("chat", "3").has_value());       // without a key
  CHECK(broker.publish("feed", "3", "c").has_value());  // another channel
  CHECK(broker.table.window("default", "chat").head == 3);
}

TEST_CASE("a repeat waits for the first's answer, and gets the same") {
  TestBroker broker;
  broker.cluster.is_holding = true;
  std::vector<Result<Published>> answers;
  const auto gather = [&answers](Result<Published> answer) {
    answers.push_back(std::move(answer));
  };
  broker.publisher.publish(TestBroker::request("chat", "1", "k"), gather);
  broker.publisher.publish(TestBroker::request("chat", "1", "k"), gather);
  CHECK(answers.empty());
  CHECK(refusal(broker, TestBroker::request("chat", "2", "k")) == ErrorCode::IdempotencyKeyReused);
  broker.cluster.let_through();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0]->position == answers[1]->position);
  CHECK(broker.table.window("default", "chat").head == 1);
}

TEST_CASE("when the first fails its repeats fail, and the key is free again") {
  TestBroker broker;
  broker.cluster.is_holding = true;
  std::vector<Result<Published>> answers;
  const auto gather = [&answers](Result<Published> answer) {
    answers.push_back(std::move(answer));
  };
  broker.publisher.publish(TestBroker::request("chat", "1", "k"), gather);
  broker.publisher.publish(TestBroker::request("chat", "1", "k"), gather);
  broker.cluster.let_fail(ErrorCode::LogFull);
  REQUIRE(answers.size() == 2);
  for (const auto& answer : answers) CHECK(answer.error().code == ErrorCode::LogFull);
  CHECK(broker.table.idempotency_keys() == 0);
  broker.cluster.is_holding = false;
  CHECK_FALSE(broker.publish("chat", "1", "k")->repeated);
}

TEST_CASE("in a batch each message stands for itself") {
  TestBroker broker;
  std::vector<Result<Published>> results;
  broker.publisher.publish_each(
      {TestBroker::request("chat", "1"), TestBroker::request("nobody", "2"),
       TestBroker::request("feed", "3")},
      [&](std::vector<Result<Published>> all) { results = all; });
  REQUIRE(results.size() == 3);
  CHECK(results[0]->message->data() == "1");
  CHECK(results[1].error().code == ErrorCode::ChannelUnknown);
  CHECK(results[2]->message->data() == "3");
}

TEST_CASE("a batch is answered by position, whatever is done first") {
  TestBroker broker;
  broker.cluster.is_holding = true;
  std::vector<Result<Published>> results;
  broker.publisher.publish_each(
      {TestBroker::request("chat", "1"), TestBroker::request("nobody", "2")},
      [&](std::vector<Result<Published>> all) { results = all; });
  CHECK(results.empty());
  broker.cluster.let_through();
  REQUIRE(results.size() == 2);
  CHECK(results[0].has_value());
  CHECK_FALSE(results[1].has_value());
}

TEST_CASE("an atomic batch is stored whole, told once, and dense") {
  TestBroker broker;
  CountingSink sink;
  Subscription reader(broker.table, TestBroker::channel("chat"), sink, {});
  const auto results =
      atomic(broker, {TestBroker::request("chat", "1"), TestBroker::request("chat", "2")});
  REQUIRE(results.size() == 2);
  CHECK(results[0]->position.offset == 1);
  CHECK(results[1]->position.offset == 2);
  CHECK(sink.appended == 1);
  const Pulled pulled = reader.pull(1);
  CHECK(pulled.messages.size() == 2);
}

TEST_CASE("an atomic batch is refused whole when one message is wrong") {
  TestBroker broker;
  const auto code = [&](std::vector<PublishRequest> requests) {
    const auto results = atomic(broker, std::move(requests));
    for (const auto& result : results) REQUIRE_FALSE(result.has_value());
    CHECK(results.back().error().detail.find("messages[1]") != std::string::npos);
    return results.front().error().code;
  };
  const PublishRequest fine = TestBroker::request("chat", "1");
  PublishRequest typeless = fine;
  typeless.message.type.clear();
  CHECK(code({fine, typeless}) == ErrorCode::BadRequest);
  CHECK(code({fine, TestBroker::request("feed", "2")}) == ErrorCode::BatchInvalid);
  PublishRequest ephemeral = fine;
  ephemeral.ephemeral = true;
  CHECK(code({fine, ephemeral}) == ErrorCode::BatchInvalid);
  CHECK(code({fine, TestBroker::request("chat", "2", "own-key")}) == ErrorCode::BatchInvalid);
  CHECK(broker.table.size() == 0);
}

TEST_CASE("an atomic batch larger than what the channel keeps is refused") {
  TestBroker broker;
  const std::vector<PublishRequest> four(4, TestBroker::request("feed", "x"));
  CHECK(atomic(broker, four).front().error().code == ErrorCode::BatchInvalid);
  CHECK(atomic(broker, {four.begin(), four.begin() + 3}).front().has_value());
}

TEST_CASE("an atomic batch that no frame could carry is refused") {
  RuntimeLimits limits;
  limits.message_bytes_max = 4 << 20;
  TestBroker broker(limits);
  const std::vector<PublishRequest> two(2, TestBroker::request("chat", std::string(3 << 20, 'x')));
  CHECK(atomic(broker, two).front().error().code == ErrorCode::PayloadTooLarge);
  CHECK(broker.counters.link_frame_bytes_max == 1);
}

TEST_CASE("one key stands for the whole atomic batch") {
  TestBroker broker;
  const std::vector<PublishRequest> batch{TestBroker::request("chat", "1"),
                                          TestBroker::request("chat", "2")};
  CHECK(atomic(broker, batch, "k").front()->message->message_id() == "k");
  const auto again = atomic(broker, batch, "k");
  REQUIRE(again.size() == 2);
  CHECK(again[1]->repeated);
  CHECK(again[1]->position.offset == 2);
  CHECK(again[1]->message->data() == "2");
  CHECK(broker.table.window("default", "chat").head == 2);
  CHECK(atomic(broker, {batch[0]}, "k").front().error().code == ErrorCode::IdempotencyKeyReused);
  CHECK(broker.publish("chat", "1", "k").error().code == ErrorCode::IdempotencyKeyReused);
}

TEST_CASE("nothing to publish is answered with nothing") {
  TestBroker broker;
  int answers = 0;
  const auto count = [&answers](const std::vector<Result<Published>>& results) {
    CHECK(results.empty());
    ++answers;
  };
  broker.publisher.publish_each({}, count);
  broker.publisher.publish_atomic({}, "", count);
  CHECK(answers == 2);
}

}  // namespace
}  // namespace tako::broker
