// GET /v1/channels/<name>/messages: pages of what a channel retains.
#pragma once

#include "broker/api/route.h"
#include "broker/channel/api_handler.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/history.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// `_after`, `_before`, `_until`, `_limit`, `_from`, `_to` of a query; the rest are the channel's
// params. Errors: BadRequest, CursorMalformed.
[[nodiscard]] Result<PageRequest> parse_page_query(std::string_view raw_query,
                                                   const RuntimeLimits& limits,
                                                   LimitCounters& counters);

// {"messages","next","prev"}: cursors for the following and the preceding page, null at the ends.
[[nodiscard]] std::string print_page(const Page& page, std::string_view channel_name);

// 200 with the page, 410 when the cursor can't go on.
void history_answer(const Route& route, const ApiRequest& request, ChannelTable& channels,
                    const DefinitionsRegistry& definitions, const RuntimeLimits& limits,
                    OnApiAnswer on_answer);

}  // namespace tako::broker
