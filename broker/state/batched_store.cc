// Hands one transaction at a time to the worker.
#include "broker/state/batched_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tako::broker {
namespace {

constexpr std::int64_t kRetryMs = 1'000;

}  // namespace

struct BatchedStore::Write {
  std::vector<StateChange> changes;
  std::vector<OnWritten> on_written;
  Result<void> outcome;
};

BatchedStore::BatchedStore(StateFile& file, std::vector<StateRow> rows, Worker& worker,
                           const Clock& clock, Tell warn)
    : file_(file),
      worker_(worker),
      clock_(clock),
      warn_(std::move(warn)),
      recovered_(std::move(rows)) {}

std::vector<StateRow> BatchedStore::restore(std::string_view prefix) {
  const auto first = std::ranges::lower_bound(recovered_, prefix, {}, &StateRow::key);
  const auto last = std::find_if(first, recovered_.end(),
                                 [&](const StateRow& row) { return !row.key.starts_with(prefix); });
  std::vector<StateRow> given(std::make_move_iterator(first), std::make_move_iterator(last));
  recovered_.erase(first, last);
  return given;
}

void BatchedStore::put(std::string key, std::string value) {
  say(std::move(key), std::move(value));
}

void BatchedStore::erase(std::string key) { say(std::move(key), std::nullopt); }

void BatchedStore::say(std::string key, std::optional<std::string> value) {
  waiting_.insert_or_assign(std::move(key), std::move(value));
  if (under_way_ == nullptr && retry_at_ms_ == 0) begin_write();
}

void BatchedStore::when_written(OnWritten on_written) {
  if (waiting() == 0) return on_written({});
  if (waiting_.empty()) return under_way_->on_written.push_back(std::move(on_written));
  on_written_.push_back(std::move(on_written));
  // Whoever waits is told of what is tried now, not of a try that failed before.
  if (under_way_ == nullptr) begin_write();
}

std::size_t BatchedStore::waiting() const {
  return waiting_.size() + (under_way_ == nullptr ? 0 : under_way_->changes.size());
}

void BatchedStore::tick() {
  recovered_ = {};
  const bool is_due = retry_at_ms_ != 0 && clock_.monotonic_ms() >= retry_at_ms_;
  if (is_due && under_way_ == nullptr) begin_write();
}

void BatchedStore::begin_write() {
  auto write = std::make_shared<Write>();
  write->changes.reserve(waiting_.size());
  while (!waiting_.empty()) {
    auto row = waiting_.extract(waiting_.begin());
    write->changes.push_back({std::move(row.key()), std::move(row.mapped())});
  }
  write->on_written = std::exchange(on_written_, {});
  under_way_ = write;
  worker_.run([&file = file_, write] { write->outcome = file.write(write->changes); },
              [this, is_alive = is_alive_, write] {
                if (*is_alive) end_write(*write);
              });
}

void BatchedStore::end_write(Write& write) {
  const bool failed_before = std::exchange(retry_at_ms_, 0) != 0;
  under_way_.reset();
  if (write.outcome) {
    ++counters_.writes_total;
    counters_.rows_total += write.changes.size();
    if (failed_before) warn_("the state is written again");
  } else {
    ++counters_.failures_total;
    retry_at_ms_ = clock_.monotonic_ms() + kRetryMs;
    if (!failed_before) {
      warn_(
          "the state can't be written, it is tried again every second; what a restart would have"
          " to know may be lost until then: " +
          std::string(write.outcome.error().message()));
    }
    take_back(write);
  }
  const bool is_asked_for = retry_at_ms_ == 0 || !on_written_.empty();
  if (!waiting_.empty() && is_asked_for) begin_write();
  for (const OnWritten& on_written : write.on_written) on_written(write.outcome);
}

void BatchedStore::take_back(Write& write) {
  for (StateChange& change : write.changes) {
    waiting_.try_emplace(std::move(change.key), std::move(change.value));
  }
}

}  // namespace tako::broker
