// Brings options, environment, file and defaults together (in this precedence) and checks the
// whole.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "common/config/config.h"
#include "common/config/file.h"
#include "common/config/options.h"

namespace tako::config {

using Environment = std::map<std::string, std::string>;

struct Loaded {
  Config config;
  Sources sources;
  Problems warnings;  // what is odd, but no reason to refuse
};

// Reads the file and the files it names that `program` needs. Errors: all that is wrong, not only
// the first.
[[nodiscard]] std::expected<Loaded, Problems> load(Program program, const Options& options,
                                                   const Environment& environment);

// The TAKO_* variables of this process. An empty one counts as not set.
[[nodiscard]] Environment process_environment();

}  // namespace tako::config
