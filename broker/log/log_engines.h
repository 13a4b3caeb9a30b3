// The list of log engines: one can read here what is in the program; tests pass their own.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "broker/log/log_engine.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/random.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// What every engine is built from. All of it outlives the engine.
struct LogSeams {
  const Clock& clock;
  Random& random;
  const RuntimeLimits& limits;
  LimitCounters& counters;
};

struct LogEngineEntry {
  std::string_view name;  // as `--log` takes it
  std::unique_ptr<LogEngine> (*make)(const LogSeams& seams);
};

[[nodiscard]] std::span<const LogEngineEntry> log_engines();
// nullptr when there is no engine of that name.
[[nodiscard]] const LogEngineEntry* find_log_engine(std::string_view name);

}  // namespace tako::broker
