// Which counter of common/http stands for which bound.
#include "common/config/http_metrics.h"

namespace tako {

void register_http_limits(Metrics& metrics, const http::ServerCounters& counters) {
  metrics.limit("http_connections_max", counters.connections_refused);
  metrics.limit("http_head_bytes_max", counters.heads_too_large);
  metrics.limit("http_headers_max", counters.headers_too_many);
  metrics.limit("http_url_bytes_max", counters.urls_too_long);
  metrics.limit("http_head_ms", counters.head_timeouts);
  metrics.limit("http_idle_ms", counters.idle_timeouts);
  metrics.limit("http_body_progress_ms", counters.body_timeouts);
  metrics.limit("http_write_progress_ms", counters.write_timeouts);
  metrics.limit("http_refusing_max", counters.connections_untold);
  metrics.limit("http_chunk_overhead_bytes_max", counters.chunks_too_wordy);
  metrics.limit("http_pipeline_bytes_max", counters.pipelines_full);
  metrics.limit("http_write_high_bytes", counters.write_pauses);
  metrics.limit("http_discard_bytes_max", counters.bodies_too_long);
  metrics.limit("http_linger_bytes_max", counters.linger_floods);
  metrics.limit("http_linger_ms", counters.linger_timeouts);
  metrics.limit("accepts_per_turn", counters.listening.turns_full);
  metrics.limit("accept_retry_ms", counters.listening.descriptors_exhausted);
}

void register_upstream_limits(Metrics& metrics, const http::ClientPoolCounters& counters) {
  metrics.limit("upstream_connections_max", counters.full_turns);
  metrics.limit("upstream_idle_max", counters.idle_closed);
  metrics.limit("upstream_waiting_max", counters.waiting_refused);
  metrics.limit("upstream_connect_ms", counters.connect_timeouts);
  metrics.limit("upstream_wait_ms", counters.wait_timeouts);
  metrics.limit("upstream_head_ms", counters.head_timeouts);
  metrics.limit("http_write_progress_ms", counters.write_timeouts);
  metrics.limit("http_write_high_bytes", counters.write_pauses);
  metrics.limit("upstream_idle_ms", counters.idle_expired);
}

}  // namespace tako
