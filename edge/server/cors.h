// CORS: which origin may read an answer (protocol document, SSE); never `*`, never without Vary.
#pragma once

#include "common/http/headers.h"
#include "edge/session/client.h"
#include "edge/session/origin_policy.h"

namespace tako::edge {

// Adds what every answer carries: Vary: Origin, and for an allowed origin that origin, credentials,
// and the headers that its script may read.
void add_cors(http::Headers& headers, const ClientRequest& request, const OriginPolicy& policy);
// What a preflight (OPTIONS) of an allowed origin adds to that.
void add_preflight(http::Headers& headers);

}  // namespace tako::edge
