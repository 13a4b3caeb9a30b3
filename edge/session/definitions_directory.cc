// Keeps the sets and walks the watchers.
#include "edge/session/definitions_directory.h"

#include <utility>

namespace tako::edge {

void DefinitionsDirectory::on_definitions(std::string_view app,
                                          std::shared_ptr<const DefinitionSet> definitions) {
  by_app_.insert_or_assign(std::string(app), definitions);
  // Backwards: whoever unregisters on the way leaves its place to the last one, visited already.
  for (std::size_t i = watchers_.size(); i-- > 0;) {
    if (i < watchers_.size()) watchers_[i]->on_definitions_changed(app, definitions);
  }
}

const std::shared_ptr<const DefinitionSet>& DefinitionsDirectory::of(std::string_view app) const {
  const auto found = by_app_.find(app);
  return found == by_app_.end() ? none_ : found->second;
}

void DefinitionsDirectory::watch(DefinitionsWatcher& watcher) {
  if (watcher.index_ != DefinitionsWatcher::kNowhere) return;
  watcher.index_ = static_cast<std::uint32_t>(watchers_.size());
  watchers_.push_back(&watcher);
}

void DefinitionsDirectory::unwatch(DefinitionsWatcher& watcher) {
  if (watcher.index_ == DefinitionsWatcher::kNowhere) return;
  watchers_[watcher.index_] = watchers_.back();
  watchers_[watcher.index_]->index_ = watcher.index_;
  watchers_.pop_back();
  watcher.index_ = DefinitionsWatcher::kNowhere;
}

}  // namespace tako::edge
