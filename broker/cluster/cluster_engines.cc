// Names every cluster engine of the program.
#include "broker/cluster/cluster_engines.h"

#include <algorithm>
#include <array>

#include "broker/cluster/single_box.h"

namespace tako::broker {
namespace {

std::unique_ptr<ClusterEngine> make_single_box(LogEngine& log) {
  return std::make_unique<SingleBox>(log);
}

constexpr std::array kEngines = {
    ClusterEngineEntry{"single-box", make_single_box},
};

}  // namespace

std::span<const ClusterEngineEntry> cluster_engines() { return kEngines; }

const ClusterEngineEntry* find_cluster_engine(std::string_view name) {
  const auto found = std::ranges::find(kEngines, name, &ClusterEngineEntry::name);
  return found == kEngines.end() ? nullptr : &*found;
}

}  // namespace tako::broker
