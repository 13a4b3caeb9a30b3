// What is written is there for the next process; a damaged file is set aside.
#include "broker/state/sqlite_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace tako::broker {
namespace {

struct Folder {
  std::unique_ptr<SqliteFile> open() {
    auto file = SqliteFile::open(path, [this](const std::string& text) { told.push_back(text); });
    REQUIRE(file.has_value());
    return std::move(*file);
  }

  test::TempDir folder;
  std::string path = folder.file("state.db");
  std::vector<std::string> told;
};

void write(SqliteFile& file, const std::vector<StateChange>& changes) {
  REQUIRE(file.write(changes).has_value());
}

TEST_CASE("rows are there for the next process, by key; erased ones are not") {
  Folder folder;
  const std::string bytes("\0\xff'", 3);
  {
    const auto file = folder.open();
    CHECK(file->read().value().empty());
    write(*file, {{"b", "1"}, {"a", bytes}, {"c", ""}, {"d", "2"}});
    write(*file, {{"d", std::nullopt}, {"none", std::nullopt}, {"b", "3"}});
  }
  CHECK(folder.open()->read().value() ==
        std::vector<StateRow>{{"a", bytes}, {"b", "3"}, {"c", ""}});
  CHECK(folder.told.empty());
}

TEST_CASE("the files are for their owner alone") {
  Folder folder;
  const auto file = folder.open();
  write(*file, {{"a", "1"}});
  for (const char* suffix : {"", "-wal"}) {
    struct stat status{};
    REQUIRE(::stat((folder.path + suffix).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
  }
}

TEST_CASE("a file that is none of SQLite's, or is damaged inside, is moved aside with a warning") {
  Folder folder;
  SUBCASE("something else") { std::ofstream(folder.path) << std::string(8'192, 'x'); }
  SUBCASE("a page overwritten") {
    {
      const auto file = folder.open();
      std::vector<StateChange> many;
      for (int i = 0; i < 1'000; ++i) many.push_back({std::to_string(i), std::string(100, 'v')});
      write(*file, many);
    }
    std::fstream file(folder.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4'096);
    file << std::string(4'096, '\x5a');
  }
  const auto file = folder.open();
  REQUIRE(folder.told.size() == 1);
  CHECK(folder.told[0].find("damaged") != std::string::npos);
  CHECK(std::filesystem::exists(folder.path + ".damaged"));
  CHECK(file->read().value().empty());
  write(*file, {{"a", "1"}});
  CHECK(file->read().value() == std::vector<StateRow>{{"a", "1"}});
}

TEST_CASE("a folder that can't be used is an error that says what to do") {
  const auto file = SqliteFile::open("/proc/none/state.db", [](const std::string&) {});
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().code == ErrorCode::LogUnusable);
  CHECK(file.error().detail.find("--data-dir") != std::string::npos);
}

}  // namespace
}  // namespace tako::broker
