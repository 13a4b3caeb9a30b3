// Changes coalesce by key, wait out a failing disk, and callers learn what was written.
#include "broker/state/batched_store.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tako::broker {
namespace {

class ScriptedFile final : public StateFile {
 public:
  [[nodiscard]] Result<std::vector<StateRow>> read() override { return std::vector<StateRow>{}; }
  [[nodiscard]] Result<void> write(std::span<const StateChange> changes) override {
    writes.emplace_back(changes.begin(), changes.end());
    if (is_full) return fail(ErrorCode::LogFull, "no room");
    for (const StateChange& change : changes) {
      if (change.value) rows[change.key] = *change.value;
      if (!change.value) rows.erase(change.key);
    }
    return {};
  }

  bool is_full = false;
  std::vector<std::vector<StateChange>> writes;
  std::map<std::string, std::string> rows;
};

// Runs one job when the test says so.
class HeldWorker final : public Worker {
 public:
  void run(std::function<void()> work, std::function<void()> done) override {
    jobs.emplace_back(std::move(work), std::move(done));
  }
  void run_one() {
    REQUIRE_FALSE(jobs.empty());
    const auto [work, done] = std::move(jobs.front());
    jobs.pop_front();
    work();
    done();
  }

  std::deque<std::pair<std::function<void()>, std::function<void()>>> jobs;
};

struct Bench {
  FakeClock clock;
  ScriptedFile file;
  HeldWorker worker;
  std::vector<std::string> told;
  BatchedStore store{file,
                     {{"ban/1", "x"}, {"member/1", "a"}, {"member/2", "b"}, {"n", "y"}},
                     worker,
                     clock,
                     [this](const std::string& text) { told.push_back(text); }};
};

TEST_CASE("each owner takes the rows of its prefix, once and before the first tick") {
  Bench bench;
  CHECK(bench.store.restore("member/") ==
        std::vector<StateRow>{{"member/1", "a"}, {"member/2", "b"}});
  CHECK(bench.store.restore("member/").empty());
  CHECK(bench.store.restore("ban/") == std::vector<StateRow>{{"ban/1", "x"}});
  bench.store.tick();
  CHECK(bench.store.restore("n").empty());
}

TEST_CASE("what is said while a write is under way goes together, the last word on a key") {
  Bench bench;
  bench.store.put("a", "1");
  REQUIRE(bench.worker.jobs.size() == 1);
  bench.store.put("b", "1");
  bench.store.put("a", "2");
  bench.store.erase("b");
  CHECK(bench.store.waiting() == 3);
  bench.worker.run_one();
  bench.worker.run_one();
  CHECK(bench.worker.jobs.empty());
  CHECK(bench.file.writes ==
        std::vector<std::vector<StateChange>>{{{"a", "1"}}, {{"a", "2"}, {"b", std::nullopt}}});
  CHECK(bench.store.waiting() == 0);
  CHECK(bench.store.counters().writes_total == 2);
  CHECK(bench.store.counters().rows_total == 3);
}

TEST_CASE("a write that fails is told once, kept under newer words, and tried again") {
  Bench bench;
  bench.file.is_full = true;
  bench.store.put("a", "1");
  bench.store.put("b", "1");
  bench.worker.run_one();
  bench.store.put("a", "2");
  CHECK(bench.worker.jobs.empty());  // It waits for the retry.
  for (int i = 0; i < 2; ++i) {
    bench.clock.advance(1'000);
    bench.store.tick();
    bench.worker.run_one();
  }
  CHECK(bench.told.size() == 1);
  CHECK(bench.store.counters().failures_total == 3);
  CHECK(bench.store.waiting() == 2);

  bench.file.is_full = false;
  bench.store.tick();
  CHECK(bench.worker.jobs.empty());  // Not before its time.
  bench.clock.advance(1'000);
  bench.store.tick();
  bench.worker.run_one();
  CHECK(bench.file.rows == std::map<std::string, std::string>{{"a", "2"}, {"b", "1"}});
  CHECK(bench.told.size() == 2);
  CHECK(bench.store.waiting() == 0);
}

TEST_CASE("whoever asks learns when all that was said before is written, or that it failed") {
  Bench bench;
  std::vector<bool> answers;
  const auto ask = [&] {
    bench.store.when_written(
        [&](const Result<void>& written) { answers.push_back(written.has_value()); });
  };
  ask();
  CHECK(answers == std::vector<bool>{true});  // Nothing waits.

  bench.store.put("a", "1");
  bench.store.put("b", "1");
  ask();
  bench.worker.run_one();  // "a": the caller waits for "b".
  CHECK(answers.size() == 1);
  bench.worker.run_one();
  CHECK(answers == std::vector<bool>{true, true});

  bench.file.is_full = true;
  bench.store.put("c", "1");
  ask();
  bench.worker.run_one();
  bench.file.is_full = false;
  ask();
  bench.worker.run_one();
  CHECK(answers == std::vector<bool>{true, true, false, true});
}

TEST_CASE("a caller that asks while only its own row is under way is answered by that write") {
  Bench bench;
  int answers = 0;
  bench.store.put("a", "1");
  bench.store.when_written([&](const Result<void>&) { ++answers; });
  bench.worker.run_one();
  while (!bench.worker.jobs.empty()) bench.worker.run_one();
  CHECK(answers == 1);
  CHECK(bench.file.writes.size() == 1);
}

TEST_CASE("a store that is gone leaves its last write alone") {
  Bench bench;
  {
    BatchedStore store(bench.file, {}, bench.worker, bench.clock, [](const std::string&) {});
    store.put("a", "1");
  }
  bench.worker.run_one();
  CHECK(bench.file.rows.contains("a"));
}

}  // namespace
}  // namespace tako::broker
