// What both programs do first: read the configuration, or answer a question about it and end.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/config/load.h"

namespace tako::config {

struct StartUp {
  std::optional<Loaded> loaded;  // none: end with `exit_code`
  int exit_code = 0;             // 0, or 2 when the configuration is wrong
};

// For main: `start_up(Program::Edge, {argv + 1, argv + argc}, process_environment(), …)`.
// --help, --version and --print-config answer on `out`, what is wrong goes to `errors`. Warnings
// are for the log of a program that runs; --check-config prints them.
[[nodiscard]] StartUp start_up(Program program, const std::vector<std::string>& arguments,
                               const Environment& environment, std::ostream& out,
                               std::ostream& errors);

}  // namespace tako::config
