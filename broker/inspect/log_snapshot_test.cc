// A snapshot beside a broker that removes, makes and writes segments meanwhile.
#include "broker/inspect/log_snapshot.h"

#include <doctest/doctest.h>

#include <functional>

#include "broker/log/memory_folder.h"
#include "broker/log/test_segments.h"

namespace tako::broker {
namespace {

// Calls back between the listing and the opening: what a broker may do in that moment.
class BusyFolder final : public LogFolder {
 public:
  MemoryFolder files;
  std::function<void(int listing)> after_listing;

  [[nodiscard]] FileResult<std::vector<std::string>> list() const override {
    auto names = files.list();
    after_listing(++listings_);
    return names;
  }
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                                          bool writes) const override {
    CHECK_FALSE(writes);
    return files.open(name, writes);
  }
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> create(const std::string& name) override {
    return files.create(name);
  }
  [[nodiscard]] FileResult<void> remove(const std::string& name) override {
    return files.remove(name);
  }
  [[nodiscard]] FileResult<void> rename(const std::string& from, const std::string& to) override {
    return files.rename(from, to);
  }
  [[nodiscard]] FileResult<void> sync() override { return files.sync(); }

 private:
  mutable int listings_ = 0;
};

std::string text(const LogSnapshot& log, std::uint64_t number) {
  const auto file = log.open(log_format::segment_name(number), false);
  REQUIRE(file.has_value());
  std::string bytes(100, '\0');
  bytes.resize(*(*file)->read_at(0, bytes));
  return bytes;
}

TEST_CASE("what is written, cut and removed later changes nothing in it") {
  MemoryFolder folder;
  folder.put(1, "one");
  folder.put(2, "two");
  folder.put("notes", "");
  const auto log = LogSnapshot::take(folder);
  REQUIRE(log.has_value());
  folder.bytes(2) += " and more";
  CHECK(folder.remove(log_format::segment_name(1)).has_value());
  CHECK(*(*log)->list() == std::vector<std::string>{log_format::segment_name(1),
                                                    log_format::segment_name(2), "notes"});
  CHECK(text(**log, 1) == "one");
  CHECK(text(**log, 2) == "two");
  CHECK(*(*(*log)->open(log_format::segment_name(2), false))->size() == 3);
  CHECK((*log)->open("notes", false).error() == ENOENT);
}

TEST_CASE("a segment that goes between listing and opening makes it look anew") {
  BusyFolder folder;
  for (const std::uint64_t number : {1, 2, 3}) folder.files.put(number, std::to_string(number));
  // Segment 1's messages were carried forward to segment 4, which the first listing misses.
  folder.after_listing = [&folder](int listing) {
    if (listing != 1) return;
    folder.files.erase(1);
    folder.files.put(4, "4 with what was in 1");
  };
  const auto log = LogSnapshot::take(folder);
  REQUIRE(log.has_value());
  CHECK((*log)->list()->size() == 3);
  CHECK(text(**log, 4) == "4 with what was in 1");
}

TEST_CASE("files that never hold still are given up, with words") {
  BusyFolder folder;
  folder.after_listing = [&folder](int listing) {
    folder.files.put(static_cast<std::uint64_t>(listing), "");
  };
  const auto log = LogSnapshot::take(folder);
  REQUIRE_FALSE(log.has_value());
  CHECK(log.error().code == ErrorCode::LogUnusable);
}

TEST_CASE("nothing can be written through it") {
  MemoryFolder folder;
  folder.put(1, "one");
  const auto log = LogSnapshot::take(folder);
  REQUIRE(log.has_value());
  const std::string name = log_format::segment_name(1);
  CHECK((*log)->open(name, true).error() == EROFS);
  CHECK((*log)->create("x").error() == EROFS);
  CHECK((*log)->remove(name).error() == EROFS);
  CHECK((*log)->rename(name, "x").error() == EROFS);
  CHECK((*log)->sync().error() == EROFS);
  const auto file = *(*log)->open(name, false);
  CHECK(file->write_at(0, "x").error() == EROFS);
  CHECK(file->truncate(0).error() == EROFS);
  CHECK(file->sync().error() == EROFS);
  CHECK(folder.bytes(1) == "one");
}

}  // namespace
}  // namespace tako::broker
