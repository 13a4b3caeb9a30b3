// TestDisk: files in memory for the disk log, and what an engine needs of them. For tests only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_engines.h"
#include "broker/log/memory_folder.h"
#include "common/worker.h"

namespace tako::broker {

// Everything is done before the call returns. Outlives the engines: each next one is a new process.
class TestDisk {
 public:
  [[nodiscard]] DiskSeams seams() {
    return {.folder = folder,
            .writer = worker_,
            .syncer = worker_,
            .reader = worker_,
            .info = [this](std::string text) { told.push_back(std::move(text)); },
            .warn = [this](std::string text) { told.push_back(std::move(text)); },
            .on_failed = [this](std::string text) { failures.push_back(std::move(text)); }};
  }
  // Another for each process: epochs are random.
  [[nodiscard]] std::uint64_t next_seed() { return ++seed_; }

  MemoryFolder folder;
  std::vector<std::string> told;  // to the operator
  std::vector<std::string> failures;

 private:
  InlineWorker worker_;
  std::uint64_t seed_ = 100;
};

}  // namespace tako::broker
