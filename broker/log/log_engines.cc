// Names every log engine of the program.
#include "broker/log/log_engines.h"

#include <algorithm>
#include <array>

#include "broker/log/disk_log.h"
#include "broker/log/memory_log.h"

namespace tako::broker {
namespace {

Result<std::unique_ptr<LogEngine>> make_memory_log(const LogSeams& seams) {
  return std::make_unique<MemoryLog>(seams);
}

Result<std::unique_ptr<LogEngine>> make_disk_log(const LogSeams& seams) {
  return DiskLog::open_folder(seams);
}

constexpr std::array kEngines = {
    LogEngineEntry{"disk", true, make_disk_log},
    LogEngineEntry{"memory", false, make_memory_log},
};

constexpr std::array<std::string_view, 3> kAckNames = {"memory", "written", "synced"};

}  // namespace

std::string_view to_string(AckKind kind) { return kAckNames.at(static_cast<std::size_t>(kind)); }

std::optional<AckKind> ack_kind_from(std::string_view text) {
  const auto found = std::ranges::find(kAckNames, text);
  if (found == kAckNames.end()) return std::nullopt;
  return static_cast<AckKind>(found - kAckNames.begin());
}

std::span<const LogEngineEntry> log_engines() { return kEngines; }

const LogEngineEntry* find_log_engine(std::string_view name) {
  const auto found = std::ranges::find(kEngines, name, &LogEngineEntry::name);
  return found == kEngines.end() ? nullptr : &*found;
}

}  // namespace tako::broker
