// What --help, --version, --check-config and --print-config answer.
#include "common/config/start_up.h"

#include <doctest/doctest.h>

#include <sstream>

#include "common/config/keys.h"
#include "common/config/print.h"
#include "common/config/version.h"
#include "tests/support/temp_dir.h"

namespace tako::config {
namespace {

struct Answer {
  StartUp start;
  std::string out;
  std::string errors;
};

Answer ask(Program program, const std::vector<std::string>& arguments,
           const Environment& environment = {}) {
  std::ostringstream out;
  std::ostringstream errors;
  StartUp start = start_up(program, arguments, environment, out, errors);
  return {.start = std::move(start), .out = out.str(), .errors = errors.str()};
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("a right configuration lets the program run and prints nothing") {
  const Answer answer = ask(Program::Edge, {"--name", "left"});
  REQUIRE(answer.start.loaded.has_value());
  CHECK(answer.start.loaded->config.edge.name == "left");
  CHECK(answer.out.empty());
  CHECK(answer.errors.empty());
}

TEST_CASE("a wrong configuration ends with 2 and every reason") {
  const Answer answer = ask(Program::Edge, {"--workers", "0", "--drain-ms", "-1"});
  CHECK_FALSE(answer.start.loaded.has_value());
  CHECK(answer.start.exit_code == 2);
  CHECK(answer.errors.find("--workers") != std::string::npos);
  CHECK(answer.errors.find("--drain-ms") != std::string::npos);
  CHECK(ask(Program::Edge, {"--nme", "x"}).start.exit_code == 2);
}

TEST_CASE("--check-config ends with 0 or 2 and says which") {
  const Answer right = ask(Program::Broker, {"--check-config"});
  CHECK_FALSE(right.start.loaded.has_value());
  CHECK(right.start.exit_code == 0);
  CHECK(right.out == "the configuration is right\n");
  CHECK(ask(Program::Broker, {"--check-config", "--log", "paper"}).start.exit_code == 2);
}

TEST_CASE("--help names every option of the program, and only those") {
  for (const Program program : {Program::Broker, Program::Edge}) {
    const Answer answer = ask(program, {"--help"});
    CHECK(answer.start.exit_code == 0);
    CHECK_FALSE(answer.start.loaded.has_value());
    for (const KeySpec& spec : key_specs()) {
      if (spec.option.empty()) continue;
      CAPTURE(spec.path());
      CHECK((answer.out.find("[" + spec.path() + ",") != std::string::npos) ==
            spec.is_for(program));
    }
  }
}

TEST_CASE("--version names the program and its version") {
  CHECK(ask(Program::Edge, {"--version"}).out.starts_with("tako-edge " + std::string(version())));
}

TEST_CASE("--print-config shows each value with its source, and masks secrets") {
  test::TempDir folder;
  const std::string file = folder.write("tako.toml",
                                        "[edge]\nname = \"n\"\n[[apps]]\nid = \"a\"\n"
                                        "keys = [{ key = \"k\", secret = \"hush\" }]\n"
                                        "limits = { batch_messages_max = 7 }\n");
  const Answer answer = ask(Program::Edge, {"--config", file, "--drain-ms", "1", "--print-config"},
                            {{"TAKO_LIMITS_FEEDS_MAX", "9"}});
  CHECK(answer.start.exit_code == 0);
  CHECK(has_line(answer.out, "name = \"n\"  # " + file + ":2"));
  CHECK(has_line(answer.out, "drain_ms = 1  # option --drain-ms"));
  CHECK(has_line(answer.out, "feeds_max = 9  # environment TAKO_LIMITS_FEEDS_MAX"));
  CHECK(has_line(answer.out, "workers = 1  # default"));
  CHECK(has_line(answer.out, "keys = [{ key = \"k\", secret = \"***\" }]  # " + file + ":5"));
  CHECK(has_line(answer.out, "limits.batch_messages_max = 7  # " + file + ":6"));
  CHECK(answer.out.find("hush") == std::string::npos);
  CHECK(answer.out.find("data_dir") == std::string::npos);
}

TEST_CASE("what --print-config prints is itself a configuration file with the same values") {
  test::TempDir folder;
  for (const Program program : {Program::Broker, Program::Edge}) {
    const Answer first = ask(program, {"--print-config", "--limit", "feeds_max=11"});
    const std::string file = folder.write("printed.toml", first.out);
    const Answer second = ask(program, {"--config", file, "--print-config"});
    CHECK(second.errors.empty());
    std::istringstream before(first.out);
    std::istringstream after(second.out);
    for (std::string left, right; std::getline(before, left) && std::getline(after, right);) {
      CHECK(left.substr(0, left.find("  #")) == right.substr(0, right.find("  #")));
    }
  }
}

}  // namespace
}  // namespace tako::config
