// StateFile: where a StateStore keeps its rows; SQLite in a process, a script in a test.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/state/state_store.h"
#include "common/result.h"

namespace tako::broker {

struct StateChange {
  std::string key;
  std::optional<std::string> value;  // nullopt: erased
  friend bool operator==(const StateChange&, const StateChange&) = default;
};

// Blocks. One thread at a time.
class StateFile {
 public:
  virtual ~StateFile() = default;
  // All rows, by key. Errors: LogUnusable.
  [[nodiscard]] virtual Result<std::vector<StateRow>> read() = 0;
  // All or none. Errors: LogFull, LogUnusable.
  [[nodiscard]] virtual Result<void> write(std::span<const StateChange> changes) = 0;
};

}  // namespace tako::broker
