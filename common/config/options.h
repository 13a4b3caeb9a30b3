// The command line of a program, made from the key table.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "common/config/config.h"

namespace tako::config {

enum class Action : std::uint8_t { Run, CheckConfig, PrintConfig, Version, Help };

struct Options {
  Action action = Action::Run;
  std::string config_file = {};                                 // --config; "": not given
  std::map<std::string, std::vector<std::string>> values = {};  // by key path, as given
  std::string help = {};                                        // with Action::Help
  bool takeover = false;                                        // --takeover (edge)
};

// `arguments` without the program's own name. Errors: what is wrong, and the nearest known option.
[[nodiscard]] std::expected<Options, std::string> parse_options(
    Program program, const std::vector<std::string>& arguments);

}  // namespace tako::config
