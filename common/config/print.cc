// Prints a configuration.
#include "common/config/print.h"

#include "common/config/keys.h"
#include "common/config/limit_keys.h"

namespace tako::config {
namespace {

std::string source_of(const Loaded& loaded, const std::string& path) {
  const auto found = loaded.sources.find(path);
  return found == loaded.sources.end() || found->second.empty() ? "default" : found->second;
}

void append_line(std::string& out, const std::string& name, const std::string& value,
                 const std::string& source) {
  out += name + " = " + value + "  # " + source + "\n";
}

std::string masked_keys(const AppConfig& app) {
  std::string out = "[";
  for (const AppKey& pair : app.keys) {
    if (out.size() > 1) out += ", ";
    out += "{ key = " + toml_string(pair.key) + ", secret = \"***\" }";
  }
  return out + "]";
}

bool is_for(Users users, Program program) {
  return users == Users::Both || (users == Users::Broker) == (program == Program::Broker);
}

void append_app(std::string& out, Program program, const Loaded& loaded, std::size_t index) {
  AppConfig app = loaded.config.apps[index];
  const std::string path = "apps[" + std::to_string(index) + "].";
  out += "\n[[apps]]\n";
  for (const AppKeySpec& spec : app_key_specs()) {
    if (!is_for(spec.users, program)) continue;
    append_line(out, spec.name, to_toml(spec.slot(app)), source_of(loaded, path + spec.name));
  }
  append_line(out, "keys", masked_keys(app), source_of(loaded, path + "keys"));
  for (const LimitKey& key : limit_keys()) {
    const std::string name = "limits." + std::string(key.name);
    if (!loaded.sources.contains(path + name)) continue;
    append_line(out, name, to_toml(key.slot(app.limits)), source_of(loaded, path + name));
  }
}

}  // namespace

std::string print_config(Program program, const Loaded& loaded) {
  Config config = loaded.config;
  std::string out;
  std::string section;
  for (const KeySpec& spec : key_specs()) {
    if (!spec.is_for(program)) continue;
    if (spec.section != section) {
      section = spec.section;
      out += (out.empty() ? "[" : "\n[") + section + "]\n";
    }
    append_line(out, spec.name, to_toml(spec.slot(config)), source_of(loaded, spec.path()));
  }
  for (std::size_t index = 0; index < config.apps.size(); ++index) {
    append_app(out, program, loaded, index);
  }
  return out;
}

}  // namespace tako::config
