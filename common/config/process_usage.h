// What this process uses of the machine, as the kernel tells (proc(5)).
#pragma once

namespace tako::config {

struct ProcessUsage {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double open_fds = 0;
  double max_fds = 0;
  double start_time_seconds = 0;  // since 1970-01-01 UTC
};

// What can't be read stays 0.
[[nodiscard]] ProcessUsage process_usage();

}  // namespace tako::config
