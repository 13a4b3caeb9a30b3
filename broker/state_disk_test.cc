// What is put on the loop is in the file for the next process, written by another thread.
#include "broker/state_disk.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "tests/support/temp_dir.h"

namespace tako::broker {
namespace {

struct StateProcess {
  std::unique_ptr<StateDisk> open() {
    auto disk = StateDisk::open(loop, folder.path().string(), log);
    REQUIRE(disk.has_value());
    return std::move(*disk);
  }
  void wait_until_written(StateStore& store) {
    bool is_written = false;
    store.when_written([&](const Result<void>& written) { is_written = written.has_value(); });
    CHECK(loop.run_until([&] { return is_written; }, std::chrono::seconds(10)));
  }

  test::TempDir folder;
  std::ostringstream lines;
  Log log{{.level = LogLevel::Debug}, lines};
  uv::Loop loop;
};

TEST_CASE("what was put is there for the next process, and its end waits for nothing else") {
  StateProcess bench;
  {
    const auto disk = bench.open();
    for (int i = 0; i < 1'000; ++i) {
      disk->store().put("member/" + std::to_string(i % 100), std::to_string(i));
    }
    disk->store().erase("member/7");
    bench.wait_until_written(disk->store());
    CHECK(disk->store().counters().writes_total < 100);
    disk->store().put("member/late", "lost or not: the process ends");
  }
  const auto disk = bench.open();
  const auto rows = disk->store().restore("member/");
  CHECK(rows.size() >= 99);
  CHECK(rows.front() == StateRow{"member/0", "900"});
  CHECK(bench.lines.str().empty());
}

TEST_CASE("a file that another process holds is an error that says so") {
  StateProcess bench;
  const auto disk = bench.open();
  disk->store().put("a", "1");
  bench.wait_until_written(disk->store());
  const auto second = StateDisk::open(bench.loop, bench.folder.path().string(), bench.log);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().detail.find("another process uses it") != std::string::npos);
}

}  // namespace
}  // namespace tako::broker
