// Prints what is configured.
#pragma once

#include <string>

#include "common/config/load.h"

namespace tako::config {

// Every value that `program` uses as `key = value  # source`, in the file's own form (a file with
// this text configures the same, but for secrets, which are masked).
[[nodiscard]] std::string print_config(Program program, const Loaded& loaded);

}  // namespace tako::config
