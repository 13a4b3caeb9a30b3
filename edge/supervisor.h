// Supervisor: `--workers N` as N edge processes on the same addresses; restarts those that die.
#pragma once

#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/config/log.h"

namespace tako::edge {

// Set in a worker's environment; a worker that a successor has replaced, or that was told to leave,
// ends with kExitReplaced.
inline constexpr const char* kWorkerVariable = "TAKO_WORKER";
inline constexpr int kExitReplaced = 3;

// Runs until SIGTERM or SIGINT (passed on to the workers, which drain; a second one kills them).
// Holds each address bound, without listening, so that port 0 means one port for all workers; says
// the addresses on stdout. Worker i is this program again, named NAME.i, its admin address i ports
// higher. Call this before anything starts a thread: it forks. Returns the program's exit status.
//
// SIGUSR2: each worker in turn is taken over by a new one, `program` as it is on disk now; the
// supervisor itself stays. It ends with 0 when another supervisor's workers have taken over all.
[[nodiscard]] int supervise(const std::string& program, const std::vector<std::string>& arguments,
                            const config::Config& config, Log& log);

// The worker's command line: ours without the options that differ, and those.
[[nodiscard]] std::vector<std::string> worker_arguments(const std::vector<std::string>& arguments,
                                                        const config::EdgeConfig& config,
                                                        const std::vector<std::string>& bound,
                                                        std::size_t index);

}  // namespace tako::edge
