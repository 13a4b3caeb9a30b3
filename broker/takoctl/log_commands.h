// takoctl log: what is in the files of a broker's log; only reads them, also beside the broker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/takoctl/commands.h"

namespace tako::takoctl {

struct LogWords {
  std::string data_dir;     // empty: what the configuration file says, or the broker's default
  std::string config_file;  // empty: none
  std::string app;          // empty: all
  std::string channel;      // a key, or a name; empty: all
  std::string after;        // an id; empty: from the oldest
  std::size_t limit = 0;    // 0: none
  bool is_raw = false;
  bool lists_channels = false;
  bool as_json = false;
};

// Each returns an ExitCode: kExitRefused for damage, or a log that a start would refuse;
// kExitNobodyThere when there is no log, or it can't be read. `now_ms`: since 1970, says what has
// left its window.
[[nodiscard]] int run_log_check(const LogWords& words, Terminal terminal);
[[nodiscard]] int run_log_stats(const LogWords& words, std::int64_t now_ms, Terminal terminal);
[[nodiscard]] int run_log_dump(const LogWords& words, std::int64_t now_ms, Terminal terminal);

}  // namespace tako::takoctl
