// DefinitionsRegistry: the definitions of every app; resolves names and params to channels.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/channel/channel_identity.h"
#include "broker/channel/control_stream.h"
#include "common/definition.h"
#include "common/limit_counters.h"
#include "common/result.h"

namespace tako::broker {

struct DefinitionsPut {
  std::uint64_t version = 0;
  std::vector<std::string> pending;  // edges that have not applied it in time
};
using OnDefinitionsPut = std::function<void(Result<DefinitionsPut>)>;

class DefinitionsRegistry {
 public:
  // `apps`: those configured, at least one. The references outlive the registry.
  DefinitionsRegistry(const std::vector<std::string>& apps, ControlStream& control,
                      LimitCounters& limit_counters);

  [[nodiscard]] bool has_app(std::string_view app) const;
  [[nodiscard]] std::vector<std::string> apps() const;
  // The set in force (never null). Errors: AppUnknown.
  [[nodiscard]] Result<std::shared_ptr<const DefinitionSet>> definitions(
      std::string_view app) const;
  // The set's number, from 1; 0: nothing was put yet.
  [[nodiscard]] std::uint64_t version(std::string_view app) const;
  // How often any app's set has changed.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  // The definition that covers `name`; nullptr when none does. Good until the next put.
  [[nodiscard]] const Definition* find(std::string_view app, std::string_view name) const;

  // Replaces the app's set, at once for this broker; answers when every linked edge has applied it,
  // or after definitions_apply_wait_ms with those that have not. An equal set keeps its version.
  // Errors (at once): AppUnknown, DefinitionInvalid. `source` Broker: members that a newer version
  // wrote are passed over, but a definition that can't be understood refuses the set.
  void put(std::string_view app, std::string_view json, OnDefinitionsPut on_put,
           DefinitionSource source = DefinitionSource::App);

  // Which channel a publish or a read of the app means. Errors: AppUnknown, ChannelUnknown,
  // BadRequest (not a name), ParamsInvalid (the schema's text; or params that it does not declare:
  // for a publisher they are a mistake).
  [[nodiscard]] Result<ChannelIdentity> resolve_query(std::string_view app, std::string_view name,
                                                      std::string_view raw_query) const;
  // `params_json`: a JSON object; empty: no params.
  [[nodiscard]] Result<ChannelIdentity> resolve_json(std::string_view app, std::string_view name,
                                                     std::string_view params_json) const;

 private:
  struct AppDefinitions {
    std::shared_ptr<const DefinitionSet> set;
    std::uint64_t version = 0;
    std::uint64_t control_number = 0;  // of the change that carried it
  };
  [[nodiscard]] Result<ChannelIdentity> identify(std::string_view app, std::string_view name,
                                                 const Definition& definition,
                                                 const Params& params) const;
  [[nodiscard]] Result<const Definition*> require(std::string_view app,
                                                  std::string_view name) const;

  std::map<std::string, AppDefinitions, std::less<>> apps_;
  std::uint64_t changes_ = 0;
  ControlStream& control_;
  LimitCounters& limit_counters_;
};

}  // namespace tako::broker
