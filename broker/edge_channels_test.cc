// The pump: what happens when an edge reads slower than its channels are written.
#include "broker/edge_channels.h"

#include <doctest/doctest.h>

#include "broker/test_edge.h"

namespace tako::broker {
namespace {

RuntimeLimits small_outbox() {
  RuntimeLimits limits;
  limits.link_outbox_bytes_max = 20'000;
  limits.link_control_bytes_max = 2'000;
  limits.link_pump_bytes = 4'000;
  return limits;
}

PublishRequest ephemeral(const std::string& name) {
  PublishRequest request = TestBroker::request(name, "typing");
  request.ephemeral = true;
  return request;
}

TEST_CASE("a full link stops the pump, and no message is lost or repeated when it goes on") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  edge.is_reading = false;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string data = std::to_string(i) + std::string(1'000, 'x');
    expected += data + ' ';
    bench.publish("chat", data);
    edge.turn();
    // One more share may be begun below the bound.
    REQUIRE(edge.pending_bytes() < 20'000 + 4'000 + 1'100);
  }
  CHECK(bench.counters.link_outbox_bytes_max > 0);
  CHECK(edge.items.empty());
  edge.read_on();
  CHECK(edge.data_of(1) == expected);
}

TEST_CASE("channels take turns: a loud one does not starve a quiet one") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.subscribe(2, "feed");
  edge.items.clear();
  edge.is_reading = false;
  for (int i = 0; i < 100; ++i) bench.publish("chat", std::string(1'000, 'x'));
  bench.publish("feed", "quiet");
  edge.turn();
  edge.read_one();
  CHECK(edge.data_of(2) == "quiet ");
  CHECK(bench.counters.link_pump_bytes > 0);
}

TEST_CASE("an edge that the window passes is told the gap, and goes on at the head") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.subscribe(2, "feed");  // keeps three messages
  edge.items.clear();
  edge.is_reading = false;
  for (int i = 0; i < 40; ++i) bench.publish("chat", std::string(1'000, 'x'));
  edge.turn();  // The link is full of chat.
  for (int i = 0; i < 10; ++i) bench.publish("feed", std::to_string(i));
  edge.turn();
  edge.read_on();
  std::erase_if(edge.items,
                [](const proto::BrokerItem& item) { return item.messages().channel() != 2; });
  REQUIRE(edge.items.size() == 1);
  const proto::Messages gap = edge.next().messages();
  CHECK(gap.gap());
  CHECK(gap.gap_reason() == static_cast<std::uint32_t>(GapReason::WindowPassed));
  CHECK(gap.window().head() == 10);
  CHECK(gap.window().oldest() == 8);
  CHECK(gap.records_size() == 0);
  CHECK(bench.edges.counters().gaps_total == 1);
  bench.publish("feed", "next");
  edge.turn();
  CHECK(edge.data_of(2) == "next ");
}

TEST_CASE("a batch that was begun is sent whole, in one item") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  edge.is_reading = false;
  const std::vector<PublishRequest> batch(30, TestBroker::request("chat", std::string(1'000, 'x')));
  bench.publisher.publish_atomic(batch, "", [](const std::vector<Result<Published>>& results) {
    REQUIRE(results.front().has_value());
  });
  edge.turn();
  edge.read_one();
  REQUIRE(edge.items.size() == 1);
  CHECK(edge.next().messages().records_size() == 30);
}

TEST_CASE("ephemeral messages ride behind what was stored before them") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  bench.publish("chat", "1");
  bench.publish(ephemeral("chat"));
  bench.publish("chat", "2");
  edge.turn();
  CHECK(edge.data_of(1) == "1 typing 2 ");
  CHECK(bench.edges.counters().ephemeral_dropped_total == 0);
}

TEST_CASE("ephemeral messages for an edge that is behind are dropped, counted") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.subscribe(2, "feed");
  edge.items.clear();
  edge.is_reading = false;
  bench.publish(ephemeral("feed"));  // There is room.
  for (int i = 0; i < 40; ++i) bench.publish("chat", std::string(1'000, 'x'));
  edge.turn();
  bench.publish(ephemeral("chat"));
  bench.publish(ephemeral("feed"));  // At the head, but the link is full.
  CHECK(bench.edges.counters().ephemeral_dropped_total == 2);
  edge.read_on();
  CHECK(edge.data_of(2) == "typing ");
}

TEST_CASE("answers wait while the link is full, up to their own bound; above it the link ends") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  edge.is_reading = false;
  for (int i = 0; i < 40; ++i) bench.publish("chat", std::string(1'000, 'x'));
  edge.turn();
  std::uint64_t request = 0;
  for (; edge.close_reason.empty(); ++request) {
    REQUIRE(request < 1'000);
    edge.publish(request, "feed", "x");
  }
  CHECK(request > 50);
  CHECK(bench.counters.link_control_bytes_max == 1);
  CHECK(bench.edges.edges() == 0);
  CHECK(bench.table.find("default", "chat")->subscribers() == 0);
  edge.turn();
  edge.link().flush();  // Nothing more is sent: TestEdge::send checks it.
}

TEST_CASE("answers that waited come before the messages that waited") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  edge.is_reading = false;
  for (int i = 0; i < 40; ++i) bench.publish("chat", std::string(1'000, 'x'));
  edge.turn();
  edge.subscribe(2, "feed");
  bench.publish("feed", "1");
  edge.turn();
  edge.read_on();
  bool is_subscribed = false;
  for (const proto::BrokerItem& item : edge.items) {
    is_subscribed = is_subscribed || item.has_subscribed();
    if (item.messages().channel() == 2) CHECK(is_subscribed);
  }
  CHECK(edge.data_of(2) == "1 ");
}

TEST_CASE("fetches are served while there is room, and wait otherwise") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  Position before_any{0, bench.table.window("default", "chat").epoch};
  for (int i = 0; i < 40; ++i) bench.publish("chat", std::string(1'000, 'x'));
  edge.is_reading = false;
  for (std::uint64_t request = 1; request <= 10; ++request) edge.fetch(request, "chat", before_any);
  CHECK(edge.pending_bytes() < 20'000 + 45'000);  // one page above the bound
  edge.read_on();
  CHECK(edge.items.size() == 10);
  CHECK(bench.counters.link_control_bytes_max == 0);
}

TEST_CASE("an app's calls are served while there is room, and wait otherwise") {
  LinkBench bench(small_outbox());
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  edge.is_reading = false;
  for (int i = 0; i < 40; ++i) bench.publish("chat", std::string(1'000, 'x'));
  edge.turn();
  proto::EdgeFrame frame;
  for (std::uint64_t request : {1U, 2U, 3U}) {
    frame.add_items()->mutable_api_call()->set_request(request);
  }
  edge.say(frame);
  CHECK(bench.api.calls.empty());
  edge.read_on();
  CHECK(bench.api.calls.size() == 3);
  CHECK(edge.close_reason.empty());
}

TEST_CASE("large definitions wait for room, and don't end the link") {
  LinkBench bench(small_outbox());
  std::string big = R"({"definitions":[)";
  for (int i = 0; i < 200; ++i) {
    big += (i == 0 ? "" : ",") + (R"({"name":"n)" + std::to_string(i)) + R"(","auth":false})";
  }
  big += "]}";
  for (const char* app : {"default", "other"}) {
    bench.registry.put(app, big,
                       [](const Result<DefinitionsPut>& put) { REQUIRE(put.has_value()); });
  }
  TestEdge edge(bench);
  edge.is_reading = false;
  edge.hello();
  edge.read_on();
  CHECK(edge.close_reason.empty());
  CHECK(edge.next().welcome().control_head() == 3);
  CHECK(edge.next().control().number() == 2);
  CHECK(edge.next().control().number() == 3);
}

// Laws 1 to 3 on one link: a seeded edge reads in fits, two channels are written in fits, and what
// arrives is dense and in order, but for gaps that were told.
TEST_CASE("whatever the edge's pace, offsets rise one by one or the gap is told") {
  RuntimeLimits limits = small_outbox();
  limits.channel_messages_max = 30;
  LinkBench bench(limits);
  TestEdge edge(bench);
  SeededRandom random(11);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.subscribe(2, "brief:x");
  std::map<std::uint32_t, std::uint64_t> seen;
  std::size_t gaps = 0;
  std::size_t records = 0;
  const auto check = [&] {
    for (const proto::BrokerItem& item : std::exchange(edge.items, {})) {
      if (!item.has_messages()) continue;
      std::uint64_t& last = seen[item.messages().channel()];
      if (item.messages().gap()) {
        REQUIRE(item.messages().window().head() > last);
        last = item.messages().window().head();
        ++gaps;
      }
      for (const proto::Record& record : item.messages().records()) {
        REQUIRE(record.offset() == ++last);
        ++records;
      }
    }
  };
  for (int step = 0; step < 4'000; ++step) {
    const bool is_slow = (step / 300) % 2 == 1;
    edge.is_reading = !is_slow;
    const std::string name = random.below(2) == 0 ? "chat" : "brief:x";
    bench.publish(name, std::string(random.below(1'500), 'x'));
    bench.clock.advance(static_cast<std::int64_t>(random.below(5)));
    if (random.below(3) == 0) edge.turn();
    if (!is_slow && random.below(4) == 0) edge.read_on();
    check();
  }
  edge.read_on();
  check();
  CHECK(seen[1] == bench.table.window("default", "chat").head);
  CHECK(seen[2] == bench.table.window("default", "brief:x").head);
  CHECK(gaps > 3);
  CHECK(records > 1'000);
}

}  // namespace
}  // namespace tako::broker
