// How options, environment, file and defaults come together, and what is refused.
#include "common/config/load.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/config/keys.h"
#include "tests/support/temp_dir.h"

namespace tako::config {
namespace {

// A folder with one configuration file, and the loading of it.
struct Setup {
  test::TempDir folder;
  std::string path;
  Environment environment;
  std::vector<std::string> arguments;

  explicit Setup(std::string_view toml = "") : path(folder.write("tako.toml", toml)) {
    arguments = {"--config", path};
  }

  [[nodiscard]] std::expected<Loaded, Problems> load(Program program = Program::Edge) const {
    const auto options = parse_options(program, arguments);
    REQUIRE(options.has_value());
    return config::load(program, *options, environment);
  }
  [[nodiscard]] Loaded loaded(Program program = Program::Edge) const {
    auto result = load(program);
    for (const std::string& problem : result ? Problems{} : result.error()) FAIL_CHECK(problem);
    REQUIRE(result.has_value());
    return std::move(*result);
  }
  // The problems, with the file's name as "F".
  [[nodiscard]] Problems problems(Program program = Program::Edge) const {
    auto result = load(program);
    REQUIRE_FALSE(result.has_value());
    Problems shown = std::move(result.error());
    for (std::string& problem : shown) {
      if (problem.starts_with(path)) problem.replace(0, path.size(), "F");
    }
    return shown;
  }
};

// The one problem of this file.
std::string problem_of(std::string_view toml, Program program = Program::Edge) {
  const Problems problems = Setup(toml).problems(program);
  CHECK(problems.size() == 1);
  return problems.front();
}

bool has_part(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a process may be called as workers are, a label and a number") {
  for (const char* name : {"edge", "web-2", "web.0", "a.b.15"}) {
    CAPTURE(name);
    CHECK(Setup("[edge]\nname = \"" + std::string(name) + "\"\n").loaded().config.edge.name ==
          name);
  }
  for (const char* name : {"", ".0", "web.", "a..b", "Web", "a/b", "-a", "a-.0"}) {
    CAPTURE(name);
    CHECK(has_part(problem_of("[edge]\nname = \"" + std::string(name) + "\"\n"), "between dots"));
  }
}

TEST_CASE("without any source every value is its default, and there is one app") {
  Setup setup;
  setup.arguments.clear();
  const Loaded edge = setup.loaded();
  CHECK(edge.config.edge.listen == std::vector<std::string>{"127.0.0.1:8080"});
  CHECK(edge.config.edge.link == "/run/tako/broker.sock");
  CHECK(edge.config.edge.drain_ms == 5'000);
  CHECK(edge.config.edge.workers == 1);
  CHECK(edge.config.broker.log == "disk");
  CHECK(edge.config.broker.app_socket == "/run/tako/app.sock");
  CHECK(edge.config.limits.outbox_bytes_max == limits::kOutboxBytesMax);
  REQUIRE(edge.config.apps.size() == 1);
  CHECK(edge.config.apps[0].id == "default");
  CHECK(edge.sources.empty());
}

TEST_CASE("an option beats the environment, that the file, that the default") {
  Setup setup("[edge]\ndrain_ms = 1\nname = \"file\"\nworkers = 3\n");
  setup.environment = {{"TAKO_DRAIN_MS", "2"}, {"TAKO_NAME", "environment"}};
  setup.arguments.insert(setup.arguments.end(), {"--drain-ms", "3"});
  const Loaded loaded = setup.loaded();
  CHECK(loaded.config.edge.drain_ms == 3);
  CHECK(loaded.config.edge.name == "environment");
  CHECK(loaded.config.edge.workers == 3);
  CHECK(loaded.sources.at("edge.drain_ms") == "option --drain-ms");
  CHECK(loaded.sources.at("edge.name") == "environment TAKO_NAME");
  CHECK(loaded.sources.at("edge.workers") == setup.path + ":4");
  CHECK_FALSE(loaded.sources.contains("edge.link"));
}

TEST_CASE("every key can be set by each of its sources") {
  for (const Program program : {Program::Broker, Program::Edge}) {
    for (const KeySpec& spec : key_specs()) {
      if (!spec.is_for(program)) continue;
      CAPTURE(spec.path());
      Setup setup;
      Config defaults;
      const Slot slot = spec.slot(defaults);
      // The default itself is a right value; where it is empty, one of the right form is.
      std::string text = to_toml(slot);
      if (const auto* texts = std::get_if<std::vector<std::string>*>(&slot)) {
        text = (*texts)->empty() ? "10.0.0.0/8" : (*texts)->front();
      } else if (const auto* one = std::get_if<std::string*>(&slot)) {
        const bool is_address = spec.name == "admin";
        text = !(*one)->empty() ? **one : is_address ? "127.0.0.1:9" : "unix:/run/x";
        if (spec.name == "app_secret_file") text = setup.folder.write("secret", "0123456789abcdef");
      }
      setup.environment = {{spec.environment(), text}};
      CHECK(setup.loaded(program).sources.at(spec.path()) == "environment " + spec.environment());
      setup.environment.clear();
      const bool is_limit = spec.option.empty();
      setup.arguments = {is_limit ? "--limit" : spec.option,
                         is_limit ? spec.name + "=" + text : text};
      CHECK(setup.loaded(program).sources.at(spec.path()).starts_with("option"));
    }
  }
}

TEST_CASE("lists: the option repeats, the environment separates by commas") {
  Setup setup;
  setup.environment = {{"TAKO_LISTEN", "127.0.0.1:1, [::1]:2"}};
  CHECK(setup.loaded().config.edge.listen == std::vector<std::string>{"127.0.0.1:1", "[::1]:2"});
  setup.arguments = {"--listen", "127.0.0.1:3", "--listen", "127.0.0.1:4"};
  CHECK(setup.loaded().config.edge.listen ==
        std::vector<std::string>{"127.0.0.1:3", "127.0.0.1:4"});
}

TEST_CASE("the file can be named by the environment; a missing one is told") {
  Setup setup("[edge]\nname = \"here\"\n");
  setup.arguments.clear();
  setup.environment = {{"TAKO_CONFIG", setup.path}};
  CHECK(setup.loaded().config.edge.name == "here");
  setup.environment = {{"TAKO_CONFIG", setup.path + ".not"}};
  const auto missing = setup.load();
  REQUIRE_FALSE(missing.has_value());
  CHECK(has_part(missing.error().front(), "No such file"));
}

TEST_CASE("one file serves both programs; each checks the other's section") {
  const std::string file = "[broker]\ndata_dir = \"/d\"\n[edge]\nname = \"n\"\n";
  CHECK(Setup(file).loaded(Program::Broker).config.broker.data_dir == "/d");
  CHECK(Setup(file).loaded(Program::Edge).config.edge.name == "n");
  CHECK(problem_of("[broker]\ndata_dri = \"/d\"\n") ==
        "F:2: unknown key 'broker.data_dri'; did you mean 'broker.data_dir'?");
}

TEST_CASE("an unknown key is refused with its line and the nearest known one") {
  CHECK(problem_of("[edge]\nnmae = \"x\"\n") ==
        "F:2: unknown key 'edge.nmae'; did you mean 'edge.name'?");
  CHECK(problem_of("[limits]\n\noutbox_byte_max = 1\n") ==
        "F:3: unknown key 'limits.outbox_byte_max'; did you mean 'limits.outbox_bytes_max'?");
  CHECK(problem_of("[limit]\noutbox_bytes_max = 1\n") ==
        "F:1: unknown key 'limit'; did you mean 'limits'?");
  CHECK(problem_of("trusted_proxy = []\n") ==
        "F:1: unknown key 'trusted_proxy'; did you mean 'trusted_proxies'?");
  CHECK(problem_of("[edge]\nqqqqqqqqqqqqqqqq = 1\n") == "F:2: unknown key 'edge.qqqqqqqqqqqqqqqq'");
  CHECK(problem_of("[[apps]]\nid = \"a\"\nhost = []\n") ==
        "F:3: unknown key 'host'; did you mean 'hosts'?");
  CHECK(problem_of("[[apps]]\nid = \"a\"\ntrusted_proxies = []\n") ==
        "F:3: 'trusted_proxies' stands at the top of the file, before the first [section]");
}

TEST_CASE("a wrong type or range is refused with line and expectation") {
  CHECK(problem_of("[edge]\nname = 5\n") == "F:2: edge.name: expected a text, got an integer");
  CHECK(problem_of("[edge]\nlisten = \"127.0.0.1:1\"\n") ==
        "F:2: edge.listen: expected a list of texts, got a text");
  CHECK(problem_of("[edge]\nlisten = [1]\n") ==
        "F:2: edge.listen: expected a list of texts, got a list");
  CHECK(problem_of("[edge]\nworkers = \"2\"\n") ==
        "F:2: edge.workers: expected an integer from 1 to 256, got a text");
  CHECK(problem_of("[edge]\nworkers = 2.0\n") ==
        "F:2: edge.workers: expected an integer from 1 to 256, got a fraction");
  CHECK(problem_of("[edge]\nworkers = true\n") ==
        "F:2: edge.workers: expected an integer from 1 to 256, got a boolean");
  CHECK(problem_of("[edge]\nworkers = 1979-05-27\n") ==
        "F:2: edge.workers: expected an integer from 1 to 256, got a date or time");
  CHECK(problem_of("[edge]\nworkers = {}\n") ==
        "F:2: edge.workers: expected an integer from 1 to 256, got a table");
  CHECK(problem_of("[edge]\nworkers = 0\n") ==
        "F:2: edge.workers: expected an integer from 1 to 256, got 0");
  CHECK(problem_of("[edge]\nworkers = 257\n") ==
        "F:2: edge.workers: expected an integer from 1 to 256, got 257");
  CHECK(problem_of("edge = 5\n") == "F:1: edge: expected a section, got an integer");
  CHECK(problem_of("apps = 5\n") == "F:1: apps: expected tables [[apps]], got an integer");
  CHECK(has_part(problem_of("[edge\n"), "F:1: "));
}

TEST_CASE("every limit is refused below its range, above it, and taken at both ends") {
  for (const KeySpec& spec : key_specs()) {
    if (spec.section != "limits") continue;
    CAPTURE(spec.name);
    const auto with = [&](std::int64_t value) {
      return Setup("[limits]\n" + spec.name + " = " + std::to_string(value) + "\n");
    };
    CHECK(with(spec.rule.min).load().has_value());
    CHECK(with(spec.rule.max).load().has_value());
    CHECK_FALSE(with(spec.rule.min - 1).load().has_value());
    CHECK_FALSE(with(spec.rule.max + 1).load().has_value());
    Config defaults;
    const std::int64_t value = std::stoll(to_toml(spec.slot(defaults)));
    CHECK(value >= spec.rule.min);
    CHECK(value <= spec.rule.max);
  }
}

TEST_CASE("texts must have their form") {
  CHECK(has_part(problem_of("[edge]\nlisten = [\"nowhere\"]\n"), "expected ADDR:PORT"));
  CHECK(has_part(problem_of("[edge]\nupstream = \"https://x:1\"\n"), "expected http://HOST:PORT"));
  CHECK(has_part(problem_of("trusted_proxies = [\"10.1.0.0/8\"]\n"), "a block such as 10.0.0.0/8"));
  CHECK(has_part(problem_of("[edge]\nname = \"../x\"\n"), "expected 1-63 characters"));
  CHECK(has_part(problem_of("[edge]\nlink = \"/" + std::string(107, 'x') + "\"\n"),
                 "at most 107 bytes"));
  CHECK(has_part(problem_of("[log]\nformat = \"xml\"\n"), "expected text or json"));
  CHECK(has_part(problem_of("[log]\nlevel = \"loud\"\n"), "expected debug, info"));
}

TEST_CASE("logs and acknowledgements are those there are") {
  CHECK(has_part(problem_of("[broker]\nlog = \"paper\"\n", Program::Broker), "disk or memory"));
  CHECK(has_part(problem_of("[[apps]]\nid = \"a\"\nack = \"maybe\"\n", Program::Broker),
                 "synced or written"));
}

TEST_CASE("options are refused with the nearest known one") {
  const auto problem = [](std::vector<std::string> arguments, Program program = Program::Edge) {
    const auto options = parse_options(program, arguments);
    return options ? std::string("taken") : options.error();
  };
  CHECK(problem({"--lisen", "127.0.0.1:1"}) ==
        "unknown option '--lisen'; did you mean '--listen'?");
  CHECK(problem({"--lisen=127.0.0.1:1"}) == "unknown option '--lisen'; did you mean '--listen'?");
  CHECK(has_part(problem({"--data-dir", "/d"}), "unknown option '--data-dir'"));
  CHECK(problem({"--data-dir", "/d"}, Program::Broker) == "taken");
  CHECK(problem({"something"}) == "unexpected argument 'something'");
  CHECK(has_part(problem({"--listen"}), "--listen"));
  CHECK(has_part(problem({"--name", "a", "--name", "b"}), "--name"));
  CHECK(problem({"--limit", "outbox_byte_max=1"}) ==
        "--limit: unknown limit 'outbox_byte_max'; did you mean 'outbox_bytes_max'?");
  CHECK(problem({"--limit", "outbox_bytes_max"}) == "--limit outbox_bytes_max: expected NAME=N");
}

TEST_CASE("a wrong value names the option or the variable that gave it") {
  Setup setup;
  setup.environment = {{"TAKO_DRAIN_MS", "soon"}};
  setup.arguments = {"--workers", "0x2", "--limit", "feeds_max=0"};
  const Problems problems = setup.problems();
  CHECK(problems ==
        Problems{"environment TAKO_DRAIN_MS: expected an integer from 0 to 3600000, got "
                 "\"soon\"",
                 "option --workers: expected an integer from 1 to 256, got \"0x2\"",
                 "option --limit feeds_max: expected an integer from 1 to 10000000, got 0"});
}

TEST_CASE("an unknown TAKO_ variable that looks like a typo is warned of, another is left alone") {
  Setup setup;
  setup.environment = {{"TAKO_LISTN", "x"}, {"TAKO_EDGE_SERVICE_PORT_HTTP_METRICS", "1"}};
  const Loaded loaded = setup.loaded();
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0] == "environment TAKO_LISTN: unknown; did you mean TAKO_LISTEN?");
}

TEST_CASE("apps have members, defaults from the edge, and limits of their own") {
  Setup setup(R"(
[edge]
upstream = "unix:/run/app.sock"
[limits]
batch_messages_max = 50
[[apps]]
id = "shop"
hosts = ["shop.example"]
keys = [{ key = "k1", secret = "s1" }, { key = "k2", secret = "s2" }]
allowed_origins = ["https://shop.example"]
socket_uids = [0, 1000]
limits = { message_bytes_max = 2048 }
[[apps]]
id = "blog"
hosts = ["blog.example"]
upstream = "http://127.0.0.1:3000"
)");
  const Loaded loaded = setup.loaded();
  REQUIRE(loaded.config.apps.size() == 2);
  const AppConfig& shop = loaded.config.apps[0];
  CHECK(shop.upstream == "unix:/run/app.sock");
  CHECK(shop.keys.size() == 2);
  CHECK(shop.keys[1].secret == "s2");
  CHECK(shop.socket_uids == std::vector<std::uint32_t>{0, 1000});
  CHECK(shop.limits.message_bytes_max == 2048);
  CHECK(shop.limits.batch_messages_max == 50);
  CHECK(loaded.config.apps[1].upstream == "http://127.0.0.1:3000");
  CHECK(loaded.config.apps[1].limits.message_bytes_max == limits::kMessageDataBytesMax);
}

TEST_CASE("what apps get wrong is told with its line, and never with a secret") {
  CHECK(problem_of("[[apps]]\nhosts = []\n") == "F:1: apps[0]: needs an id");
  CHECK(has_part(problem_of("[[apps]]\nid = \"A b\"\n"), "F:2: apps[0].id: expected"));
  CHECK(problem_of("[[apps]]\nid = \"a\"\nkeys = [{ key = \"k\" }]\n") ==
        "F:3: apps[0].keys[0]: needs both key and secret");
  const std::string bad_secret =
      problem_of("[[apps]]\nid = \"a\"\nkeys = [{ key = \"k\", secret = \"hush hush\" }]\n");
  CHECK(has_part(bad_secret, "apps[0].keys[0].secret: expected 1-1024 printable"));
  CHECK_FALSE(has_part(bad_secret, "hush"));
  CHECK(has_part(problem_of("[[apps]]\nid = \"a\"\nkeys = [5]\n"), "expected {key = "));
  CHECK(has_part(problem_of("[[apps]]\nid = \"a\"\nsocket_uids = [-1]\n"), "expected an integer"));
  CHECK(problem_of("[[apps]]\nid = \"a\"\nlimits = { feeds_max = 1 }\n") ==
        "F:3: apps[0].limits.feeds_max: is the same for all apps; set it under [limits]");
  CHECK(
      has_part(problem_of("[[apps]]\nid = \"a\"\nallowed_origins = [\"*\"]\n"), "an origin such"));
  CHECK(has_part(problem_of("[[apps]]\nid = \"a\"\nallowed_origins = [\"https://x/\"]\n"),
                 "no trailing slash"));
  CHECK(has_part(problem_of("[[apps]]\nid = \"a\"\nhosts = [\"x.tako\"]\n"), "not end in .tako"));
}

TEST_CASE("an app's own limit may take a share of the common one, not more") {
  CHECK(problem_of("[limits]\nmessage_bytes_max = 500\n[[apps]]\nid = \"a\"\n"
                   "limits = { message_bytes_max = 501 }\n") ==
        "F:5: apps[0].limits.message_bytes_max: expected an integer from 1 to 500, got 501");
  // Wherever the common one comes from.
  Setup setup("[[apps]]\nid = \"a\"\nlimits = { message_bytes_max = 501 }\n");
  CHECK(setup.load().has_value());
  setup.arguments.insert(setup.arguments.end(), {"--limit", "message_bytes_max=500"});
  CHECK_FALSE(setup.load().has_value());
}

TEST_CASE("two apps need ids, hosts and keys of their own") {
  CHECK(Setup("[[apps]]\nid = \"a\"\n[[apps]]\nid = \"a\"\n").problems() ==
        Problems{"apps[1]: id 'a' is already one of apps[0]",
                 "app 'a': needs hosts, because there is more than one app",
                 "app 'a': needs hosts, because there is more than one app"});
  const std::string same = "hosts = [\"h\"]\nkeys = [{ key = \"k\", secret = \"0123456789\" }]\n";
  CHECK(Setup("[[apps]]\nid = \"a\"\n" + same + "[[apps]]\nid = \"b\"\n" + same).problems() ==
        Problems{"apps[1]: host 'h' is already one of apps[0]",
                 "apps[1]: key 'k' is already one of apps[0]"});
}

TEST_CASE("secret files are read by the edge, without the line feed at their end") {
  Setup setup;
  const std::string secret = setup.folder.write("secret", "0123456789abcdef\n");
  REQUIRE(chmod(secret.c_str(), 0600) == 0);
  setup.arguments = {"--app-secret-file", secret};
  const Loaded loaded = setup.loaded();
  CHECK(loaded.config.apps[0].secret == "0123456789abcdef");
  CHECK(loaded.warnings.empty());

  REQUIRE(chmod(secret.c_str(), 0644) == 0);
  CHECK(setup.loaded().warnings.size() == 1);
  setup.folder.write("secret", "two words\n");
  CHECK(has_part(setup.problems().front(), "printable characters without blanks"));
  setup.arguments = {"--app-secret-file", secret + ".not"};
  CHECK(has_part(setup.problems().front(), "No such file"));
}

TEST_CASE("definitions files are read and checked by the broker") {
  Setup setup;
  const std::string file = setup.folder.write("definitions.json", R"({"definitions":[]})");
  setup.arguments = {"--config", setup.folder.write("with.toml",
                                                    "[[apps]]\nid = \"a\"\n"
                                                    "definitions_file = \"" +
                                                        file + "\"\n")};
  CHECK(setup.loaded(Program::Broker).config.apps[0].definitions_json == R"({"definitions":[]})");
  CHECK(setup.loaded(Program::Edge).config.apps[0].definitions_json.empty());
  setup.folder.write("definitions.json", R"({"definitions":[{"name":"x","transprot":"ws"}]})");
  CHECK(has_part(setup.problems(Program::Broker).front(), "transprot"));
}

}  // namespace
}  // namespace tako::config
