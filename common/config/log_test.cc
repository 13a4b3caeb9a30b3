// What lines look like, and that nobody can forge one.
#include "common/config/log.h"

#include <doctest/doctest.h>

#include <sstream>

#include "common/json_text.h"

namespace tako {
namespace {

// One line, without the time in front (text) or with it taken out (JSON).
template <typename Write>
std::string line_of(LogOptions options, Write write) {
  std::ostringstream out;
  {
    Log log(std::move(options), out);
    write(log);
  }
  return out.str();
}

std::string without_time(const std::string& line) {
  const std::string time = "2026-01-01T00:00:00.000Z ";
  return line.size() < time.size() ? line : line.substr(time.size());
}

TEST_CASE("a text line has a UTC time, the level, a sentence and fields") {
  const std::string line = line_of({.name = "edge.1"}, [](Log& log) {
    log.warn("link lost", {{"after_ms", 15},
                           {"ready", false},
                           {"peer", "127.0.0.1:80"},
                           {"why", "two words"},
                           {"none", ""},
                           {"negative", -1}});
  });
  CHECK(line[10] == 'T');
  CHECK(line[23] == 'Z');
  CHECK(without_time(line) ==
        "warn link lost process=edge.1 after_ms=15 ready=false peer=127.0.0.1:80 "
        "why=\"two words\" none=\"\" negative=-1\n");
}

TEST_CASE("a JSON line is valid JSON with the same parts") {
  const std::string line = line_of({.is_json = true, .name = "b"}, [](Log& log) {
    log.error("say \"hi\"", {{"count", std::size_t{7}}, {"path", "/run/x y"}});
  });
  const auto members = split_json_object(line);
  REQUIRE(members.has_value());
  CHECK(find_member(*members, "time") != nullptr);
  CHECK(find_member(*members, "level")->raw == "\"error\"");
  CHECK(find_member(*members, "text")->raw == R"("say \"hi\"")");
  CHECK(find_member(*members, "process")->raw == "\"b\"");
  CHECK(find_member(*members, "count")->raw == "7");
  CHECK(find_member(*members, "path")->raw == "\"/run/x y\"");
}

TEST_CASE("control characters and bad bytes are escaped in both forms") {
  const std::string evil = "a\n2026 info forged\x1b[2J\x7f\xff\xc2\x9b";
  const auto write = [&](Log& log) { log.info("from a peer: " + evil, {{"value", evil}}); };
  for (const bool is_json : {false, true}) {
    const std::string line = line_of({.is_json = is_json}, write);
    CHECK(line.find('\n') == line.size() - 1);
    for (const char c : line.substr(0, line.size() - 1)) {
      CHECK(static_cast<unsigned char>(c) >= 0x20);
      CHECK(static_cast<unsigned char>(c) < 0x7f);
    }
    CHECK(line.find("\\u000a") != std::string::npos);
    CHECK(line.find("\\u00ff") != std::string::npos);
  }
  // A C1 control character in good UTF-8 steers terminals as well.
  const std::string c1 = line_of({}, [](Log& log) { log.info("x", {{"v", "\xc2\x9b"}}); });
  CHECK(c1.find("\\u00c2\\u009b") != std::string::npos);
  CHECK(line_of({}, [](Log& log) { log.info("x", {{"v", "tür"}}); }).ends_with("v=\"tür\"\n"));
}

TEST_CASE("a long value is cut, and not within a character") {
  const std::string line = line_of({}, [](Log& log) {
    log.info("x", {{"v", std::string(Log::kLogValueMax - 1, 'a') + "ü" + std::string(100, 'b')}});
  });
  CHECK(line.ends_with("v=" + std::string(Log::kLogValueMax - 1, 'a') + "\n"));
}

TEST_CASE("levels below the configured one are silent") {
  const std::string text = line_of({.level = LogLevel::Warn}, [](Log& log) {
    CHECK_FALSE(log.is_on(LogLevel::Info));
    log.debug("one");
    log.info("two");
    log.warn("three");
    log.error("four");
  });
  CHECK(text.find("two") == std::string::npos);
  CHECK(text.find("three") != std::string::npos);
  CHECK(text.find("four") != std::string::npos);
  CHECK(line_of({.level = LogLevel::Off}, [](Log& log) { log.error("x"); }).empty());
}

TEST_CASE("the configuration's words name levels") {
  CHECK(log_level_from("debug") == LogLevel::Debug);
  CHECK(log_level_from("info") == LogLevel::Info);
  CHECK(log_level_from("warn") == LogLevel::Warn);
  CHECK(log_level_from("error") == LogLevel::Error);
  CHECK(log_level_from("off") == LogLevel::Off);
}

}  // namespace
}  // namespace tako
