// ConfigFile: the TOML file as settings of the key table, each with its line; says what is wrong.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"

namespace tako::config {

// Where a value came from, by its path ("edge.listen", "apps[0].hosts"); absent: the default.
using Sources = std::map<std::string, std::string>;
// What is wrong, each a line for a person: "tako.toml:3: …".
using Problems = std::vector<std::string>;

class ConfigFile {
 public:
  [[nodiscard]] static std::expected<ConfigFile, std::string> read(const std::string& path);
  // `name` stands in front of lines in problems and sources.
  [[nodiscard]] static std::expected<ConfigFile, std::string> parse(std::string_view text,
                                                                    std::string name);
  ConfigFile(ConfigFile&&) noexcept;
  ConfigFile& operator=(ConfigFile&&) noexcept;
  ~ConfigFile();

  // Sets every key of the table that the file has, the other program's too (they are checked, and
  // read by nobody). Unknown keys become problems.
  void apply_keys(Config& config, Sources& sources, Problems& problems) const;
  // Appends the file's [[apps]]; their limits begin as config.limits, so that is complete by now.
  void apply_apps(Config& config, Sources& sources, Problems& problems) const;

 private:
  struct Document;
  explicit ConfigFile(std::unique_ptr<Document> document);
  std::unique_ptr<Document> document_;
};

}  // namespace tako::config
