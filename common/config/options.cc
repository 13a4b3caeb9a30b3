// Builds a CLI11 app from the key table and collects what was given. The only file that knows
// CLI11.
#include "common/config/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/config/keys.h"
#include "common/config/limit_keys.h"
#include "common/config/nearest.h"

namespace tako::config {
namespace {

// What CLI11 writes into while it parses.
struct Given {
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> limits;  // NAME=VALUE
  std::string config_file;
  bool checks = false;
  bool prints = false;
  bool shows_version = false;
  bool takes_over = false;
};

std::string help_of(const KeySpec& spec) {
  Config defaults;
  const Slot slot = spec.slot(defaults);
  const std::string value = to_toml(slot);
  const std::string shown = value == "\"\"" || value == "[]" ? "" : "; default " + value;
  return spec.help + " [" + spec.path() + ", " + spec.environment() + shown + "]";
}

void add_key(CLI::App& app, const KeySpec& spec, Given& given) {
  Config defaults;
  const Kind kind = kind_of(spec.slot(defaults));
  CLI::Option* option = app.add_option(spec.option, given.values[spec.path()], help_of(spec));
  option->type_name(spec.metavar);
  option->allow_extra_args(false);
  if (kind == Kind::TextList) {
    option->take_all();
  } else {
    option->expected(1);
  }
}

void build(CLI::App& app, Program program, Given& given) {
  app.allow_extras();
  app.add_option("--config", given.config_file, "TOML file [TAKO_CONFIG]")->type_name("FILE");
  for (const KeySpec& spec : key_specs()) {
    if (spec.is_for(program) && !spec.option.empty()) add_key(app, spec, given);
  }
  app.add_option(
         "--limit", given.limits,
         "changes one limit; repeatable [limits.NAME, TAKO_LIMITS_NAME; names and defaults: "
         "--print-config]")
      ->type_name("NAME=N")
      ->allow_extra_args(false)
      ->take_all();
  if (program == Program::Edge) {
    app.add_flag("--takeover", given.takes_over,
                 "takes over clients and listening sockets of the running edge of this name; with "
                 "none it starts as ever");
  }
  app.add_flag("--check-config", given.checks, "checks options, environment and file, and ends");
  app.add_flag("--print-config", given.prints,
               "prints every value and where it came from, and ends");
  app.add_flag("--version", given.shows_version, "prints the version, and ends");
}

std::string unknown_option(const CLI::App& app, const std::string& extra) {
  if (!extra.starts_with('-')) return "unexpected argument '" + extra + "'";
  std::vector<std::string> known{"--help"};
  for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
  const std::string word = extra.substr(0, extra.find('='));
  const auto meant = nearest(word, known);
  return "unknown option '" + word + "'" + (meant ? "; did you mean '" + *meant + "'?" : "");
}

std::expected<void, std::string> add_limits(Options& options,
                                            const std::vector<std::string>& given) {
  std::vector<std::string> known;
  for (const LimitKey& key : limit_keys()) known.emplace_back(key.name);
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos) {
      return std::unexpected("--limit " + text + ": expected NAME=N");
    }
    if (std::ranges::find(known, name) == known.end()) {
      const auto meant = nearest(name, known);
      return std::unexpected("--limit: unknown limit '" + name + "'" +
                             (meant ? "; did you mean '" + *meant + "'?" : ""));
    }
    options.values["limits." + name] = {text.substr(equals + 1)};
  }
  return {};
}

Action action_of(const Given& given) {
  if (given.shows_version) return Action::Version;
  if (given.prints) return Action::PrintConfig;
  return given.checks ? Action::CheckConfig : Action::Run;
}

}  // namespace

std::expected<Options, std::string> parse_options(Program program,
                                                  const std::vector<std::string>& arguments) {
  CLI::App app("", std::string(to_string(program)));
  Given given;
  build(app, program, given);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return Options{.action = Action::Help, .help = app.help()};
  } catch (const CLI::ParseError& error) {
    return std::unexpected(std::string(error.what()));
  }
  if (const auto extras = app.remaining(); !extras.empty()) {
    return std::unexpected(unknown_option(app, extras.front()));
  }
  Options options{.action = action_of(given), .config_file = given.config_file};
  options.takeover = given.takes_over;
  for (auto& [path, texts] : given.values) {
    if (!texts.empty()) options.values[path] = std::move(texts);
  }
  if (auto added = add_limits(options, given.limits); !added) {
    return std::unexpected(added.error());
  }
  return options;
}

}  // namespace tako::config
