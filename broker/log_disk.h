// LogDisk: the folder and the threads that a log engine with files works with.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/log/log_engines.h"
#include "broker/log/log_files.h"
#include "common/config/log.h"
#include "common/result.h"
#include "common/uv/loop.h"
#include "common/uv/worker_thread.h"

namespace tako::broker {

// Made before the engine, and destroyed after it.
class LogDisk {
 public:
  // Takes the folder `<data_dir>/log` for this process. `on_failed`: the log can't go on, and the
  // process has to end. Errors: LogUnusable, with what to do.
  [[nodiscard]] static Result<std::unique_ptr<LogDisk>> open(uv::Loop& loop,
                                                             const std::string& data_dir, Log& log,
                                                             std::function<void()> on_failed);
  LogDisk(uv::Loop& loop, std::unique_ptr<PosixLogFolder> folder, Log& log,
          std::function<void()> on_failed);

  [[nodiscard]] const DiskSeams& seams() const { return seams_; }
  // For other files that may take long.
  [[nodiscard]] Worker& worker() { return reader_; }

 private:
  std::unique_ptr<PosixLogFolder> folder_;  // First: the threads use it to their end.
  uv::WorkerThread writer_;
  uv::WorkerThread syncer_;
  uv::WorkerThread reader_;
  DiskSeams seams_;
};

}  // namespace tako::broker
