// Runs the part of the programs that ends before anything is opened.
#include "common/config/start_up.h"

#include <ostream>

#include "common/config/options.h"
#include "common/config/print.h"
#include "common/config/version.h"

namespace tako::config {
namespace {

constexpr int kExitUsage = 2;

StartUp refuse(Program program, const Problems& problems, std::ostream& errors) {
  for (const std::string& problem : problems)
    errors << to_string(program) << ": " << problem << '\n';
  return {.loaded = std::nullopt, .exit_code = kExitUsage};
}

}  // namespace

StartUp start_up(Program program, const std::vector<std::string>& arguments,
                 const Environment& environment, std::ostream& out, std::ostream& errors) {
  const auto options = parse_options(program, arguments);
  if (!options) {
    return refuse(program, {options.error() + " (--help lists all)"}, errors);
  }
  if (options->action == Action::Help) {
    out << options->help;
    return {};
  }
  if (options->action == Action::Version) {
    out << to_string(program) << ' ' << version_text() << '\n';
    return {};
  }
  auto loaded = load(program, *options, environment);
  if (!loaded) return refuse(program, loaded.error(), errors);
  if (options->action == Action::Run) return {.loaded = std::move(*loaded), .exit_code = 0};
  for (const std::string& warning : loaded->warnings) errors << "warning: " << warning << '\n';
  out << (options->action == Action::PrintConfig ? print_config(program, *loaded)
                                                 : "the configuration is right\n");
  return {};
}

}  // namespace tako::config
