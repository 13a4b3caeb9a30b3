// TestDisk: a folder for the disk log, and what an engine needs of it. For tests only.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/log/log_engines.h"
#include "common/worker.h"
#include "tests/support/temp_dir.h"

namespace tako::broker {

// Everything is done before the call returns, unless the test passes other workers.
class TestDisk {
 public:
  TestDisk() { open(); }

  // The lock goes with the folder's object: so this is what a new process has.
  void open() {
    folder_.reset();
    auto opened = PosixLogFolder::open_folder(path(), PosixLogFolder::Access::Owns);
    REQUIRE(opened.has_value());
    folder_ = std::move(*opened);
  }
  // Another for each process: epochs are random.
  [[nodiscard]] std::uint64_t next_seed() { return ++seed_; }
  [[nodiscard]] std::string path() const { return dir_.file("log"); }
  [[nodiscard]] LogFolder& folder() { return *folder_; }

  std::vector<std::string> told;  // to the operator
  std::vector<std::string> failures;

 private:
  test::TempDir dir_;
  std::unique_ptr<PosixLogFolder> folder_;
  InlineWorker worker_;
  std::uint64_t seed_ = 100;

 public:
  // `folder` instead of the real one: a test's that fails.
  [[nodiscard]] DiskSeams seams(LogFolder& folder) {
    return {.folder = folder,
            .writer = worker_,
            .syncer = worker_,
            .reader = worker_,
            .info = [this](std::string text) { told.push_back(std::move(text)); },
            .warn = [this](std::string text) { told.push_back(std::move(text)); },
            .on_failed = [this](std::string text) { failures.push_back(std::move(text)); }};
  }
};

}  // namespace tako::broker
