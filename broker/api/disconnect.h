// Taking permissions back over the app API: POST …/disconnect.
#pragma once

#include <string_view>

#include "broker/api/route.h"
#include "broker/channel/api_handler.h"
#include "broker/channel/definitions_registry.h"
#include "broker/channel/revoker.h"
#include "common/limit_counters.h"
#include "common/result.h"

namespace tako::broker {

// {"channel"?,"params"?,"reauthorize"?,"banMs"?,"reason"?}; empty: {}. `route`: a subject's or a
// channel's; of a channel "channel", "params" and "banMs" are refused. Errors: BadRequest,
// ChannelUnknown, ParamsInvalid.
[[nodiscard]] Result<RevokeOrder> parse_disconnect(const Route& route, const ApiRequest& request,
                                                   const DefinitionsRegistry& definitions);

// 200 {"subscriptions":n,"pending"?:[edge,…]}.
void disconnect_answer(const Route& route, const ApiRequest& request,
                       const DefinitionsRegistry& definitions, Revoker& revoker,
                       LimitCounters& counters, OnApiAnswer on_answer);

}  // namespace tako::broker
