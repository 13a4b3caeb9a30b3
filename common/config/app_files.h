// Reads the files that apps name: secrets for the edge, definitions for the broker.
#pragma once

#include "common/config/config.h"
#include "common/config/load.h"

namespace tako::config {

// Fills AppConfig::secret or ::definitions_json of every app; what is wrong with a file becomes a
// problem, what is unwise a warning.
void read_app_files(Program program, Loaded& loaded, Problems& problems);

}  // namespace tako::config
