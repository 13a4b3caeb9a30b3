// Applies the sources of values in order, the last wins.
#include "common/config/load.h"

#include <unistd.h>

#include <algorithm>

#include "common/config/app_files.h"
#include "common/config/keys.h"
#include "common/config/nearest.h"

namespace tako::config {
namespace {

constexpr std::string_view kConfigVariable = "TAKO_CONFIG";
// Of takoctl, and of this project's build.
constexpr std::string_view kOtherVariables[] = {"TAKO_APP", "TAKO_WORKER"};

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t comma = text.find(',', begin);
    std::string part = text.substr(begin, comma - begin);
    const std::size_t first = part.find_first_not_of(' ');
    const std::size_t last = part.find_last_not_of(' ');
    if (first != std::string::npos) parts.push_back(part.substr(first, last - first + 1));
    if (comma == std::string::npos) return parts;
    begin = comma + 1;
  }
}

void set_from_texts(const KeySpec& spec, const std::vector<std::string>& texts,
                    const std::string& source, Loaded& loaded, Problems& problems) {
  const Slot slot = spec.slot(loaded.config);
  const auto value = parse_value(texts, kind_of(slot));
  const auto done = value ? set(slot, spec.rule, *value) : std::unexpected(value.error());
  if (done) {
    loaded.sources[spec.path()] = source;
  } else {
    problems.push_back(source + ": " + done.error());
  }
}

void apply_environment(Program program, const Environment& environment, Loaded& loaded,
                       Problems& problems) {
  for (const KeySpec& spec : key_specs()) {
    const auto found = environment.find(spec.environment());
    if (!spec.is_for(program) || found == environment.end()) continue;
    Config scratch;
    const bool is_list = kind_of(spec.slot(scratch)) == Kind::TextList;
    const auto texts = is_list ? split_list(found->second) : std::vector{found->second};
    set_from_texts(spec, texts, "environment " + found->first, loaded, problems);
  }
}

// Only a warning: others put variables there that we can't know (Kubernetes:
// TAKO_EDGE_SERVICE_HOST).
void warn_of_unknown_variables(const Environment& environment, Problems& warnings) {
  std::vector<std::string> known{std::string(kConfigVariable)};
  known.insert(known.end(), std::begin(kOtherVariables), std::end(kOtherVariables));
  for (const KeySpec& spec : key_specs()) known.push_back(spec.environment());
  for (const auto& [name, value] : environment) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto meant = nearest(name, known);
    if (meant)
      warnings.push_back("environment " + name + ": unknown; did you mean " + *meant + "?");
  }
}

void apply_options(const Options& options, Program program, Loaded& loaded, Problems& problems) {
  for (const KeySpec& spec : key_specs()) {
    const auto found = options.values.find(spec.path());
    if (!spec.is_for(program) || found == options.values.end()) continue;
    const std::string source =
        spec.option.empty() ? "option --limit " + spec.name : "option " + spec.option;
    set_from_texts(spec, found->second, source, loaded, problems);
  }
}

void fill_app_defaults(Loaded& loaded) {
  Config& config = loaded.config;
  if (config.apps.empty()) {
    config.apps.emplace_back().limits = config.limits;
  }
  for (std::size_t index = 0; index < config.apps.size(); ++index) {
    AppConfig& app = config.apps[index];
    const std::string path = "apps[" + std::to_string(index) + "].";
    const auto inherit = [&](std::string& value, const std::string& from, std::string_view member,
                             const std::string& from_path) {
      if (!value.empty() || from.empty()) return;
      value = from;
      loaded.sources[path + std::string(member)] = loaded.sources[from_path];
    };
    inherit(app.upstream, config.edge.upstream, "upstream", "edge.upstream");
    inherit(app.secret_file, config.edge.app_secret_file, "secret_file", "edge.app_secret_file");
  }
}

// Each value of `what` may belong to one app only.
template <typename Values>
void check_unique(const std::vector<AppConfig>& apps, std::string_view what, Values values_of,
                  Problems& problems) {
  std::map<std::string, std::size_t> owners;
  for (std::size_t index = 0; index < apps.size(); ++index) {
    for (const std::string& value : values_of(apps[index])) {
      const auto [first, is_new] = owners.emplace(value, index);
      if (is_new) continue;
      problems.push_back("apps[" + std::to_string(index) + "]: " + std::string(what) + " '" +
                         value + "' is already one of apps[" + std::to_string(first->second) + "]");
    }
  }
}

void check_apps(const std::vector<AppConfig>& apps, Problems& problems) {
  check_unique(apps, "id", [](const AppConfig& app) { return std::vector{app.id}; }, problems);
  check_unique(apps, "host", [](const AppConfig& app) { return app.hosts; }, problems);
  const auto keys_of = [](const AppConfig& app) {
    std::vector<std::string> keys;
    keys.reserve(app.keys.size());
    for (const AppKey& pair : app.keys) keys.push_back(pair.key);
    return keys;
  };
  check_unique(apps, "key", keys_of, problems);
  if (apps.size() < 2) return;
  for (const AppConfig& app : apps) {
    if (app.hosts.empty()) {
      problems.push_back("app '" + app.id + "': needs hosts, because there is more than one app");
    }
  }
}

void check_whole(Program program, const Config& config, Problems& problems) {
  check_apps(config.apps, problems);
  if (program == Program::Edge && config.edge.listen.empty()) {
    problems.push_back("edge.listen: needs at least one address");
  }
  if (program == Program::Broker && config.broker.link == config.broker.app_socket) {
    problems.push_back("broker.link and broker.app_socket: must be two different paths");
  }
}

}  // namespace

std::expected<Loaded, Problems> load(Program program, const Options& options,
                                     const Environment& environment) {
  Loaded loaded;
  Problems problems;
  std::string path = options.config_file;
  if (const auto found = environment.find(std::string(kConfigVariable));
      path.empty() && found != environment.end()) {
    path = found->second;
  }
  std::expected<ConfigFile, std::string> file = ConfigFile::parse("", "");
  if (!path.empty()) file = ConfigFile::read(path);
  if (!file) return std::unexpected(Problems{file.error()});

  file->apply_keys(loaded.config, loaded.sources, problems);
  apply_environment(program, environment, loaded, problems);
  apply_options(options, program, loaded, problems);
  loaded.config.edge.takeover = options.takeover;
  file->apply_apps(loaded.config, loaded.sources, problems);
  fill_app_defaults(loaded);
  check_whole(program, loaded.config, problems);
  if (problems.empty()) read_app_files(program, loaded, problems);
  warn_of_unknown_variables(environment, loaded.warnings);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return loaded;
}

Environment process_environment() {
  Environment result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (!text.starts_with("TAKO_") || equals == std::string_view::npos) continue;
    if (equals + 1 == text.size()) continue;
    result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

}  // namespace tako::config
