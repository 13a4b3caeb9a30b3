// The disk log with its real threads and files, on a real loop.
#include "broker/log_disk.h"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <sstream>

#include "common/limit_counters.h"
#include "common/random.h"
#include "tests/support/temp_dir.h"

namespace tako::broker {
namespace {

using namespace std::chrono_literals;

constexpr Retention kRetention{
    .window_ms = 600'000, .messages_max = 100'000, .bytes_max = std::size_t{64} << 20U};

// One process with its log.
struct LogProcess {
  explicit LogProcess(const test::TempDir& dir) {
    limits.log_hot_bytes_max = 10'000;
    limits.log_bytes_max = std::size_t{32} << 20U;  // segments of 512 KiB
    auto opened = LogDisk::open(loop, dir.file("data"), lines, [this] { has_failed = true; });
    REQUIRE(opened.has_value());
    disk = std::move(*opened);
    auto made = find_log_engine("disk")->make({loop, random, limits, counters, &disk->seams()});
    REQUIRE(made.has_value());
    log = std::move(*made);
  }
  void close() {
    bool is_closed = false;
    log->close([&is_closed] { is_closed = true; });
    REQUIRE(loop.run_until([&is_closed] { return is_closed; }, 30s));
  }

  std::ostringstream text;
  Log lines{{.level = LogLevel::Debug}, text};
  uv::Loop loop;
  SystemRandom random;
  RuntimeLimits limits;
  LimitCounters counters;
  bool has_failed = false;
  std::unique_ptr<LogDisk> disk;
  std::unique_ptr<LogEngine> log;
};

TEST_CASE("written, read from files and found again by the next process, beside a running loop") {
  const test::TempDir dir;
  constexpr int kMessages = 3'000;
  {
    LogProcess process(dir);
    const StreamId stream = process.log->open("7:defaulta", "{}", kRetention);
    int acknowledged = 0;
    int read = 0;
    for (int i = 1; i <= kMessages; ++i) {
      const AckKind ack = i % 2 == 0 ? AckKind::Synced : AckKind::Written;
      process.log->append(stream, {{.type = "t", .data = std::string(500, 'x')}}, {.ack = ack},
                          [&acknowledged](const auto& stored) {
                            REQUIRE(stored.has_value());
                            ++acknowledged;
                          });
      if (i % 500 != 0) continue;
      // Reads go on between writes, and segments are closed and begun.
      REQUIRE(process.loop.run_until([&] { return acknowledged == i; }, 30s));
      process.log->load_after(stream, 0, std::numeric_limits<std::uint64_t>::max(), {},
                              [&read, i](const std::vector<MessagePtr>& messages) {
                                CHECK(messages.size() == static_cast<std::size_t>(i));
                                ++read;
                              });
      process.log->trim();
    }
    REQUIRE(process.loop.run_until([&] { return read == kMessages / 500; }, 30s));
    CHECK(process.log->stats().segments > 2);
    process.close();
  }
  LogProcess process(dir);
  const auto recovered = process.log->take_recovered();
  REQUIRE(recovered.size() == 1);
  CHECK(process.log->window(recovered[0].stream).head == kMessages);
  CHECK_FALSE(process.has_failed);
}

TEST_CASE("a process that goes with work under way takes nothing along that was acknowledged") {
  const test::TempDir dir;
  int acknowledged = 0;
  {
    LogProcess process(dir);
    const StreamId stream = process.log->open("7:defaulta", "{}", kRetention);
    for (int i = 0; i < 200; ++i) {
      process.log->append(stream, {{.type = "t", .data = std::to_string(i)}}, {},
                          [&acknowledged](const auto&) { ++acknowledged; });
    }
    REQUIRE(process.loop.run_until([&] { return acknowledged > 0; }, 30s));
  }
  LogProcess process(dir);
  const auto recovered = process.log->take_recovered();
  REQUIRE(recovered.size() == 1);
  CHECK(process.log->window(recovered[0].stream).head >= static_cast<unsigned>(acknowledged));
}

}  // namespace
}  // namespace tako::broker
