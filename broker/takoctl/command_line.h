// takoctl's command line: parses it and runs the command.
#pragma once

#include <string>
#include <vector>

#include "broker/takoctl/commands.h"

namespace tako::takoctl {

// `arguments` without the program's own name. Returns the exit code.
[[nodiscard]] int run(const std::vector<std::string>& arguments, Terminal terminal);

}  // namespace tako::takoctl
