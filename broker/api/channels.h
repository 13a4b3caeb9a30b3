// GET /v1/channels and GET /v1/stats: what an app has, in numbers.
#pragma once

#include "broker/api/route.h"
#include "broker/channel/api_handler.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/publisher.h"

namespace tako::broker {

// {"channels":[{"channel","params","subscribers","messages","key"}],"next"}: by key, at most
// `_limit` (1,000); `next` is the `_after` of the following page, null at the end. `_prefix` takes
// only channels whose name begins so.
[[nodiscard]] ApiAnswer channels_answer(const Route& route, const ApiRequest& request,
                                        ChannelTable& channels);

// {"version","uptimeMs","ack","definitionsVersion","channels","subscribers","messages"} of the app,
// and of the whole log {"bytes","bytesMax"}.
struct StatsInput {
  ChannelTable& channels;
  const DefinitionsRegistry& definitions;
  const Publisher& publisher;
  std::int64_t uptime_ms = 0;
};
[[nodiscard]] ApiAnswer stats_answer(const ApiRequest& request, const StatsInput& input);

}  // namespace tako::broker
