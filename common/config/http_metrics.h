// The bounds of HTTP servers and of pools towards apps, as series of tako_limit_hits_total.
#pragma once

#include "common/config/metrics.h"
#include "common/http/client_pool.h"
#include "common/http/server_connection.h"

namespace tako {

// Once per server and per pool; the series add up. The counters outlive `metrics`.
void register_http_limits(Metrics& metrics, const http::ServerCounters& counters);
void register_upstream_limits(Metrics& metrics, const http::ClientPoolCounters& counters);

}  // namespace tako
