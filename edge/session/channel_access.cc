// Applies definitions to calls, and picks credentials out of requests.
#include "edge/session/channel_access.h"

#include <algorithm>
#include <utility>

#include "common/channel_name.h"
#include "common/limits.h"

namespace tako::edge {
namespace {

Result<Params> check_params(const ChannelCall& call, const Definition& definition) {
  if (call.params_are_json) return definition.params_schema->check_json(call.params);
  const Result<std::vector<QueryPair>> pairs = split_query(call.params);
  if (!pairs) return std::unexpected(pairs.error());
  return definition.params_schema->check_text(params_text(*pairs));
}

}  // namespace

Result<ChannelTarget> resolve_channel(const ChannelCall& call,
                                      const std::shared_ptr<const DefinitionSet>& definitions) {
  if (call.name.size() > limits::kChannelNameMax) {
    return fail_at(&LimitCounters::channel_name_max, ErrorCode::ChannelUnknown);
  }
  const Definition* definition =
      is_channel_name(call.name) ? definitions->find(call.name) : nullptr;
  if (definition == nullptr) return fail(ErrorCode::ChannelUnknown);
  Result<Params> params = check_params(call, *definition);
  if (!params) return std::unexpected(std::move(params.error()));
  const Params partition = definition->partition_of(*params);
  return ChannelTarget{.definitions = definitions,
                       .definition = definition,
                       .params = std::move(*params),
                       .channel = {.app = call.app,
                                   .name = call.name,
                                   .key = make_channel_key(call.name, partition),
                                   .params_json = params_json(partition)}};
}

Credentials credentials_of(const ClientRequest& request, const Definition& definition) {
  Credentials credentials;
  credentials.ip = request.ip;
  if (!definition.auth) return credentials;
  if (const auto& name = definition.auth->header_name) {
    if (const std::string* value = request.header(*name)) {
      credentials.header = parse_credential(*value);
    }
  }
  if (const auto& name = definition.auth->cookie_name) credentials.cookie = request.cookie(*name);
  return credentials;
}

AuthorizeCall make_authorize_call(const ChannelTarget& target, Operation operation,
                                  const Credentials& credentials) {
  return {.app = target.channel.app,
          .channel = target.channel.name,
          .key = target.channel.key,
          .operation = operation,
          .params = target.params,
          .header = credentials.header,
          .cookie = credentials.cookie,
          .ip = credentials.ip};
}

bool has_right(const Grant& grant, Operation operation) {
  if (!grant.rights) return true;
  const auto names = [&grant](Operation right) {
    return std::ranges::find(*grant.rights, to_string(right)) != grant.rights->end();
  };
  return names(operation) || (operation == Operation::Connect && names(Operation::Subscribe));
}

}  // namespace tako::edge
