// Channels over a restart of the broker, with the log on disk: in order, and by a kill.
#include <doctest/doctest.h>

#include "broker/channel/history.h"
#include "broker/channel/subscription.h"
#include "broker/channel/test_broker.h"

namespace tako::broker {
namespace {

RuntimeLimits all_cold() {
  RuntimeLimits limits;
  limits.log_hot_bytes_max = 0;
  return limits;
}

void close(TestBroker& broker) {
  bool is_closed = false;
  broker.log->close([&is_closed] { is_closed = true; });
  REQUIRE(is_closed);
}

std::string pull_all(Subscription& reader) {
  std::string joined;
  for (const MessagePtr& message : reader.pull(1 << 20).messages) {
    joined += std::string(message->data()) + ' ';
  }
  return joined;
}

TEST_CASE("a broker that ended in order goes on in the same epoch") {
  TestDisk disk;
  Position first;
  {
    TestBroker broker({}, &disk);
    first = broker.publish("chat", "1")->position;
    broker.publish("chat", "2");
    CHECK(broker.publish("chat", "3")->ack == AckKind::Synced);
    close(broker);
  }
  TestBroker broker({}, &disk);
  CHECK(broker.table.size() == 1);
  CHECK(broker.table.find("default", "chat")->name() == "chat");
  CountingSink sink;
  Subscription reader(broker.table, TestBroker::channel("chat"), sink, Cursor{.position = first});
  CHECK_FALSE(reader.start().gap);
  CHECK(pull_all(reader) == "2 3 ");
  CHECK(broker.publish("chat", "4")->position == Position{4, first.epoch});
  CHECK(pull_all(reader) == "4 ");
}

TEST_CASE("a killed broker begins a new epoch at the head; cursors up to it continue") {
  TestDisk disk;
  Position first;
  Position last;
  {
    TestBroker broker({}, &disk);
    first = broker.publish("chat", "1")->position;
    last = broker.publish("chat", "2")->position;
  }
  TestBroker broker({}, &disk);
  CountingSink sink;
  const auto start = [&](Position position) {
    return Subscription(broker.table, TestBroker::channel("chat"), sink,
                        Cursor{.position = position})
        .start();
  };
  CHECK_FALSE(start(first).gap);
  CHECK_FALSE(start(last).gap);
  CHECK(start({last.offset + 1, last.epoch}).gap);
  const Position next = broker.publish("chat", "3")->position;
  CHECK(next.offset == 3);
  CHECK(next.epoch != last.epoch);
  Subscription reader(broker.table, TestBroker::channel("chat"), sink, Cursor{.position = first});
  CHECK(pull_all(reader) == "2 3 ");
  CHECK_FALSE(start({0, first.epoch}).gap);
}

TEST_CASE("an idempotency key survives a kill, and so does what was published under it") {
  for (const bool is_cold : {false, true}) {
    CAPTURE(is_cold);
    TestDisk disk;
    Position first;
    {
      TestBroker broker(is_cold ? all_cold() : RuntimeLimits{}, &disk);
      first = broker.publish("chat", "1", "k1")->position;
      broker.publish("chat", "2");
      const auto again = broker.publish("chat", "1", "k1");
      CHECK(again->repeated);
      CHECK(again->message->data() == "1");
    }
    TestBroker broker(is_cold ? all_cold() : RuntimeLimits{}, &disk);
    CHECK(broker.table.idempotency_keys() == 1);
    const auto again = broker.publish("chat", "1", "k1");
    REQUIRE(again.has_value());
    CHECK(again->repeated);
    CHECK(again->position == first);
    CHECK(again->message->data() == "1");
    CHECK(broker.publish("chat", "other", "k1").error().code == ErrorCode::IdempotencyKeyReused);
    broker.clock.advance(60'000);
    CHECK_FALSE(broker.publish("chat", "1", "k1")->repeated);
  }
}

TEST_CASE("a key outlives the message that a cap took, over a kill too") {
  TestDisk disk;
  Position first;
  {
    TestBroker broker({}, &disk);
    first = broker.publish("feed", "1", "k")->position;  // keeps three
    for (const char* data : {"2", "3", "4", "5"}) broker.publish("feed", data);
  }
  TestBroker broker({}, &disk);
  CHECK(broker.table.window("default", "feed").oldest == 3);
  const auto again = broker.publish("feed", "1", "k");
  CHECK(again->repeated);
  CHECK(again->position == first);
  CHECK(again->message == nullptr);
}

TEST_CASE("windows go on over a restart: what has left them meanwhile is gone") {
  TestDisk disk;
  {
    TestBroker broker({}, &disk);
    broker.publish("brief:x", "1");  // 100 ms
    broker.publish("chat", "1");     // a minute
  }
  TestBroker broker({}, &disk);
  broker.clock.advance(100);
  broker.tick_around();
  CHECK(broker.table.find("default", "brief:x") == nullptr);
  CHECK(broker.table.window("default", "brief:x").head == 1);
  CHECK(broker.table.messages(*broker.table.find("default", "chat")) == 1);
}

TEST_CASE("pages are read from disk as from memory") {
  TestDisk disk;
  TestBroker broker(all_cold(), &disk);
  Epoch epoch;
  for (int i = 1; i <= 10; ++i) {
    epoch = broker.publish("chat", std::to_string(i))->position.epoch;
  }
  const auto text = [&broker](const PageRequest& request) {
    std::string out;
    read_page(broker.table, "default", "chat", request, [&out](const Result<Page>& page) {
      for (const MessagePtr& message : page->messages) out += std::string(message->data()) + ' ';
    });
    return out;
  };
  CHECK(text({.after = Cursor{.position = {3, epoch}}, .limit = 2}) == "4 5 ");
  CHECK(text({.limit = 3}) == "8 9 10 ");
  CHECK(text({.before = Cursor{.position = {3, epoch}}}) == "1 2 ");
}

}  // namespace
}  // namespace tako::broker
