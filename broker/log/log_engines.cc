// Names every log engine of the program.
#include "broker/log/log_engines.h"

#include <algorithm>
#include <array>

#include "broker/log/memory_log.h"

namespace tako::broker {
namespace {

std::unique_ptr<LogEngine> make_memory_log(const LogSeams& seams) {
  return std::make_unique<MemoryLog>(seams);
}

constexpr std::array kEngines = {
    LogEngineEntry{"memory", make_memory_log},
};

}  // namespace

std::string_view to_string(AckKind kind) {
  switch (kind) {
    case AckKind::Memory:
      return "memory";
    case AckKind::Written:
      return "written";
    case AckKind::Synced:
      return "synced";
  }
  return "memory";
}

std::span<const LogEngineEntry> log_engines() { return kEngines; }

const LogEngineEntry* find_log_engine(std::string_view name) {
  const auto found = std::ranges::find(kEngines, name, &LogEngineEntry::name);
  return found == kEngines.end() ? nullptr : &*found;
}

}  // namespace tako::broker
