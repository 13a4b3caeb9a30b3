// The list of cluster engines: one can read here what is in the program; tests pass their own.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "broker/cluster/cluster_engine.h"

namespace tako::broker {

struct ClusterEngineEntry {
  std::string_view name;
  std::unique_ptr<ClusterEngine> (*make)(LogEngine& log);
};

[[nodiscard]] std::span<const ClusterEngineEntry> cluster_engines();
// nullptr when there is no engine of that name.
[[nodiscard]] const ClusterEngineEntry* find_cluster_engine(std::string_view name);

}  // namespace tako::broker
