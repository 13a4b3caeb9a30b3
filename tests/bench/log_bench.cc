// What the log on disk costs: append throughput and acknowledgement latency, beside SQLite (WAL,
// synchronous=FULL) doing the same job in the same run; then how long a restart takes to read the
// log again, and the memory it holds.
//
//   log_bench                    both; TAKO_BENCH_MESSAGES (1,000,000) for the second
//   log_bench fill DIR COUNT     one half of the second: writes a log of COUNT messages
//   log_bench reload DIR         the other: opens it, in a process of its own
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "broker/log/log_engines.h"
#include "broker/log_disk.h"
#include "common/random.h"
#include "common/uv/loop.h"

extern char** environ;

namespace tako::broker {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kChannels = 1'000;
constexpr std::size_t kDataBytes = 200;
constexpr std::chrono::seconds kMeasured{2};
constexpr std::chrono::minutes kPatience{10};

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

// The engine on a folder, without a broker around it.
class Bench {
 public:
  explicit Bench(const std::string& folder) {
    limits_.log_bytes_max = std::size_t{16} << 30U;
    limits_.log_messages_max = 100'000'000;
    auto disk = LogDisk::open(loop_, folder, log_, [] { std::abort(); });
    if (!disk) throw std::runtime_error(std::string(disk.error().message()));
    disk_ = std::move(*disk);
    auto engine =
        find_log_engine("disk")->make({loop_, random_, limits_, counters_, &disk_->seams()});
    if (!engine) throw std::runtime_error(std::string(engine.error().message()));
    engine_ = std::move(*engine);
  }
  ~Bench() {
    bool is_closed = false;
    engine_->close([&is_closed] { is_closed = true; });
    static_cast<void>(loop_.run_until([&is_closed] { return is_closed; }, kPatience));
  }

  void open_channels() {
    const Retention retention{
        .window_ms = 0, .messages_max = 100'000'000, .bytes_max = std::size_t{16} << 30U};
    for (std::size_t i = 0; i < kChannels; ++i) {
      streams_.push_back(engine_->open("default\x1f" + std::to_string(i), "{}", retention));
    }
  }

  // Publishes `count` messages, each to the next channel, and returns when all are acknowledged.
  void append(std::size_t count, AckKind ack) {
    std::size_t acknowledged = 0;
    for (std::size_t i = 0; i < count; ++i) {
      engine_->append(streams_[next_++ % kChannels], {draft_}, {.ack = ack},
                      [&acknowledged](const auto& stored) {
                        if (!stored) throw std::runtime_error("the log is full");
                        ++acknowledged;
                      });
    }
    if (!loop_.run_until([&] { return acknowledged == count; }, kPatience)) {
      throw std::runtime_error("the log does not answer");
    }
  }

  [[nodiscard]] LogStats stats() const { return engine_->stats(); }
  [[nodiscard]] std::size_t recovered() { return engine_->take_recovered().size(); }

 private:
  uv::Loop loop_;
  SystemRandom random_;
  RuntimeLimits limits_;
  LimitCounters counters_;
  Log log_{{.level = LogLevel::Error}};
  std::unique_ptr<LogDisk> disk_;
  std::unique_ptr<LogEngine> engine_;
  std::vector<StreamId> streams_;
  std::size_t next_ = 0;
  MessageDraft draft_{.type = "m", .data = '"' + std::string(kDataBytes - 2, 'x') + '"'};
};

// A table of messages by channel and offset: one transaction for each round.
class SqliteBench {
 public:
  explicit SqliteBench(const std::string& folder) : heads_(kChannels) {
    if (sqlite3_open((folder + "/messages.db").c_str(), &database_) != SQLITE_OK) fail();
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("CREATE TABLE messages (channel INTEGER, offset INTEGER, time INTEGER, type TEXT, "
        "data BLOB, PRIMARY KEY (channel, offset)) WITHOUT ROWID");
    const char* insert = "INSERT INTO messages VALUES (?, ?, ?, 'm', ?)";
    if (sqlite3_prepare_v2(database_, insert, -1, &insert_, nullptr) != SQLITE_OK) fail();
  }
  ~SqliteBench() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  SqliteBench(const SqliteBench&) = delete;
  SqliteBench& operator=(const SqliteBench&) = delete;

  void append(std::size_t count) {
    run("BEGIN");
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t channel = next_++ % kChannels;
      sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(channel));
      sqlite3_bind_int64(insert_, 2, static_cast<sqlite3_int64>(++heads_[channel]));
      sqlite3_bind_int64(insert_, 3, 1'700'000'000'000);
      sqlite3_bind_blob(insert_, 4, data_.data(), static_cast<int>(data_.size()), SQLITE_STATIC);
      if (sqlite3_step(insert_) != SQLITE_DONE) fail();
      sqlite3_reset(insert_);
    }
    run("COMMIT");
  }

 private:
  void run(const char* statement) {
    if (sqlite3_exec(database_, statement, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }
  [[noreturn]] void fail() { throw std::runtime_error(sqlite3_errmsg(database_)); }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  std::vector<std::uint64_t> heads_;
  std::size_t next_ = 0;
  std::string data_ = std::string(kDataBytes, 'x');
};

// Rounds of `count` messages, one after the other; a message's latency is its round's.
template <typename Append>
void measure_rounds(const char* name, std::size_t count, Append append) {
  append(count);  // Warms up.
  std::vector<double> rounds;
  const Clock::time_point began = Clock::now();
  while (Clock::now() - began < kMeasured) {
    const Clock::time_point round = Clock::now();
    append(count);
    rounds.push_back(seconds_since(round) * 1e3);
  }
  const double messages = static_cast<double>(rounds.size() * count) / seconds_since(began);
  std::ranges::sort(rounds);
  std::printf("%-34s %6zu %12.0f %10.3f %10.3f\n", name, count, messages, rounds[rounds.size() / 2],
              rounds[rounds.size() * 99 / 100]);
  std::fflush(stdout);
}

// A folder of this run's own, on the disk of TMPDIR.
class BenchFolder {
 public:
  BenchFolder() {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~BenchFolder() { std::filesystem::remove_all(path_); }
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "tako-bench-XXXXXX").string();
};

void compare_appends() {
  std::printf(
      "# %zu B over %zu channels; messages at once, messages/s, ms to the last "
      "acknowledgement of a round: median, p99\n",
      kDataBytes, kChannels);
  for (const std::size_t count : {std::size_t{1}, std::size_t{32}, std::size_t{1'000}}) {
    const BenchFolder folder;
    {
      Bench bench(folder.path());
      bench.open_channels();
      measure_rounds("disk log, synced", count,
                     [&](std::size_t n) { bench.append(n, AckKind::Synced); });
      measure_rounds("disk log, written", count,
                     [&](std::size_t n) { bench.append(n, AckKind::Written); });
    }
    SqliteBench sqlite(folder.path());
    measure_rounds("SQLite, WAL, synchronous=FULL", count,
                   [&](std::size_t n) { sqlite.append(n); });
  }
}

void fill(const std::string& folder, std::size_t count) {
  constexpr std::size_t kRound = 10'000;
  Bench bench(folder);
  bench.open_channels();
  const Clock::time_point began = Clock::now();
  for (std::size_t done = 0; done < count; done += kRound) bench.append(kRound, AckKind::Written);
  std::printf("filled: %zu messages in %.1f s, %.0f MiB on disk\n", bench.stats().messages,
              seconds_since(began), static_cast<double>(bench.stats().disk_bytes) / 1048576);
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6));
  }
  return 0;
}

void reload(const std::string& folder) {
  const std::size_t before_kib = resident_kib();
  const Clock::time_point began = Clock::now();
  Bench bench(folder);
  const double seconds = seconds_since(began);
  const std::size_t after_kib = resident_kib();
  std::printf("reloaded: %zu messages of %zu channels in %.2f s, resident %.0f MiB (%.0f before)\n",
              bench.stats().messages, bench.recovered(), seconds,
              static_cast<double>(after_kib) / 1024, static_cast<double>(before_kib) / 1024);
}

// This program with other arguments, so that memory is measured from the start.
void run_self(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "log_bench");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::fflush(stdout);
  pid_t child = 0;
  int status = 0;
  const bool is_done =
      posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, pointers.data(), environ) == 0 &&
      waitpid(child, &status, 0) == child && status == 0;
  if (!is_done) throw std::runtime_error("log_bench " + arguments.at(1) + " failed");
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 3 && arguments[0] == "fill") {
    fill(arguments[1], std::stoull(arguments[2]));
  } else if (arguments.size() == 2 && arguments[0] == "reload") {
    reload(arguments[1]);
  } else {
    compare_appends();
    const char* given = std::getenv("TAKO_BENCH_MESSAGES");
    const BenchFolder folder;
    run_self({"fill", folder.path(), given != nullptr ? given : "1000000"});
    run_self({"reload", folder.path()});
  }
  return 0;
}

}  // namespace
}  // namespace tako::broker

int main(int argc, char** argv) {
  try {
    return tako::broker::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "log_bench: " << error.what() << "\n";
    return 1;
  }
}
