// GET /v1/channels/<name>/presence: who is in a channel.
#pragma once

#include "broker/api/route.h"
#include "broker/channel/api_handler.h"
#include "broker/channel/definitions_registry.h"
#include "broker/presence/presence_table.h"

namespace tako::broker {

// {"version","connections","subjects","members":[{"subject","info"?,"data"?,"since"}],"next"}: by
// subject, at most `_limit` (100, up to 1,000) behind `_after`; a page of long members ends early.
// `next` is the `_after` of the following page, null at the end.
//
// `_view=client`: as a browser may see it. Where the definition's list is `counts`, `members` is
// empty then; the app sees them always. The edge adds it to what it passes on of its own route (GET
// /_tako/channels/<name>/presence), in place of any that the browser sent; whoever else says it
// only hides members from itself. Errors: PresenceOff, and those of the channel and the options.
[[nodiscard]] ApiAnswer presence_answer(const Route& route, const ApiRequest& request,
                                        PresenceTable& presence,
                                        const DefinitionsRegistry& definitions);

}  // namespace tako::broker
