// Readers: where they start, what they pull, and what they are told is gone.
#include "broker/channel/subscription.h"

#include <doctest/doctest.h>

#include "broker/channel/test_broker.h"

namespace tako::broker {
namespace {

std::string data_of(const Pulled& pulled) {
  std::string joined;
  for (const MessagePtr& message : pulled.messages) joined += std::string(message->data()) + ' ';
  return joined;
}
std::string pull(Subscription& reader) { return data_of(reader.pull(1 << 20)); }

TEST_CASE("without a cursor a reader starts at the head and gets what comes after") {
  TestBroker broker;
  broker.publish("chat", "1");
  CountingSink sink;
  Subscription reader(broker.table, TestBroker::channel("chat"), sink, {});
  CHECK(reader.start().after == 1);
  CHECK(reader.is_at_head());
  CHECK(pull(reader).empty());
  broker.publish("chat", "2");
  broker.publish("chat", "3");
  CHECK(sink.appended == 2);
  CHECK_FALSE(reader.is_at_head());
  CHECK(pull(reader) == "2 3 ");
  CHECK(reader.is_at_head());
}

TEST_CASE("a cursor goes on exactly behind itself; the cursor 0 begins at the oldest") {
  TestBroker broker;
  const Position first = broker.publish("chat", "1")->position;
  broker.publish("chat", "2");
  CountingSink sink;
  Subscription reader(broker.table, TestBroker::channel("chat"), sink, Cursor{.position = first});
  CHECK_FALSE(reader.start().gap);
  CHECK(pull(reader) == "2 ");
  Subscription all(broker.table, TestBroker::channel("chat"), sink,
                   Cursor{.from_oldest = true, .position = {}});
  CHECK(pull(all) == "1 2 ");
}

TEST_CASE("a cursor that can't go on is told, and starts at the head") {
  TestBroker broker;
  for (const char* data : {"1", "2", "3", "4", "5"}) broker.publish("feed", data);  // keeps three
  const Epoch epoch = broker.table.window("default", "feed").epoch;
  CountingSink sink;
  const auto start = [&](Position position) {
    return Subscription(broker.table, TestBroker::channel("feed"), sink,
                        Cursor{.position = position})
        .start();
  };
  CHECK(start({1, epoch}).gap);
  CHECK(start({1, epoch}).reason == GapReason::WindowPassed);
  CHECK(start({1, epoch}).after == 5);
  CHECK_FALSE(start({2, epoch}).gap);
  CHECK(start({6, epoch}).reason == GapReason::AheadOfHead);
  CHECK(start({3, make_epoch(epoch.value + 1)}).reason == GapReason::HistoryLost);
}

TEST_CASE("a reader that the window passes is told, once, and goes on at the head") {
  TestBroker broker;
  CountingSink sink;
  Subscription reader(broker.table, TestBroker::channel("feed"), sink, {});
  for (const char* data : {"1", "2", "3", "4"}) broker.publish("feed", data);
  const Pulled pulled = reader.pull(1 << 20);
  CHECK(pulled.gap == GapReason::WindowPassed);
  CHECK(pulled.messages.empty());
  REQUIRE(pulled.window.has_value());
  CHECK(pulled.window->head == 4);
  CHECK(reader.after() == 4);
  broker.publish("feed", "5");
  const Pulled next = reader.pull(1 << 20);
  CHECK(data_of(next) == "5 ");
  CHECK_FALSE(next.gap.has_value());
  CHECK_FALSE(next.window.has_value());
}

TEST_CASE("a reader whose messages leave by time is told too") {
  TestBroker broker;
  CountingSink sink;
  Subscription reader(broker.table, TestBroker::channel("brief:x"), sink, {});
  broker.publish("brief:x", "1");
  broker.clock.advance(100);
  const Pulled pulled = reader.pull(1 << 20);
  CHECK(pulled.gap == GapReason::WindowPassed);
  CHECK(pulled.messages.empty());
}

TEST_CASE("a pull is a share; more says that another is due") {
  TestBroker broker;
  CountingSink sink;
  Subscription reader(broker.table, TestBroker::channel("chat"), sink, {});
  for (int i = 0; i < 10; ++i) broker.publish("chat", std::string(1'000, 'x'));
  std::size_t pulls = 0;
  std::size_t messages = 0;
  Pulled pulled;
  do {
    pulled = reader.pull(2'500);
    CHECK(pulled.messages.size() == 2);
    messages += pulled.messages.size();
    ++pulls;
  } while (pulled.more);
  CHECK(pulls == 5);
  CHECK(messages == 10);
}

TEST_CASE("subscribing alone stores nothing, and the last to leave takes the channel along") {
  TestBroker broker;
  CountingSink sink;
  {
    Subscription first(broker.table, TestBroker::channel("chat"), sink, {}, 3);
    CountingSink other;
    Subscription second(broker.table, TestBroker::channel("chat"), other, {}, 2);
    CHECK(first.channel().subscribers() == 5);
    second.set_subscribers(7);
    CHECK(first.channel().subscribers() == 10);
    CHECK(broker.table.size() == 1);
  }
  CHECK(broker.table.size() == 0);
  CHECK(broker.log->stats().streams == 0);
  CHECK(broker.log->stats().quiet_heads == 0);
}

TEST_CASE("ephemeral messages reach who listens now, and nobody else") {
  TestBroker broker;
  CountingSink sink;
  PublishRequest typing = TestBroker::request("chat", "{}");
  typing.ephemeral = true;
  CHECK(broker.publish(typing)->position.offset == 0);
  CHECK(broker.table.size() == 0);  // no record of it
  Subscription reader(broker.table, TestBroker::channel("chat"), sink, {});
  broker.publish(typing);
  CHECK(sink.ephemeral.size() == 1);
  CHECK(sink.appended == 0);
  CHECK(pull(reader).empty());
}

}  // namespace
}  // namespace tako::broker
