// Prints what is configured, and what can be.
#pragma once

#include <string>

#include "common/config/load.h"

namespace tako::config {

// Every value that `program` uses as `key = value  # source`, in the file's own form (a file with
// this text configures the same, but for secrets, which are masked).
[[nodiscard]] std::string print_config(Program program, const Loaded& loaded);

// The table of all keys for the documentation, in Markdown.
[[nodiscard]] std::string keys_table();

}  // namespace tako::config
