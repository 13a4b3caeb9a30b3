// Supervisor: `--workers N` as N edge processes on the same addresses; restarts those that die.
#pragma once

#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/config/log.h"

namespace tako::edge {

// Runs until SIGTERM or SIGINT (passed on to the workers, which drain; a second one kills them).
// Holds each address bound, without listening, so that port 0 means one port for all workers; says
// the addresses on stdout. Worker i is this program again, named NAME.i, its admin address i ports
// higher. Call this before anything starts a thread: it forks. Returns the program's exit status.
[[nodiscard]] int supervise(const std::vector<std::string>& arguments, const config::Config& config,
                            Log& log);

// The worker's command line: ours without the options that differ, and those.
[[nodiscard]] std::vector<std::string> worker_arguments(const std::vector<std::string>& arguments,
                                                        const config::EdgeConfig& config,
                                                        const std::vector<std::string>& bound,
                                                        std::size_t index);

}  // namespace tako::edge
