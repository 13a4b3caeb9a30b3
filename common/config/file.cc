// Walks the TOML document along the key table. The only file that knows toml++.
#include "common/config/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "common/config/checks.h"
#include "common/config/keys.h"
#include "common/config/limit_keys.h"
#include "common/config/nearest.h"

namespace tako::config {

struct ConfigFile::Document {
  std::string name;
  toml::table root;
};

namespace {

// What the file can be wrong about, collected with its lines.
struct Reader {
  const std::string& name;
  Sources& sources;
  Problems& problems;

  [[nodiscard]] std::string at(const toml::source_region& source) const {
    return name + ":" + std::to_string(source.begin.line);
  }
  void report(const toml::source_region& source, const std::string& text) {
    problems.push_back(at(source) + ": " + text);
  }
  void report_unknown(const toml::key& key, const std::string& path,
                      const std::vector<std::string>& known) {
    const auto meant = nearest(path, known);
    report(key.source(), "unknown key '" + path + "'" +
                             (meant ? "; did you mean '" + *meant + "'?" : std::string()));
  }
};

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

template <typename Element>
std::optional<Value> list_value(const toml::array& array) {
  std::vector<Element> elements;
  for (const toml::node& node : array) {
    const auto element = node.value_exact<Element>();
    if (!element) return std::nullopt;
    elements.push_back(*element);
  }
  return elements;
}

// nullopt: the node is of another type than the key wants.
std::optional<Value> value_of(const toml::node& node, Kind kind) {
  if (kind == Kind::Text) return node.value_exact<std::string>();
  if (kind == Kind::Integer) return node.value_exact<std::int64_t>();
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  return kind == Kind::TextList ? list_value<std::string>(*array)
                                : list_value<std::int64_t>(*array);
}

void set_from(const toml::node& node, const std::string& path, const Slot& slot, const Rule& rule,
              Reader& reader) {
  const Kind kind = kind_of(slot);
  const std::optional<Value> value = value_of(node, kind);
  if (!value) {
    reader.report(node.source(),
                  path + ": expected " + expectation(kind, rule) + ", got " + type_name(node));
    return;
  }
  if (const auto done = set(slot, rule, *value); !done) {
    reader.report(node.source(), path + ": " + done.error());
    return;
  }
  reader.sources[path] = reader.at(node.source());
}

const KeySpec* find_key(std::string_view section, std::string_view name) {
  for (const KeySpec& spec : key_specs()) {
    if (spec.section == section && spec.name == name) return &spec;
  }
  return nullptr;
}

bool is_section(std::string_view name) {
  return std::ranges::any_of(key_specs(),
                             [&](const KeySpec& spec) { return spec.section == name; });
}

std::vector<std::string> known_paths() {
  std::set<std::string> known{"apps"};
  for (const KeySpec& spec : key_specs()) {
    known.insert(spec.path());
    known.insert(spec.section.empty() ? spec.name : spec.section);
  }
  return {known.begin(), known.end()};
}

void apply_section(const toml::table& table, const std::string& section, Config& config,
                   Reader& reader) {
  for (const auto& [key, node] : table) {
    const std::string path = section + "." + std::string(key.str());
    const KeySpec* spec = find_key(section, key.str());
    if (spec == nullptr) {
      reader.report_unknown(key, path, known_paths());
    } else {
      set_from(node, path, spec->slot(config), spec->rule, reader);
    }
  }
}

// ---- [[apps]]

const std::vector<std::string>& app_member_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"keys", "limits"};
    for (const AppKeySpec& spec : app_key_specs()) all.push_back(spec.name);
    return all;
  }();
  return names;
}

void apply_app_key(const toml::node& node, const std::string& path, AppConfig& app,
                   Reader& reader) {
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    reader.report(node.source(),
                  path + ": expected {key = \"…\", secret = \"…\"}, got " + type_name(node));
    return;
  }
  AppKey pair;
  const std::vector<std::string> known{"key", "secret"};
  for (const auto& [name, value] : *table) {
    const std::string member = path + "." + std::string(name.str());
    if (name.str() == "key") {
      set_from(value, member, Slot(&pair.key), {check_key}, reader);
    } else if (name.str() == "secret") {
      // Not set_from(): its problem would quote the secret.
      const auto secret = value.value_exact<std::string>();
      const std::string expected = check_secret(secret.value_or(""));
      if (!expected.empty()) reader.report(value.source(), member + ": expected " + expected);
      pair.secret = secret.value_or("");
    } else {
      reader.report_unknown(name, std::string(name.str()), known);
    }
  }
  if (!table->contains("key") || !table->contains("secret")) {
    reader.report(node.source(), path + ": needs both key and secret");
  }
  app.keys.push_back(std::move(pair));
}

void apply_app_keys(const toml::node& node, const std::string& path, AppConfig& app,
                    Reader& reader) {
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    reader.report(node.source(), path + ": expected a list of {key = \"…\", secret = \"…\"}, got " +
                                     type_name(node));
    return;
  }
  for (std::size_t index = 0; index < array->size(); ++index) {
    apply_app_key(*array->get(index), path + "[" + std::to_string(index) + "]", app, reader);
  }
  reader.sources[path] = reader.at(node.source());
}

std::int64_t number_at(const Slot& slot) {
  const auto* size = std::get_if<std::size_t*>(&slot);
  return size != nullptr ? static_cast<std::int64_t>(**size) : *std::get<std::int64_t*>(slot);
}

void apply_app_limits(const toml::node& node, const std::string& path, AppConfig& app,
                      Reader& reader) {
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    reader.report(node.source(), path + ": expected a table of limits, got " + type_name(node));
    return;
  }
  std::vector<std::string> known;
  for (const LimitKey& key : limit_keys()) {
    if (key.scope == LimitScope::App) known.emplace_back(key.name);
  }
  for (const auto& [name, value] : *table) {
    const auto key = std::ranges::find(limit_keys(), name.str(), &LimitKey::name);
    if (key == limit_keys().end()) {
      reader.report_unknown(name, std::string(name.str()), known);
    } else if (key->scope != LimitScope::App) {
      reader.report(name.source(), path + "." + std::string(name.str()) +
                                       ": is the same for all apps; set it under [limits]");
    } else {
      // A share of what all apps together may take, never more: some bounds are held for all.
      Rule rule = key->rule();
      rule.max = std::min(rule.max, number_at(key->slot(app.limits)));
      set_from(value, path + "." + std::string(name.str()), key->slot(app.limits), rule, reader);
    }
  }
}

void apply_app(const toml::table& table, const std::string& path, AppConfig& app, Reader& reader) {
  for (const auto& [key, node] : table) {
    const std::string member = path + "." + std::string(key.str());
    const auto spec = std::ranges::find(app_key_specs(), key.str(), &AppKeySpec::name);
    if (spec != app_key_specs().end()) {
      set_from(node, member, spec->slot(app), spec->rule, reader);
    } else if (key.str() == "keys") {
      apply_app_keys(node, member, app, reader);
    } else if (key.str() == "limits") {
      apply_app_limits(node, member, app, reader);
    } else if (find_key("", key.str()) != nullptr) {
      reader.report(key.source(),
                    "'" + std::string(key.str()) +
                        "' stands at the top of the file, before the first [section]");
    } else {
      reader.report_unknown(key, std::string(key.str()), app_member_names());
    }
  }
  if (!table.contains("id")) reader.report(table.source(), path + ": needs an id");
}

}  // namespace

ConfigFile::ConfigFile(std::unique_ptr<Document> document) : document_(std::move(document)) {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

std::expected<ConfigFile, std::string> ConfigFile::read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || text.bad())
    return std::unexpected(path + ": can't be read: " + std::strerror(errno));
  return parse(text.str(), path);
}

std::expected<ConfigFile, std::string> ConfigFile::parse(std::string_view text, std::string name) {
  toml::parse_result result = toml::parse(text, name);
  if (!result) {
    const toml::parse_error& error = result.error();
    return std::unexpected(name + ":" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
  return ConfigFile(
      std::make_unique<Document>(Document{std::move(name), std::move(result).table()}));
}

void ConfigFile::apply_keys(Config& config, Sources& sources, Problems& problems) const {
  Reader reader{document_->name, sources, problems};
  for (const auto& [key, node] : document_->root) {
    const std::string name(key.str());
    if (name == "apps") continue;
    if (const KeySpec* spec = find_key("", name); spec != nullptr) {
      set_from(node, name, spec->slot(config), spec->rule, reader);
    } else if (!is_section(name)) {
      reader.report_unknown(key, name, known_paths());
    } else if (const toml::table* section = node.as_table(); section == nullptr) {
      reader.report(node.source(), name + ": expected a section, got " + type_name(node));
    } else {
      apply_section(*section, name, config, reader);
    }
  }
}

void ConfigFile::apply_apps(Config& config, Sources& sources, Problems& problems) const {
  Reader reader{document_->name, sources, problems};
  const toml::node* node = document_->root.get("apps");
  if (node == nullptr) return;
  const toml::array* tables = node->as_array();
  if (tables == nullptr || !tables->is_homogeneous<toml::table>()) {
    reader.report(node->source(), "apps: expected tables [[apps]], got " + type_name(*node));
    return;
  }
  for (const toml::node& table : *tables) {
    AppConfig app;
    app.limits = config.limits;
    const std::string path = "apps[" + std::to_string(config.apps.size()) + "]";
    apply_app(*table.as_table(), path, app, reader);
    config.apps.push_back(std::move(app));
  }
}

}  // namespace tako::config
