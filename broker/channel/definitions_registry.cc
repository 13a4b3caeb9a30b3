// Holds each app's set, and applies it to names and params.
#include "broker/channel/definitions_registry.h"

#include <utility>

#include "common/channel_name.h"
#include "common/limits.h"
#include "common/params.h"

namespace tako::broker {
DefinitionsRegistry::DefinitionsRegistry(const std::vector<std::string>& apps,
                                         ControlStream& control, LimitCounters& limit_counters)
    : control_(control), limit_counters_(limit_counters) {
  for (const std::string& app : apps) apps_[app].set = DefinitionSet::empty();
}

bool DefinitionsRegistry::has_app(std::string_view app) const { return apps_.contains(app); }

std::vector<std::string> DefinitionsRegistry::apps() const {
  std::vector<std::string> names;
  names.reserve(apps_.size());
  for (const auto& [name, definitions] : apps_) names.push_back(name);
  return names;
}

Result<std::shared_ptr<const DefinitionSet>> DefinitionsRegistry::definitions(
    std::string_view app) const {
  const auto found = apps_.find(app);
  if (found == apps_.end()) return fail(ErrorCode::AppUnknown);
  return found->second.set;
}

std::uint64_t DefinitionsRegistry::version(std::string_view app) const {
  const auto found = apps_.find(app);
  return found == apps_.end() ? 0 : found->second.version;
}

const Definition* DefinitionsRegistry::find(std::string_view app, std::string_view name) const {
  const auto found = apps_.find(app);
  return found == apps_.end() ? nullptr : found->second.set->find(name);
}

void DefinitionsRegistry::put(std::string_view app, std::string_view json, OnDefinitionsPut on_put,
                              DefinitionSource source) {
  const auto found = apps_.find(app);
  if (found == apps_.end()) {
    on_put(fail(ErrorCode::AppUnknown));
    return;
  }
  auto parsed = DefinitionSet::parse(json, source);
  if (!parsed) {
    on_put(std::unexpected(std::move(parsed.error())));
    return;
  }
  if (const std::string names = (*parsed)->not_understood(); !names.empty()) {
    on_put(fail(ErrorCode::DefinitionInvalid, "of a newer version: " + names));
    return;
  }
  AppDefinitions& current = found->second;
  std::string canonical = (*parsed)->to_json();
  if (current.version == 0 || canonical != current.set->to_json()) {
    current.set = std::move(*parsed);
    ++current.version;
    ++changes_;
    current.control_number = control_.append(DefinitionsChange{
        .app = std::string(app), .version = current.version, .json = std::move(canonical)});
  }
  const auto answer = [version = current.version,
                       on_put = std::move(on_put)](ControlOutcome outcome) {
    on_put(DefinitionsPut{.version = version, .pending = std::move(outcome.pending)});
  };
  control_.wait_applied(current.control_number, answer);
}

Result<ChannelIdentity> DefinitionsRegistry::resolve_query(std::string_view app,
                                                           std::string_view name,
                                                           std::string_view raw_query) const {
  const auto definition = require(app, name);
  if (!definition) return std::unexpected(definition.error());
  const auto pairs = split_query(raw_query);
  if (!pairs) {
    count_limit(pairs.error(), limit_counters_);
    return std::unexpected(pairs.error());
  }
  const auto params = (*definition)->params_schema->check_text(params_text(*pairs));
  if (!params) return std::unexpected(params.error());
  return identify(app, name, **definition, *params);
}

Result<ChannelIdentity> DefinitionsRegistry::resolve_json(std::string_view app,
                                                          std::string_view name,
                                                          std::string_view params_json) const {
  const auto definition = require(app, name);
  if (!definition) return std::unexpected(definition.error());
  const auto params =
      (*definition)->params_schema->check_json(params_json.empty() ? "{}" : params_json);
  if (!params) {
    count_limit(params.error(), limit_counters_);
    return std::unexpected(params.error());
  }
  return identify(app, name, **definition, *params);
}

Result<ChannelIdentity> DefinitionsRegistry::identify(std::string_view app, std::string_view name,
                                                      const Definition& definition,
                                                      const Params& params) const {
  for (const auto& [param, value] : params) {
    if (definition.params_schema->declares(param)) continue;
    return fail(ErrorCode::ParamsInvalid,
                "invalid channel params: " + definition.name + " does not declare " + param);
  }
  const Params partition = definition.partition_of(params);
  ChannelIdentity identity{.app = std::string(app),
                           .name = std::string(name),
                           .key = make_channel_key(name, partition),
                           .params_json = params_json(partition)};
  if (identity.key.size() > limits::kChannelKeyBytesMax) {
    ++limit_counters_.channel_key_bytes_max;
    return fail(ErrorCode::ParamsInvalid, "invalid channel params: too long");
  }
  return identity;
}

Result<const Definition*> DefinitionsRegistry::require(std::string_view app,
                                                       std::string_view name) const {
  if (!has_app(app)) return fail(ErrorCode::AppUnknown);
  if (!is_channel_name(name)) {
    if (name.size() > limits::kChannelNameMax) ++limit_counters_.channel_name_max;
    return fail(ErrorCode::BadRequest, "not a channel name");
  }
  const Definition* definition = find(app, name);
  if (definition == nullptr) return fail(ErrorCode::ChannelUnknown);
  return definition;
}

}  // namespace tako::broker
