// Reads and checks the files that apps name.
#include "common/config/app_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "common/config/checks.h"
#include "common/definition.h"

namespace tako::config {
namespace {

constexpr std::size_t kShortSecret = 16;  // characters; below, guessing is thinkable

std::expected<std::string, std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || text.bad()) {
    return std::unexpected(path + ": can't be read: " + std::strerror(errno));
  }
  return text.str();
}

// Editors and `echo` end a file with a line feed; it is no part of the secret.
void remove_trailing_space(std::string& text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
}

bool others_may_read(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

void read_secret(AppConfig& app, Loaded& loaded, Problems& problems) {
  auto text = read_text(app.secret_file);
  if (!text) {
    problems.push_back("app '" + app.id + "': secret file " + text.error());
    return;
  }
  remove_trailing_space(*text);
  if (const std::string expected = check_secret(*text); !expected.empty()) {
    problems.push_back("app '" + app.id + "': secret file " + app.secret_file + ": expected " +
                       expected);
    return;
  }
  if (text->size() < kShortSecret) {
    loaded.warnings.push_back(app.secret_file + ": a secret of less than " +
                              std::to_string(kShortSecret) + " characters can be guessed");
  }
  if (others_may_read(app.secret_file)) {
    loaded.warnings.push_back(app.secret_file + ": every user may read it; chmod 0640 would do");
  }
  app.secret = std::move(*text);
}

void read_definitions(AppConfig& app, Problems& problems) {
  auto text = read_text(app.definitions_file);
  if (!text) {
    problems.push_back("app '" + app.id + "': definitions file " + text.error());
    return;
  }
  if (const auto parsed = DefinitionSet::parse(*text); !parsed) {
    problems.push_back(app.definitions_file + ": " + std::string(parsed.error().message()));
    return;
  }
  app.definitions_json = std::move(*text);
}

}  // namespace

void read_app_files(Program program, Loaded& loaded, Problems& problems) {
  for (AppConfig& app : loaded.config.apps) {
    if (program == Program::Edge && !app.secret_file.empty()) read_secret(app, loaded, problems);
    if (program == Program::Broker && !app.definitions_file.empty()) {
      read_definitions(app, problems);
    }
  }
}

}  // namespace tako::config
