// Keeps the links by number.
#include "broker/edge_registry.h"

#include <algorithm>

#include "broker/edge_link.h"

namespace tako::broker {

LinkId EdgeRegistry::enter(EdgeLink& link) {
  links_.emplace(++last_id_, &link);
  return last_id_;
}

void EdgeRegistry::leave(LinkId id) { links_.erase(id); }

EdgeLink* EdgeRegistry::find(LinkId id) const {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : found->second;
}

std::size_t EdgeRegistry::edges() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(links_, [](const auto& entry) { return entry.second->is_welcomed(); }));
}

std::vector<EdgeInfo> EdgeRegistry::list() const {
  std::vector<EdgeInfo> edges;
  for (const auto& [id, link] : links_) {
    if (!link->is_welcomed()) continue;
    edges.push_back({.name = std::string(link->edge_name()), .channels = link->channels()});
  }
  return edges;
}

EdgeLink* EdgeRegistry::find_instance(std::uint64_t instance) const {
  const auto found = std::ranges::find_if(links_, [instance](const auto& entry) {
    return entry.second->is_welcomed() && entry.second->instance() == instance;
  });
  return found == links_.end() ? nullptr : found->second;
}

}  // namespace tako::broker
