// DefinitionsDirectory: each app's definitions as the control stream last said; tells who depends
// on them when they change.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/definition.h"

namespace tako::edge {

// Implemented by what lives under a definition. Registered while it does; may be unregistered, but
// not destroyed, within its callback.
class DefinitionsWatcher {
 public:
  virtual ~DefinitionsWatcher() = default;
  // The app's definitions are new; `definitions` is the set to be judged by from now on.
  virtual void on_definitions_changed(std::string_view app,
                                      const std::shared_ptr<const DefinitionSet>& definitions) = 0;

 private:
  friend class DefinitionsDirectory;
  static constexpr std::uint32_t kNowhere = UINT32_MAX;
  std::uint32_t index_ = kNowhere;
};

class DefinitionsDirectory {
 public:
  // From BrokerEvents: keeps the set, then tells every watcher.
  void on_definitions(std::string_view app, std::shared_ptr<const DefinitionSet> definitions);

  // The app's set; an empty one when the broker named none.
  [[nodiscard]] const std::shared_ptr<const DefinitionSet>& of(std::string_view app) const;

  void watch(DefinitionsWatcher& watcher);
  void unwatch(DefinitionsWatcher& watcher);

 private:
  std::map<std::string, std::shared_ptr<const DefinitionSet>, std::less<>> by_app_;
  std::shared_ptr<const DefinitionSet> none_ = DefinitionSet::empty();
  std::vector<DefinitionsWatcher*> watchers_;
};

}  // namespace tako::edge
