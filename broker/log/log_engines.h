// The list of log engines: one can read here what is in the program; tests pass their own.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "broker/log/log_engine.h"
#include "broker/log/log_files.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/random.h"
#include "common/result.h"
#include "common/runtime_limits.h"
#include "common/worker.h"

namespace tako::broker {

// What an engine with files works with.
struct DiskSeams {
  LogFolder& folder;
  Worker& writer;
  Worker& syncer;
  Worker& reader;
  // Something an operator should see, safe to log.
  std::function<void(std::string)> info;
  std::function<void(std::string)> warn;
  // The log can't go on: nothing is acknowledged any more, the process has to end.
  std::function<void(std::string)> on_failed;
  // When a segment is closed and a new one begun; 0: a share of log_bytes_max.
  std::size_t segment_bytes = 0;
};

// What every engine is built from. All of it outlives the engine.
struct LogSeams {
  const Clock& clock;
  Random& random;
  const RuntimeLimits& limits;
  LimitCounters& counters;
  const DiskSeams* disk = nullptr;  // for those that need_folder
};

struct LogEngineEntry {
  std::string_view name;  // as `--log` takes it
  bool needs_folder;
  // Errors: LogUnusable.
  Result<std::unique_ptr<LogEngine>> (*make)(const LogSeams& seams);
};

[[nodiscard]] std::span<const LogEngineEntry> log_engines();
// nullptr when there is no engine of that name.
[[nodiscard]] const LogEngineEntry* find_log_engine(std::string_view name);

}  // namespace tako::broker
