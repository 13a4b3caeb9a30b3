// Configuration and command line: where values come from, what is refused, and what takoctl does.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

using Arguments = std::vector<std::string>;

Finished edge(Arguments arguments, std::map<std::string, std::string> environment = {}) {
  return run_program("tako-edge", std::move(arguments), std::move(environment));
}

// The line of --print-config for this key, or "".
std::string printed(const Finished& finished, const std::string& key) {
  const std::size_t at = finished.output.find("\n" + key + " = ");
  if (at == std::string::npos) return "";
  return finished.output.substr(at + 1, finished.output.find('\n', at + 1) - at - 1);
}

bool mentions(const Finished& finished, std::string_view text) {
  return (finished.output + finished.errors).find(text) != std::string::npos;
}

class Takoctl {
 public:
  explicit Takoctl(Cluster& tako) : socket_(tako.app_socket().substr(5)) {}
  [[nodiscard]] Finished run(Arguments arguments) const {
    arguments.insert(arguments.begin(), {"--app-socket", socket_});
    return run_program("takoctl", std::move(arguments));
  }

 private:
  std::string socket_;
};

}  // namespace

TEST_CASE("a value comes from the option, else the environment, else the file, else the default") {
  TempDir folder;
  const std::string file = folder.write("tako.toml", "[edge]\ndrain_ms = 111\nname = \"filed\"\n");
  const Finished finished = edge({"--config", file, "--drain-ms", "333", "--print-config"},
                                 {{"TAKO_DRAIN_MS", "222"}, {"TAKO_WORKERS", "2"}});
  CHECK(finished.status == 0);
  CHECK(printed(finished, "drain_ms").starts_with("drain_ms = 333"));
  CHECK(printed(finished, "drain_ms").find("--drain-ms") != std::string::npos);
  CHECK(printed(finished, "workers").starts_with("workers = 2"));
  CHECK(printed(finished, "workers").find("TAKO_WORKERS") != std::string::npos);
  CHECK(printed(finished, "name").starts_with("name = \"filed\""));
  CHECK(printed(finished, "name").find("tako.toml") != std::string::npos);
  CHECK(printed(finished, "link").find("default") != std::string::npos);
  const Finished by_environment =
      edge({"--config", file, "--print-config"}, {{"TAKO_DRAIN_MS", "222"}});
  CHECK(printed(by_environment, "drain_ms").starts_with("drain_ms = 222"));
}

TEST_CASE("what --print-config prints configures the same") {
  TempDir folder;
  const Finished first =
      edge({"--drain-ms", "77", "--limit", "connections_max=5", "--print-config"});
  const std::string file = folder.write("again.toml", first.output);
  const Finished again = edge({"--config", file, "--print-config"});
  CHECK(again.status == 0);
  CHECK(printed(again, "drain_ms").starts_with("drain_ms = 77 "));
  CHECK(printed(again, "connections_max").starts_with("connections_max = 5 "));
}

TEST_CASE("unknown keys, options and limits are refused with the nearest known one") {
  TempDir folder;
  const std::string file = folder.write("tako.toml", "[edge]\ndrain_m = 1\n");
  const Finished key = edge({"--config", file, "--check-config"});
  CHECK(key.status == 2);
  CHECK(mentions(key, "drain_m'"));
  CHECK(mentions(key, "drain_ms"));
  CHECK(mentions(key, "tako.toml:2"));
  const Finished option = edge({"--lisen", "127.0.0.1:0"});
  CHECK(option.status == 2);
  CHECK(mentions(option, "--listen"));
  const Finished limit = edge({"--limit", "conections_max=5", "--check-config"});
  CHECK(limit.status == 2);
  CHECK(mentions(limit, "connections_max"));
  const Finished variable = edge({"--check-config"}, {{"TAKO_DRAIN_MSS", "5"}});
  CHECK(mentions(variable, "TAKO_DRAIN_MS"));
}

TEST_CASE("--check-config names every fault and starts nothing") {
  TempDir folder;
  const std::string file = folder.write("tako.toml", R"([edge]
listen = ["nowhere"]
drain_ms = -1
workers = "two"
)");
  const Finished bad = edge({"--config", file, "--check-config"});
  CHECK(bad.status == 2);
  for (const char* fault : {"listen", "drain_ms", "workers"}) CHECK(mentions(bad, fault));
  CHECK(edge({"--config", folder.file("missing.toml"), "--check-config"}).status == 2);
  CHECK(edge({"--config", folder.write("broken.toml", "[edge\n"), "--check-config"}).status == 2);
  CHECK(edge({"--check-config"}).status == 0);
  CHECK(run_program("tako-broker", {"--check-config"}).status == 0);
}

TEST_CASE("secrets are not printed") {
  TempDir folder;
  folder.write("secret", "file-secret\n");
  const std::string file =
      folder.write("tako.toml", "[edge]\napp_secret_file = \"" + folder.file("secret") + R"("
[[apps]]
id = "a"
keys = [{ key = "k", secret = "key-secret" }]
)");
  const Finished finished = edge({"--config", file, "--print-config"});
  CHECK(finished.status == 0);
  CHECK(mentions(finished, "\"k\""));
  CHECK_FALSE(mentions(finished, "key-secret"));
  CHECK_FALSE(mentions(finished, "file-secret"));
}

TEST_CASE("the first lines on stdout are the bound addresses, one for each listener") {
  TempDir folder;
  Process process({.program = program("tako-edge"),
                   .arguments = {"--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--link",
                                 folder.file("link")},
                   .output_folder = folder.path(),
                   .name = "edge"});
  const std::string first = process.output_line(0);
  const std::string second = process.output_line(1);
  CHECK(first.starts_with("127.0.0.1:"));
  CHECK(second.starts_with("[::1]:"));
  CHECK(Socket::reachable(first));
  CHECK(Socket::reachable(second));
  CHECK(process.terminate() == 0);
}

TEST_CASE("an edge listens on a unix socket too, and on IPv6, and tells the app who asks") {
  Cluster tako(with_definitions());
  TempDir folder;
  const std::string socket = folder.file("edge.sock");
  Process process(
      {.program = program("tako-edge"),
       .arguments = {"--listen", "unix:" + socket, "--listen", "[::1]:0", "--link",
                     tako.link_path(), "--upstream", tako.app().upstream(), "--name", "second"},
       .output_folder = folder.path(),
       .name = "edge"});
  CHECK(process.output_line(0) == "unix:" + socket);
  const Endpoint v6 = process.output_line(1);
  const auto status = [](const Endpoint& edge) {
    return SseClient(edge, channel_path("chat", "roomId=1"), kGoodToken).status();
  };
  wait_until("the link", [&] { return status("unix:" + socket) == 200; });
  CHECK(tako.app().authorize_calls().back().json()["ip"].string().empty());
  CHECK(status(v6) == 200);
  CHECK(tako.app().authorize_calls().back().json()["ip"].string() == "::1");
  CHECK(process.terminate() == 0);
}

TEST_CASE("--help and --version answer and end well, in all three programs") {
  for (const char* name : {"tako-broker", "tako-edge", "takoctl"}) {
    CAPTURE(name);
    const Finished help = run_program(name, {"--help"});
    CHECK(help.status == 0);
    CHECK(help.output.find("--") != std::string::npos);
    const Finished version = run_program(name, {"--version"});
    CHECK(version.status == 0);
    CHECK(version.output.find('.') != std::string::npos);
  }
}

TEST_CASE("takoctl publishes, lists channels, definitions and stats") {
  Cluster tako(with_definitions());
  const Takoctl takoctl(tako);
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  const Finished published = takoctl.run({"publish", "feed", "tick", R"({"n":1})"});
  CAPTURE(published.errors);
  REQUIRE(published.status == 0);
  CHECK(client.next_message().json()["data"]["n"].number() == 1);
  const Finished channels = takoctl.run({"channels"});
  CHECK(channels.status == 0);
  CHECK(channels.output.find("feed") != std::string::npos);
  const Finished definitions = takoctl.run({"definitions"});
  CHECK(definitions.status == 0);
  CHECK(definitions.output.find("chat") != std::string::npos);
  CHECK(takoctl.run({"stats"}).status == 0);
}

TEST_CASE("takoctl puts definitions from a file, and publishes to a channel by its params") {
  Cluster tako(with_definitions());
  const Takoctl takoctl(tako);
  const std::string file = tako.folder().write(
      "definitions.json",
      R"({"definitions":[{"name":"room","auth":false,"transport":"ws","paramsSchema":{"type":"object",
          "required":["id"],"properties":{"id":{"type":"integer"}}}}]})");
  const Finished put = takoctl.run({"definitions", "put", file});
  CAPTURE(put.errors);
  REQUIRE(put.status == 0);
  SseClient client(tako.edge(), channel_path("room", "id=7"));
  REQUIRE(client.status() == 200);
  static_cast<void>(client.opening_id());
  CHECK(takoctl.run({"publish", "room", "t", "1", "--param", "id=7"}).status == 0);
  CHECK(client.next_data(1)[0] == "1");
  CHECK(takoctl.run({"publish", "room", "t", "1", "--param", "id=x"}).status == 1);
}

TEST_CASE("takoctl tail prints messages as they come") {
  Cluster tako(with_definitions());
  TempDir folder;
  Process tail({.program = program("takoctl"),
                .arguments = {"--app-socket", tako.app_socket().substr(5), "tail", "feed"},
                .output_folder = folder.path(),
                .name = "tail"});
  wait_until("the tail to subscribe and print", [&] {
    tako.publish("feed", "tick", R"("hello tail")");
    return tail.output().find("hello tail") != std::string::npos;
  });
  tail.signal(SIGINT);
  static_cast<void>(tail.wait_for_exit());
}

TEST_CASE("takoctl says what is wrong, with the hint, and ends with a failure") {
  Cluster tako(with_definitions());
  const Takoctl takoctl(tako);
  const Finished unknown = takoctl.run({"publish", "nope", "t", "1"});
  CHECK(unknown.status == 1);
  CHECK(mentions(unknown, "channel-unknown"));
  CHECK(takoctl.run({"publish", "feed", "t", "not json"}).status != 0);
  CHECK(takoctl.run({"nonsense"}).status == 2);
  const Finished nobody = run_program("takoctl", {"--app-socket", "/nonexistent.sock", "stats"});
  CHECK(nobody.status == 3);
  CHECK(mentions(nobody, "/nonexistent.sock"));
}
