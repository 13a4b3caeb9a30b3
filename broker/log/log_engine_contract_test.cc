// The contract of LogEngine (log_engine.h), run on every engine of the list.
//
// A new engine needs nothing here but its line in log_engines.cc. What only a disk can do (it is
// full, its tail is torn, a start finds what an earlier process left) is in disk_log_test.cc.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/log/log_engine.h"
#include "broker/log/log_engines.h"
#include "broker/log/test_disk.h"

namespace tako::broker {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
constexpr Retention kWide{.window_ms = 60'000, .messages_max = 1'000, .bytes_max = 1 << 20};

MessageDraft draft(const std::string& data) { return {.type = "t", .data = data}; }

std::string data_of(const std::vector<MessagePtr>& messages) {
  std::string joined;
  for (const MessagePtr& message : messages) joined += std::string(message->data()) + ' ';
  return joined;
}

// An engine, and where its messages are read from: the disk log has them in memory or in its files,
// and must not be told apart by that.
struct Engine {
  const LogEngineEntry* entry = nullptr;
  std::size_t hot_bytes_max = 0;
};

// An engine with a clock that the test turns, and an observer that looks at what it is told.
struct Bench final : LogObserver {
  explicit Bench(const Engine& engine, RuntimeLimits changed = {}) : limits(changed) {
    limits.log_hot_bytes_max = engine.hot_bytes_max;
    auto made = engine.entry->make({clock, random, limits, counters, &disk_seams});
    REQUIRE(made.has_value());
    log = std::move(*made);
    log->set_observer(this);
  }
  ~Bench() { log->set_observer(nullptr); }

  void on_readable(StreamId stream) override {
    ++told;
    head_when_told = log->window(stream).head;
  }

  StreamId open(const std::string& key, const Retention& retention) const {
    return log->open(key, "{}", retention);
  }
  // Appends and lets the engine complete; whatever completes must do so in order.
  std::vector<MessagePtr> append(StreamId stream, const std::vector<MessageDraft>& batch) {
    std::vector<MessagePtr> stored;
    bool is_done = false;
    log->append(stream, batch, {}, [&](Result<std::vector<MessagePtr>> result) {
      REQUIRE(result.has_value());
      told_when_done = told;
      stored = std::move(*result);
      is_done = true;
    });
    REQUIRE(is_done);
    return stored;
  }
  std::vector<MessagePtr> append(StreamId stream, const std::string& data) {
    return append(stream, std::vector<MessageDraft>{draft(data)});
  }
  void fill(StreamId stream, int count) {
    for (int i = 0; i < count; ++i) append(stream, std::to_string(i + 1));
  }
  // As it is loaded; what is in memory must be the same.
  std::vector<MessagePtr> read_after(StreamId stream, std::uint64_t after, std::uint64_t upto,
                                     const ReadLimits& wanted) const {
    std::vector<MessagePtr> loaded;
    bool is_done = false;
    log->load_after(stream, after, upto, wanted, [&](std::vector<MessagePtr> messages) {
      loaded = std::move(messages);
      is_done = true;
    });
    REQUIRE(is_done);
    if (const auto hot = log->read_after(stream, after, upto, wanted)) {
      CHECK(data_of(*hot) == data_of(loaded));
    }
    return loaded;
  }
  std::vector<MessagePtr> read_before(StreamId stream, std::uint64_t before, std::uint64_t from,
                                      const ReadLimits& wanted) const {
    std::vector<MessagePtr> loaded;
    bool is_done = false;
    log->load_before(stream, before, from, wanted, [&](std::vector<MessagePtr> messages) {
      loaded = std::move(messages);
      is_done = true;
    });
    REQUIRE(is_done);
    return loaded;
  }
  std::string read_all(StreamId stream) const { return data_of(read_after(stream, 0, kAll, {})); }

  FakeClock clock;
  SeededRandom random{1};
  RuntimeLimits limits;
  LimitCounters counters;
  TestDisk disk;
  DiskSeams disk_seams = disk.seams();
  std::unique_ptr<LogEngine> log;
  int told = 0;
  int told_when_done = 0;
  std::uint64_t head_when_told = 0;
};

void on_every_engine(const std::function<void(const Engine&)>& check) {
  REQUIRE_FALSE(log_engines().empty());
  for (const LogEngineEntry& entry : log_engines()) {
    CAPTURE(entry.name);
    check({&entry, limits::kLogHotBytesMax});
    if (!entry.needs_folder) continue;
    CAPTURE("read from its files");
    check({&entry, 0});
  }
}

TEST_CASE("messages are numbered from 1, densely, and read in order") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    const ReplayWindow empty = bench.log->window(stream);
    CHECK(empty.head == 0);
    CHECK(empty.oldest == 1);
    for (std::uint64_t offset = 1; offset <= 20; ++offset) {
      const auto stored = bench.append(stream, std::to_string(offset));
      REQUIRE(stored.size() == 1);
      CHECK(stored[0]->position() == Position{offset, empty.epoch});
      CHECK(stored[0]->batch_rest() == 0);
    }
    const auto all = bench.read_after(stream, 0, kAll, {});
    REQUIRE(all.size() == 20);
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i]->offset() == i + 1);
    CHECK(data_of(bench.read_after(stream, 17, kAll, {})) == "18 19 20 ");
    CHECK(bench.read_after(stream, 20, kAll, {}).empty());
    CHECK(data_of(bench.read_after(stream, 4, 6, {})) == "5 6 ");
  });
}

TEST_CASE("a stream knows nothing of another") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId a = bench.open("a", kWide);
    const StreamId b = bench.open("b", kWide);
    bench.append(a, "of-a");
    bench.append(b, "of-b");
    bench.append(a, "of-a2");
    CHECK(bench.read_all(a) == "of-a of-a2 ");
    CHECK(bench.read_all(b) == "of-b ");
    CHECK(bench.log->window(b).head == 1);
  });
}

TEST_CASE("the observer is told when it can be read, and before the publisher") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    bench.append(stream, "1");
    CHECK(bench.told_when_done == 1);
    CHECK(bench.head_when_told == 1);
  });
}

TEST_CASE("a batch becomes readable as a whole, with one time and its rest counted down") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    bench.append(stream, "before");
    bench.told = 0;
    const auto stored = bench.append(stream, {draft("x"), draft("y"), draft("z")});
    CHECK(bench.told == 1);
    CHECK(bench.head_when_told == 4);
    REQUIRE(stored.size() == 3);
    CHECK(stored[0]->batch_rest() == 2);
    CHECK(stored[1]->batch_rest() == 1);
    CHECK(stored[2]->batch_rest() == 0);
    CHECK(stored[0]->time_ms() == stored[2]->time_ms());
  });
}

TEST_CASE("a read is bounded in messages and in bytes, and always moves on") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    for (int i = 0; i < 5; ++i) bench.append(stream, std::string(100, 'x'));
    CHECK(bench.read_after(stream, 0, kAll, {.messages_max = 2}).size() == 2);
    const auto by_bytes = bench.read_after(stream, 0, kAll, {.bytes_max = 300});
    CHECK(by_bytes.size() == 2);
    CHECK(bench.read_after(stream, 0, kAll, {.bytes_max = 1}).size() == 1);
    CHECK(bench.read_before(stream, 6, 1, {.messages_max = 2}).size() == 2);
    CHECK(bench.read_before(stream, 6, 1, {.bytes_max = 300}).size() == 2);
    CHECK(bench.read_before(stream, 6, 1, {.bytes_max = 1}).size() == 1);
  });
}

TEST_CASE("a batch that was begun is read whole, over both limits; one that was not is left") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    bench.append(stream, "1");
    bench.append(stream, {draft("2"), draft("3"), draft("4")});
    bench.append(stream, "5");
    const auto read = [&](std::uint64_t after, ReadLimits limits) {
      return data_of(bench.read_after(stream, after, kAll, limits));
    };
    CHECK(read(0, {.messages_max = 1}) == "1 ");
    CHECK(read(0, {.messages_max = 2}) == "1 2 3 4 ");
    CHECK(read(1, {.messages_max = 1}) == "2 3 4 ");
    CHECK(read(1, {.bytes_max = 1}) == "2 3 4 ");
    CHECK(read(2, {.messages_max = 1}) == "3 4 ");
    CHECK(read(0, {.messages_max = 2, .whole_batches = false}) == "1 2 ");
  });
}

TEST_CASE("read_before gives the newest before an offset, ascending") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    bench.fill(stream, 6);
    CHECK(data_of(bench.read_before(stream, 5, 1, {.messages_max = 2})) == "3 4 ");
    CHECK(data_of(bench.read_before(stream, 5, 4, {})) == "4 ");
    CHECK(data_of(bench.read_before(stream, kAll, 1, {.messages_max = 3})) == "4 5 6 ");
    CHECK(bench.read_before(stream, 1, 1, {}).empty());
    CHECK(bench.read_before(stream, 0, 1, {}).empty());
  });
}

TEST_CASE("times never go back within a stream, and are found by search") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    const std::int64_t start = bench.clock.wall_ms();
    bench.append(stream, "1");
    bench.clock.advance(10);
    bench.append(stream, "2");
    bench.clock.advance(-8);  // The operator's clock is put back.
    const auto third = bench.append(stream, "3");
    CHECK(third[0]->time_ms() == start + 10);
    bench.clock.advance(18);
    bench.append(stream, "4");
    CHECK(bench.log->first_at(stream, 0) == 1);
    CHECK(bench.log->first_at(stream, start) == 1);
    CHECK(bench.log->first_at(stream, start + 1) == 2);
    CHECK(bench.log->first_at(stream, start + 10) == 2);
    CHECK(bench.log->first_at(stream, start + 11) == 4);
    CHECK(bench.log->first_at(stream, start + 21) == 5);
  });
}

TEST_CASE("messages leave when their window is over, and the window says so before any timer") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention retention = kWide;
    retention.window_ms = 100;
    const StreamId stream = bench.open("a", retention);
    bench.append(stream, "1");
    bench.clock.advance(50);
    bench.append(stream, "2");
    bench.clock.advance(49);
    CHECK(bench.log->window(stream).oldest == 1);
    bench.clock.advance(1);
    CHECK(bench.log->window(stream).oldest == 2);
    CHECK(bench.read_all(stream) == "2 ");
    bench.clock.advance(50);
    const ReplayWindow over = bench.log->window(stream);
    CHECK(over.head == 2);
    CHECK(over.oldest == 3);
    CHECK(bench.log->stats().messages == 0);
  });
}

TEST_CASE("trim() takes what is due from streams that nobody asks for") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention brief = kWide;
    brief.window_ms = 100;
    for (int i = 0; i < 30; ++i) {
      const StreamId stream = bench.open("s" + std::to_string(i), i % 2 == 0 ? brief : kWide);
      bench.append(stream, "x");
    }
    CHECK(bench.log->trim());
    CHECK(bench.log->stats().messages == 30);
    bench.clock.advance(100);
    while (!bench.log->trim()) {
    }
    CHECK(bench.log->stats().messages == 15);
    CHECK(bench.log->stats().expired_total == 15);
  });
}

TEST_CASE("one call of trim() is bounded") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention retention{.window_ms = 100, .messages_max = 4'000, .bytes_max = 1 << 30};
    for (const char* key : {"a", "b", "c", "d", "e"}) {
      bench.fill(bench.open(key, retention), 3'000);
    }
    bench.clock.advance(100);
    CHECK_FALSE(bench.log->trim());
    CHECK(bench.log->stats().messages > 0);
    int calls = 1;
    while (!bench.log->trim()) REQUIRE(++calls < 100);
    CHECK(bench.log->stats().messages == 0);
    CHECK(bench.log->stats().bytes == 0);
  });
}

TEST_CASE("a window of 0 has no limit in time") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention retention = kWide;
    retention.window_ms = 0;
    const StreamId stream = bench.open("a", retention);
    bench.append(stream, "1");
    bench.clock.advance(1'000'000'000);
    bench.log->trim();
    CHECK(bench.read_all(stream) == "1 ");
  });
}

TEST_CASE("above its cap in messages a stream gives up the oldest, counted") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention retention = kWide;
    retention.messages_max = 3;
    const StreamId stream = bench.open("a", retention);
    bench.fill(stream, 5);
    CHECK(bench.read_all(stream) == "3 4 5 ");
    CHECK(bench.log->window(stream).oldest == 3);
    CHECK(bench.counters.channel_messages_max == 2);
  });
}

TEST_CASE("above its cap in bytes a stream gives up the oldest, counted") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention retention = kWide;
    retention.bytes_max = 10'000;
    const StreamId stream = bench.open("a", retention);
    for (int i = 0; i < 10; ++i) bench.append(stream, std::string(3'000, 'x'));
    const ReplayWindow window = bench.log->window(stream);
    CHECK(window.head == 10);
    CHECK(window.oldest == 8);  // Three fit with what keeping them costs.
    CHECK(bench.counters.channel_bytes_max == 7);
    bench.append(stream, std::string(20'000, 'x'));  // The newest stays, whatever its size.
    CHECK(bench.log->window(stream).oldest == 11);
  });
}

TEST_CASE("a batch leaves whole") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention retention = kWide;
    retention.messages_max = 4;
    const StreamId stream = bench.open("a", retention);
    bench.append(stream, {draft("1"), draft("2"), draft("3")});
    bench.append(stream, "4");
    CHECK(bench.read_all(stream) == "1 2 3 4 ");
    bench.append(stream, "5");
    CHECK(bench.read_all(stream) == "4 5 ");
  });
}

TEST_CASE("a cap that shrinks is held at once") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId stream = bench.open("a", kWide);
    bench.fill(stream, 10);
    Retention retention = kWide;
    retention.messages_max = 2;
    bench.log->set_retention(stream, retention);
    CHECK(bench.read_all(stream) == "9 10 ");
    retention.window_ms = 5;
    bench.log->set_retention(stream, retention);
    bench.clock.advance(5);
    bench.log->trim();
    CHECK(bench.log->stats().messages == 0);
  });
}

TEST_CASE("above the cap of all streams the fullest gives way, not the one that publishes little") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine, [] {
      RuntimeLimits limits;
      limits.log_bytes_max = 200'000;
      return limits;
    }());
    const StreamId quiet = bench.open("quiet", kWide);
    const StreamId loud = bench.open("loud", kWide);
    bench.append(quiet, "kept");
    for (int i = 0; i < 500; ++i) bench.append(loud, std::string(1'000, 'x'));
    CHECK(bench.log->stats().bytes <= 200'000);
    CHECK(bench.counters.log_bytes_max > 300);
    CHECK(bench.read_all(quiet) == "kept ");
    CHECK(bench.log->window(loud).head == 500);
    CHECK(bench.log->window(loud).oldest > 300);
  });
}

TEST_CASE("what was just appended is not what gives way") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine, [] {
      RuntimeLimits limits;
      limits.log_bytes_max = 20'000;
      return limits;
    }());
    for (int i = 0; i < 15; ++i) {
      bench.append(bench.open("small" + std::to_string(i), kWide), "x");
    }
    const StreamId big = bench.open("big", kWide);
    bench.append(big, std::string(15'000, 'x'));
    CHECK(bench.log->window(big).oldest == 1);
    CHECK(bench.log->stats().bytes <= 20'000);
  });
}

TEST_CASE("a released stream without messages of its own leaves no trace") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const Epoch base = bench.log->quiet_window("a").epoch;
    const StreamId stream = bench.open("a", kWide);
    CHECK(bench.log->window(stream).epoch == base);
    bench.log->release(stream, "a", 1'000);
    CHECK(bench.log->stats().quiet_heads == 0);
    CHECK(bench.log->stats().streams == 0);
    CHECK(bench.log->quiet_window("a").epoch == base);
  });
}

TEST_CASE("a quiet head is remembered, and the stream goes on behind it") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    Retention retention = kWide;
    retention.window_ms = 10;
    const StreamId stream = bench.open("a", retention);
    bench.fill(stream, 4);
    const Epoch epoch = bench.log->window(stream).epoch;
    bench.clock.advance(10);
    bench.log->trim();
    bench.log->release(stream, "a", 1'000);
    const ReplayWindow quiet = bench.log->quiet_window("a");
    CHECK(quiet.head == 4);
    CHECK(quiet.oldest == 5);
    CHECK(quiet.epoch == epoch);
    const StreamId again = bench.open("a", retention);
    CHECK(bench.append(again, "5")[0]->position() == Position{5, epoch});
  });
}

// Publishes once to `key`, lets it expire, and releases it.
Position use_once(Bench& bench, const std::string& key, std::int64_t head_ttl_ms) {
  const StreamId stream = bench.open(key, {.window_ms = 1, .messages_max = 9, .bytes_max = 999});
  const Position position = bench.append(stream, "x")[0]->position();
  bench.clock.advance(1);
  bench.log->trim();
  bench.log->release(stream, key, head_ttl_ms);
  return position;
}

TEST_CASE("a head that was forgotten never gives an offset twice in an epoch") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const Position first = use_once(bench, "a", 1'000);
    bench.clock.advance(999);
    CHECK(bench.log->trim());
    CHECK(bench.log->quiet_window("a").head == 1);
    bench.clock.advance(1);
    CHECK(bench.log->trim());
    CHECK(bench.log->quiet_window("a").head == 0);
    CHECK(bench.log->quiet_window("a").epoch != first.epoch);
    const Position second = use_once(bench, "a", 0);  // Not remembered at all.
    CHECK(second.offset == 1);
    CHECK(second.epoch != first.epoch);
    const Position third = use_once(bench, "a", 0);
    CHECK(third.epoch != first.epoch);
    CHECK(third.epoch != second.epoch);
    CHECK(bench.counters.forgotten_head_ttl_ms == 1);
  });
}

TEST_CASE("a live stream keeps its epoch when another is forgotten") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId live = bench.open("live", kWide);
    const Epoch epoch = bench.log->window(live).epoch;
    use_once(bench, "a", 0);
    CHECK(bench.log->quiet_window("unused").epoch != epoch);
    CHECK(bench.append(live, "1")[0]->position() == Position{1, epoch});
  });
}

TEST_CASE("heads are bounded in number: the one that would expire first goes") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine, [] {
      RuntimeLimits limits;
      limits.forgotten_heads_max = 2;
      return limits;
    }());
    use_once(bench, "long", 10'000);
    use_once(bench, "short", 100);
    use_once(bench, "new", 5'000);
    CHECK(bench.log->stats().quiet_heads == 2);
    CHECK(bench.counters.forgotten_heads_max == 1);
    CHECK(bench.log->quiet_window("short").head == 0);
    CHECK(bench.log->quiet_window("long").head == 1);
    CHECK(bench.log->quiet_window("new").head == 1);
  });
}

TEST_CASE("numbers of streams are used again, and what was said of the old one is not") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    const StreamId old_stream = bench.open("old", kWide);
    bench.log->release(old_stream, "old", 0);
    const StreamId stream = bench.open("new", kWide);
    CHECK(stream == old_stream);
    bench.append(stream, "1");
    CHECK(bench.read_all(stream) == "1 ");
  });
}

// Law 2 at the level of the log: whatever happens, a read behind a cursor that resume_at() accepts
// begins with the next offset.
TEST_CASE("random appends, batches, caps and times leave no hole behind an accepted cursor") {
  on_every_engine([](const Engine& engine) {
    Bench bench(engine);
    SeededRandom random(42);
    Retention retention{.window_ms = 50, .messages_max = 20, .bytes_max = 6'000};
    const StreamId stream = bench.open("a", retention);
    std::uint64_t appended = 0;
    for (int step = 0; step < 3'000; ++step) {
      bench.clock.advance(static_cast<std::int64_t>(random.below(8)));
      std::vector<MessageDraft> batch;
      for (std::uint64_t i = 0; i <= random.below(4); ++i) {
        batch.push_back(draft(std::to_string(appended + batch.size() + 1)));
      }
      appended += batch.size();
      bench.append(stream, batch);
      const ReplayWindow window = bench.log->window(stream);
      REQUIRE(window.head == appended);
      const std::uint64_t cursor = random.below(appended + 1);
      const Resume resume = resume_at({.position = {cursor, window.epoch}}, window);
      const auto read = bench.read_after(stream, cursor, kAll, {.messages_max = 5});
      REQUIRE(resume.gap == (cursor + 1 < window.oldest));
      if (resume.gap || cursor == window.head) continue;
      REQUIRE(read.front()->offset() == cursor + 1);
      for (const MessagePtr& message : read) {
        REQUIRE(message->data() == std::to_string(message->offset()));
      }
    }
  });
}

}  // namespace
}  // namespace tako::broker
