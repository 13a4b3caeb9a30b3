// The origin is echoed whole, only after the policy has compared it whole.
#include "edge/server/cors.h"

namespace tako::edge {

void add_cors(http::Headers& headers, const ClientRequest& request, const OriginPolicy& policy) {
  headers.add("Vary", "Origin");
  if (!policy.allows_origin(request)) return;
  headers.add("Access-Control-Allow-Origin", *request.header("origin"));
  headers.add("Access-Control-Allow-Credentials", "true");
  headers.add("Access-Control-Expose-Headers", "Retry-After");
}

void add_preflight(http::Headers& headers) {
  headers.add("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  headers.add("Access-Control-Allow-Headers",
              "authorization, last-event-id, content-type, idempotency-key");
  headers.add("Access-Control-Max-Age", "600");
}

}  // namespace tako::edge
