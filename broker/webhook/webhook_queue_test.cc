// Events of one app: in order, bounded, told when some are lost, and over a restart.
#include "broker/webhook/webhook_queue.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "common/json_text.h"

namespace tako::broker {
namespace {

class QueueStore final : public StateStore {
 public:
  std::vector<StateRow> restore(std::string_view prefix) override {
    std::vector<StateRow> out;
    for (const auto& [key, value] : rows) {
      if (key.starts_with(prefix)) out.push_back({key, value});
    }
    return out;
  }
  void put(std::string key, std::string value) override {
    rows.insert_or_assign(std::move(key), std::move(value));
  }
  void erase(std::string key) override { rows.erase(key); }
  void when_written(OnWritten on_written) override { on_written({}); }
  void tick() override {}
  [[nodiscard]] std::size_t waiting() const override { return 0; }
  [[nodiscard]] const StateCounters& counters() const override { return counters_; }
  [[nodiscard]] bool is_durable() const override { return true; }

  std::map<std::string, std::string> rows;

 private:
  StateCounters counters_;
};

struct QueueBench {
  void add(int count) {
    for (int i = 0; i < count; ++i) queue->add("t", R"(,"n":)" + std::to_string(++added));
  }
  void restart(std::string life) {
    queue.emplace("app", std::move(life), store, clock, limits, counters);
    queue->restore();
  }
  // "n" of each event of a batch; of a loss "-count".
  static std::string events_of(std::string_view body) {
    std::string out;
    const auto members = split_json_object(body);
    REQUIRE(members.has_value());
    const auto events = split_json_array(find_member(*members, "events")->raw, 1'000);
    REQUIRE(events.has_value());
    for (const std::string_view event : *events) {
      const auto fields = split_json_object(event);
      const JsonMember* number = find_member(*fields, "n");
      const JsonMember* count = find_member(*fields, "count");
      if (!out.empty()) out += ' ';
      out += count == nullptr ? std::string(number->raw) : '-' + std::string(count->raw);
    }
    return out;
  }
  std::string batch() { return events_of(queue->begin_batch()); }

  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters counters;
  QueueStore store;
  std::optional<WebhookQueue> queue{std::in_place, "app", "life1", store, clock, limits, counters};
  int added = 0;
};

TEST_CASE("events go in order, a hundred at a time, and stay until the app has them") {
  QueueBench bench;
  CHECK_FALSE(bench.queue->has_batch());
  bench.add(103);
  const std::string first = bench.batch();
  CHECK(first.starts_with("1 2 3 "));
  CHECK(first.ends_with(" 99 100"));
  CHECK_FALSE(bench.queue->has_batch());
  bench.queue->return_batch();
  CHECK(bench.batch() == first);
  bench.queue->settle_batch();
  CHECK(bench.batch() == "101 102 103");
  bench.queue->settle_batch();
  CHECK_FALSE(bench.queue->has_batch());
  CHECK(bench.store.rows.empty());
  CHECK(bench.queue->bytes() == 0);
}

TEST_CASE("a batch says whose it is, and what happened when") {
  QueueBench bench;
  bench.queue->add("member-left", R"(,"channel":"chat")");
  const std::string now = std::to_string(bench.clock.wall_ms());
  CHECK(bench.queue->begin_batch() ==
        R"({"app":"app","sentAt":)" + now +
            R"(,"events":[{"id":"e1-life1","type":"member-left","at":)" + now +
            R"(,"channel":"chat"}]})");
}

TEST_CASE("of too many the oldest go, but none that is being posted, and the app is told") {
  QueueBench bench;
  bench.limits.webhook_events_max = 3;
  bench.add(2);
  CHECK(bench.batch() == "1 2");
  bench.add(3);
  CHECK(bench.counters.webhook_events_max == 2);
  CHECK(bench.queue->size() == 3);
  bench.queue->settle_batch();
  CHECK(bench.batch() == "-2 5");
  bench.add(3);
  bench.queue->return_batch();
  CHECK(bench.batch() == "-3 5 7 8");  // All losses are told first, also the one behind 5.
}

TEST_CASE("bytes are bounded, too") {
  QueueBench bench;
  bench.add(1);
  bench.limits.webhook_bytes_max = bench.queue->bytes() * 2 + 10;
  bench.add(3);
  CHECK(bench.counters.webhook_bytes_max == 2);
  CHECK(bench.batch() == "-2 3 4");
}

TEST_CASE("events that are too old go, and even with nothing left that is told") {
  QueueBench bench;
  bench.add(2);
  bench.clock.advance(bench.limits.webhook_age_ms - 1);
  bench.queue->drop_old();
  CHECK(bench.queue->size() == 2);
  bench.clock.advance(1);
  bench.queue->drop_old();
  CHECK(bench.counters.webhook_age_ms == 2);
  REQUIRE(bench.queue->has_batch());
  CHECK(bench.batch() == "-2");
  bench.add(1);
  bench.queue->settle_batch();
  CHECK(bench.batch() == "3");
}

TEST_CASE("a restart goes on where it was, and no id is used twice") {
  QueueBench bench;
  bench.limits.webhook_events_max = 3;
  bench.add(4);
  static_cast<void>(bench.queue->begin_batch());
  bench.restart("life2");
  CHECK(bench.queue->size() == 3);
  bench.add(1);
  const std::string body = bench.queue->begin_batch();
  CHECK(QueueBench::events_of(body) == "-2 3 4 5");
  CHECK(body.find("e4-life1") != std::string::npos);
  CHECK(body.find("e5-life2") != std::string::npos);
}

}  // namespace
}  // namespace tako::broker
