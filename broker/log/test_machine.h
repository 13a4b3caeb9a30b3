// Machine: a disk that outlives processes, and the process that works on it. For tests only.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/log/disk_log.h"
#include "broker/log/memory_folder.h"

namespace tako::broker {

inline constexpr Retention kWideRetention{
    .window_ms = 60'000, .messages_max = 1'000, .bytes_max = 1 << 20};

// Runs its work when the test says so.
class SteppedWorker final : public Worker {
 public:
  void run(std::function<void()> work, std::function<void()> done) override {
    jobs_.push_back({std::move(work), std::move(done)});
    if (is_inline) run_all();
  }
  // One job's work and its end; false: there is none.
  bool step() {
    if (jobs_.empty()) return false;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    job.work();
    job.done();
    return true;
  }
  void run_all() {
    while (step()) {
    }
  }
  // The process is gone: work that has not begun never will.
  void drop() { jobs_.clear(); }

  bool is_inline = true;

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> done;
  };
  std::deque<Job> jobs_;
};

// A disk that outlives processes, and the process that works on it.
struct Machine {
  explicit Machine(std::uint64_t seed = 1) : random(seed) { limits.log_hot_bytes_max = 2'000; }

  // A new process; the one before is gone, in whatever state it was.
  Result<void> start() {
    log.reset();
    for (SteppedWorker* worker : {&writer, &syncer, &reader}) worker->drop();
    failures.clear();
    auto made = DiskLog::open_folder({clock, random, limits, counters, &seams});
    if (!made) return std::unexpected(made.error());
    log = std::move(*made);
    recovered = log->take_recovered();
    opened.clear();
    return {};
  }
  void must_start() {
    const auto started = start();
    CAPTURE((started ? std::string() : std::string(started.error().message())));
    REQUIRE(started.has_value());
  }
  void close() {
    bool is_closed = false;
    log->close([&is_closed] { is_closed = true; });
    REQUIRE(is_closed);
  }
  // As a channel would: the one that was recovered, or a new one.
  StreamId stream(const std::string& key, const Retention& retention = kWideRetention) {
    for (const RecoveredStream& known : recovered) {
      if (known.key == key) return known.stream;
    }
    if (!opened.contains(key)) opened[key] = log->open(key, "{}", retention);
    return opened[key];
  }
  Result<std::vector<MessagePtr>> append(StreamId to, const std::string& data,
                                         const AppendOptions& options = {}) {
    std::optional<Result<std::vector<MessagePtr>>> answer;
    log->append(to, {{.type = "t", .data = data}}, options,
                [&answer](Result<std::vector<MessagePtr>> result) { answer = std::move(result); });
    if (!answer) return fail(ErrorCode::Internal, "no answer");
    return *answer;
  }
  std::string read(StreamId from, std::uint64_t after = 0) {
    std::string joined;
    log->load_after(from, after, std::numeric_limits<std::uint64_t>::max(), {},
                    [&joined](const std::vector<MessagePtr>& messages) {
                      for (const MessagePtr& message : messages)
                        joined += std::string(message->data()) + ' ';
                    });
    return joined;
  }
  [[nodiscard]] bool was_told(std::string_view part) const {
    return std::ranges::any_of(
        told, [part](const std::string& text) { return text.find(part) != std::string::npos; });
  }

  FakeClock clock;
  SeededRandom random;
  RuntimeLimits limits;
  LimitCounters counters;
  MemoryFolder folder;
  SteppedWorker writer;
  SteppedWorker syncer;
  SteppedWorker reader;
  std::vector<std::string> told;
  std::vector<std::string> failures;
  DiskSeams seams{.folder = folder,
                  .writer = writer,
                  .syncer = syncer,
                  .reader = reader,
                  .info = [this](std::string text) { told.push_back(std::move(text)); },
                  .warn = [this](std::string text) { told.push_back(std::move(text)); },
                  .on_failed = [this](std::string text) { failures.push_back(std::move(text)); }};
  std::unique_ptr<LogEngine> log;
  std::vector<RecoveredStream> recovered;
  std::map<std::string, StreamId> opened;
};

}  // namespace tako::broker
