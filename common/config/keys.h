// The one table of configuration keys: options, TOML, environment, help and printing come from it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/config/value.h"

namespace tako::config {

enum class Users : std::uint8_t { Broker, Edge, Both };

struct KeySpec {
  std::string section;  // of the file; "" stands at its top
  std::string name;
  Users users = Users::Both;
  std::string option;  // "--listen"; "" has none (a limit is set by --limit)
  std::string metavar;
  std::string help;
  Rule rule;
  std::function<Slot(Config&)> slot;

  [[nodiscard]] std::string path() const { return section.empty() ? name : section + "." + name; }
  // TAKO_LISTEN; with the section for those that several sections could have: TAKO_LOG_LEVEL.
  [[nodiscard]] std::string environment() const;
  [[nodiscard]] bool is_for(Program program) const;
};

// Every key but those of [[apps]] (app_keys.h), in the order in which they are printed.
[[nodiscard]] const std::vector<KeySpec>& key_specs();

// A member of an [[apps]] table; `keys` and `limits` have shapes of their own (file.cc).
struct AppKeySpec {
  std::string name;
  Users users = Users::Both;
  std::string help;
  Rule rule;
  std::function<Slot(AppConfig&)> slot;
};
[[nodiscard]] const std::vector<AppKeySpec>& app_key_specs();

}  // namespace tako::config
