// takoctl log: what an operator sees of the files, beside a running broker and after its end.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

Finished log_tool(const Cluster& tako, std::vector<std::string> words) {
  std::vector<std::string> arguments = {"log"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  arguments.insert(arguments.end(), {"--data-dir", tako.folder().file("data")});
  return run_program("takoctl", arguments);
}

std::vector<Json> json_lines(const std::string& output) {
  std::vector<Json> lines;
  for (std::size_t begin = 0; begin < output.size();) {
    const std::size_t end = output.find('\n', begin);
    lines.push_back(Json::parse(output.substr(begin, end - begin)));
    begin = end + 1;
  }
  return lines;
}

std::string segment(const Cluster& tako) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(tako.folder().file("data/log"))) {
    if (entry.path().extension() == ".seg") newest = std::max(newest, entry.path().string());
  }
  return newest;
}

void flip_bit(const std::string& file, std::size_t at) {
  std::string bytes = read_file(file);
  bytes.at(at) = static_cast<char>(static_cast<unsigned char>(bytes.at(at)) ^ 1U);
  std::ofstream(file, std::ios::binary) << bytes;
}

// Where the record of this message begins, as --raw says.
std::size_t place_of(const Cluster& tako, const std::string& id) {
  for (const Json& line : json_lines(log_tool(tako, {"dump", "--raw"}).output)) {
    if (line.has("id") && line["kind"].string() == "message" && line["id"].string() == id) {
      return static_cast<std::size_t>(line["at"].number());
    }
  }
  FAIL("no record of " << id);
  return 0;
}

}  // namespace

TEST_CASE("beside a running broker: sound, counted, and every message as it was published") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 5);
  const Finished checked = log_tool(tako, {"check", "--json"});
  CHECK(checked.status == 0);
  const Json check = Json::parse(checked.output);
  CHECK(check["sound"].boolean());
  CHECK(check["start"]["messages"].number() == 5);
  CHECK_FALSE(check["start"]["continues"].boolean());  // It has not ended.

  const Json stats = Json::parse(log_tool(tako, {"stats", "--json", "--channels"}).output);
  CHECK(stats["messages"].number() == 5);
  CHECK(stats["channels"].number() == 1);
  CHECK(stats["byChannel"][0]["channel"].string() == "feed");
  CHECK(stats["byChannel"][0]["head"].string() == ids.back());

  const auto lines = json_lines(log_tool(tako, {"dump", "--channel", "feed"}).output);
  REQUIRE(lines.size() == 5);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i]["id"].string() == ids[i]);
    CHECK(lines[i]["data"].number() == static_cast<double>(i + 1));
  }
  const auto later =
      json_lines(log_tool(tako, {"dump", "--channel", "feed", "--after", ids[2]}).output);
  REQUIRE(later.size() == 2);
  CHECK(later[0]["id"].string() == ids[3]);
  CHECK(tako.api("GET", "/healthz").status == 200);
}

TEST_CASE("beside a broker that publishes all the time no check ever tells of damage") {
  ClusterOptions options = with_definitions();
  options.broker_config = "[limits]\nlog_bytes_max = 1048576\n";  // Segments go while it looks.
  Cluster tako(options);
  const std::string data = '"' + std::string(60'000, 'x') + '"';
  tako.publish("feed", "n", data);
  const std::string first = segment(tako);
  int checks = 0;
  // One check may see many segments come and go, where checking is slow.
  while (checks < 5 || std::filesystem::exists(first)) {
    Process check({.program = program("takoctl"),
                   .arguments = {"log", "check", "--data-dir", tako.folder().file("data")},
                   .output_folder = tako.folder().path(),
                   .name = "check" + std::to_string(++checks)});
    while (check.is_running()) tako.publish("feed", "n", data);
    CAPTURE(check.output());
    CHECK(check.wait_for_exit() == 0);
  }
}

TEST_CASE("a killed broker's log is sound, torn end or not; the next start does what was said") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  tako.kill_broker();
  const std::string file = segment(tako);
  std::filesystem::resize_file(file, place_of(tako, ids[2]) + 30);
  const Json check = Json::parse(log_tool(tako, {"check", "--json"}).output);
  CHECK(check["sound"].boolean());
  CHECK(check["findings"][0]["kind"].string() == "torn");
  CHECK(check["start"]["cutBytes"].number() == 30);
  CHECK(check["start"]["messages"].number() == 2);
  CHECK(std::filesystem::file_size(file) > 0);
  tako.start_broker();
  CHECK(log_tool(tako, {"dump"}).output.find(ids[1]) != std::string::npos);
  CHECK(tako.publish("feed", "n", "9")["id"].string().starts_with("3-"));
}

TEST_CASE("damage ends with 1, and says where it is; what is around it can still be read") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  tako.publish("wire", "n", "1");
  CHECK(tako.broker().terminate() == 0);
  CHECK(log_tool(tako, {"check"}).status == 0);
  const std::string before = read_file(segment(tako));
  const std::size_t place = place_of(tako, ids[1]);
  flip_bit(segment(tako), place + 50);
  const Finished checked = log_tool(tako, {"check"});
  CHECK(checked.status == 1);
  CHECK(checked.output.find(".seg at " + std::to_string(place) + ": ") != std::string::npos);
  CHECK(checked.output.find("damaged") != std::string::npos);
  CHECK(checked.output.find("begins new epochs") != std::string::npos);
  const std::string dumped = log_tool(tako, {"dump"}).output;
  CHECK(dumped.find(ids[2]) != std::string::npos);
  CHECK(dumped.find("\"wire\"") != std::string::npos);
  CHECK(read_file(segment(tako)).size() == before.size());  // It only reads.
  tako.start_broker();
}

TEST_CASE("no log, or wrong words, are told apart") {
  const TempDir folder;
  const Finished nothing =
      run_program("takoctl", {"log", "check", "--data-dir", folder.file("none")});
  CHECK(nothing.status == 3);
  CHECK(nothing.errors.find(folder.file("none")) != std::string::npos);
  CHECK(run_program("takoctl", {"log"}).status == 2);
  CHECK(run_program("takoctl", {"log", "dump", "--after", "nonsense"}).status == 2);
  CHECK(run_program("takoctl", {"log", "dump", "--raw", "--after", "0"}).status == 2);
}

TEST_CASE("the folder comes from the broker's own configuration file") {
  Cluster tako(with_definitions());
  tako.publish_numbers("feed", 2);
  const std::string file = tako.folder().write(
      "ctl.toml", "[broker]\ndata_dir = \"" + tako.folder().file("data") + "\"\n");
  const Finished stats = run_program("takoctl", {"log", "stats", "--config", file});
  CHECK(stats.status == 0);
  CHECK(stats.output.find("messages          2\n") != std::string::npos);
  CHECK(run_program("takoctl", {"log", "stats", "--config", file + ".not"}).status == 2);
}
