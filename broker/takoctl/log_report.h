// Words and JSON for what takoctl log has found.
#pragma once

#include <string>

#include "broker/inspect/log_check.h"
#include "broker/inspect/log_stats.h"

namespace tako::takoctl {

// `path`: of the folder.
[[nodiscard]] std::string check_as_text(const broker::LogCheck& check, const std::string& path);
[[nodiscard]] std::string check_as_json(const broker::LogCheck& check);
[[nodiscard]] std::string stats_as_text(const broker::LogFilesStats& stats, bool lists_channels);
[[nodiscard]] std::string stats_as_json(const broker::LogFilesStats& stats, bool lists_channels);

}  // namespace tako::takoctl
