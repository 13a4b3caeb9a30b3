// StateStore: a durable map of keys to values: what of the broker's own state outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace tako::broker {

struct StateRow {
  std::string key;  // its owner's word, a slash, and what the owner likes: "member/…"
  std::string value;
  friend bool operator==(const StateRow&, const StateRow&) = default;
};

struct StateCounters {
  std::uint64_t writes_total = 0;    // batches that were written
  std::uint64_t rows_total = 0;      // put and erased by them
  std::uint64_t failures_total = 0;  // of writes; each is tried again
};

// Not for messages (the log's), nor for what must be refused when it can't be kept: what is put
// holds at once in memory, and is written behind. A process that is killed loses what was put in
// the milliseconds before, a box without power that of the seconds before.
class StateStore {
 public:
  // The Error is of the last try; the next one may succeed.
  using OnWritten = std::function<void(const Result<void>&)>;

  virtual ~StateStore() = default;

  // Gives the rows of an earlier process whose keys begin with `prefix`, by key. Each only once: at
  // the start, before the loop runs; after the first tick() there are none.
  [[nodiscard]] virtual std::vector<StateRow> restore(std::string_view prefix) = 0;
  // The last word on a key holds. What waits to be written is told apart by key, so that it is
  // never more than what lives.
  virtual void put(std::string key, std::string value) = 0;
  virtual void erase(std::string key) = 0;
  // Calls back once when all that was said before is written, or could not be. Possibly at once.
  virtual void when_written(OnWritten on_written) = 0;
  // From a timer: tries again what could not be written.
  virtual void tick() = 0;

  // Keys whose last word is not written yet.
  [[nodiscard]] virtual std::size_t waiting() const = 0;
  [[nodiscard]] virtual const StateCounters& counters() const = 0;
  // False: nothing outlives the process.
  [[nodiscard]] virtual bool is_durable() const = 0;
};

// Beside a log in memory, which does not outlive the process either.
class NoStateStore final : public StateStore {
 public:
  [[nodiscard]] std::vector<StateRow> restore(std::string_view /*prefix*/) override { return {}; }
  void put(std::string /*key*/, std::string /*value*/) override {}
  void erase(std::string /*key*/) override {}
  void when_written(OnWritten on_written) override { on_written({}); }
  void tick() override {}
  [[nodiscard]] std::size_t waiting() const override { return 0; }
  [[nodiscard]] const StateCounters& counters() const override { return counters_; }
  [[nodiscard]] bool is_durable() const override { return false; }

 private:
  StateCounters counters_;
};

}  // namespace tako::broker
