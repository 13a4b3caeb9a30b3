// Channels come and go; what they were is remembered as the design says.
#include "broker/channel/channel_table.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include "broker/channel/subscription.h"
#include "broker/channel/test_broker.h"

namespace tako::broker {
namespace {

TEST_CASE("asking for a channel makes no record of it") {
  TestBroker broker;
  const ReplayWindow window = broker.table.window("default", "chat");
  CHECK(window.head == 0);
  CHECK(broker.table.find("default", "chat") == nullptr);
  CHECK(broker.table.size() == 0);
  CHECK(broker.table.window("default", "feed").epoch == window.epoch);  // the log's, not its own
}

TEST_CASE("apps never share a channel") {
  TestBroker broker;
  broker.publish("chat", "1");
  CHECK(broker.table.find("other", "chat") == nullptr);
  CHECK(broker.table.window("other", "chat").head == 0);
  int seen = 0;
  broker.table.for_each("other", [&](const Channel&) { ++seen; });
  CHECK(seen == 0);
  broker.table.for_each("default", [&](const Channel& channel) {
    ++seen;
    CHECK(channel.name() == "chat");
    CHECK(broker.table.messages(channel) == 1);
  });
  CHECK(seen == 1);
}

TEST_CASE("behind the last message only the head is remembered, and a cursor there goes on") {
  TestBroker broker;
  const Position last = broker.publish("brief:x", "1")->position;
  broker.clock.advance(99);
  broker.tick_around();
  CHECK(broker.table.size() == 1);
  broker.clock.advance(1);
  broker.tick_around();
  CHECK(broker.table.size() == 0);
  CHECK(broker.table.counters().forgotten_total == 1);
  CHECK(broker.table.window("default", "brief:x").head == 1);
  CountingSink sink;
  const Subscription reader(broker.table, TestBroker::channel("brief:x"), sink,
                            Cursor{.position = last});
  CHECK_FALSE(reader.start().gap);
  CHECK(broker.publish("brief:x", "2")->position == Position{2, last.epoch});
}

TEST_CASE("a subscriber keeps the channel behind its last message") {
  TestBroker broker;
  CountingSink sink;
  std::optional<Subscription> reader;
  reader.emplace(broker.table, TestBroker::channel("brief:x"), sink, std::nullopt);
  broker.publish("brief:x", "1");
  broker.clock.advance(200);
  broker.tick_around();
  CHECK(broker.table.size() == 1);
  reader.reset();
  CHECK(broker.table.size() == 0);
  CHECK(broker.table.window("default", "brief:x").head == 1);
}

TEST_CASE("inactivityTtlMs shortens the memory of the head; then a new epoch begins") {
  TestBroker broker;
  const Position first = broker.publish("brief:x", "1")->position;
  broker.clock.advance(100);
  broker.tick_around();
  broker.clock.advance(499);
  broker.tick_around();
  CHECK(broker.table.window("default", "brief:x").head == 1);
  broker.clock.advance(1);
  broker.tick_around();
  CHECK(broker.table.window("default", "brief:x").head == 0);
  const Position again = broker.publish("brief:x", "2")->position;
  CHECK(again.offset == 1);
  CHECK(again.epoch != first.epoch);
  CountingSink sink;
  const Subscription reader(broker.table, TestBroker::channel("brief:x"), sink,
                            Cursor{.position = first});
  CHECK(reader.start().reason == GapReason::HistoryLost);
}

TEST_CASE("a cursor of a channel that was never published survives until the base epoch changes") {
  TestBroker broker;
  const Position before_any{0, broker.table.window("default", "chat").epoch};
  broker.publish("chat", "1");
  CountingSink sink;
  {
    Subscription reader(broker.table, TestBroker::channel("chat"), sink,
                        Cursor{.position = before_any});
    CHECK_FALSE(reader.start().gap);
    CHECK(reader.pull(1 << 20).messages.size() == 1);
  }
  const Position unused{0, broker.table.window("default", "feed").epoch};
  broker.publish("brief:x", "1");
  broker.clock.advance(1'000);
  broker.tick_around();
  broker.clock.advance(1'000);
  broker.tick_around();  // brief:x is forgotten for good
  const Subscription late(broker.table, TestBroker::channel("feed"), sink,
                          Cursor{.position = unused});
  CHECK(late.start().reason == GapReason::HistoryLost);
}

TEST_CASE("new definitions change the window of what is stored already") {
  TestBroker broker;
  for (int i = 0; i < 3; ++i) broker.publish("feed", "x");
  broker.registry.put("default",
                      R"({"definitions":[{"name":"feed","auth":false,"maxMessages":1}]})",
                      [](const Result<DefinitionsPut>& put) { REQUIRE(put.has_value()); });
  broker.tick_around();
  CHECK(broker.table.window("default", "feed").oldest == 3);
  broker.publish("feed", "y");
  CHECK(broker.table.window("default", "feed").oldest == 4);
}

TEST_CASE("a channel with an append under way is not forgotten") {
  TestBroker broker;
  broker.cluster.is_holding = true;
  int answers = 0;
  broker.publisher.publish(TestBroker::request("chat", "1"), [&](const Result<Published>& done) {
    CHECK(done.has_value());
    ++answers;
  });
  broker.tick_around();
  CHECK(broker.table.size() == 1);
  CHECK(answers == 0);
  broker.cluster.let_through();
  CHECK(answers == 1);
  CHECK(broker.table.window("default", "chat").head == 1);
}

// The design's budget for 100,000 channels; measured by the allocator, not by our own accounts.
// Sanitizers replace the allocator, and then there is nothing to measure.
TEST_CASE("a channel with one message takes less than 1 KiB") {
  TestBroker broker;
  constexpr std::size_t kChannels = 20'000;
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kChannels; ++i) {
    ChannelIdentity identity{.app = "default", .name = "chat", .key = {}, .params_json = {}};
    identity.key = "chat?roomId=room-" + std::to_string(i);
    identity.params_json = R"({"roomId":"room-)" + std::to_string(i) + "\"}";
    broker.publisher.publish(
        {.channel = identity, .message = {.type = "message", .data = R"({"text":"hello you"})"}},
        [](const Result<Published>& done) { REQUIRE(done.has_value()); });
  }
  const std::size_t after = mallinfo2().uordblks;
  MESSAGE("bytes per channel: " << (after - before) / kChannels);
  CHECK((after - before) / kChannels < 1'024);
  CHECK(broker.log->stats().bytes >= (after - before) * 9 / 10);  // our accounts don't flatter
}

}  // namespace
}  // namespace tako::broker
