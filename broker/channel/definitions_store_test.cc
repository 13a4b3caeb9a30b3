// What was saved is there for the next process, whole.
#include "broker/channel/definitions_store.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace tako::broker {
namespace {

TEST_CASE("what was saved last is loaded, for each app its own") {
  const test::TempDir dir;
  InlineWorker worker;
  {
    DefinitionsStore store(dir.file("definitions"), worker);
    CHECK_FALSE(store.load("default").value().has_value());
    int saved = 0;
    const auto on_saved = [&saved](const Result<void>& result) { saved += result ? 1 : 0; };
    store.save("default", "{1}", on_saved);
    store.save("default", "{22}", on_saved);
    store.save("other", "{3}", on_saved);
    CHECK(saved == 3);
  }
  DefinitionsStore store(dir.file("definitions"), worker);
  CHECK(store.load("default").value() == "{22}");
  CHECK(store.load("other").value() == "{3}");
}

TEST_CASE("a folder that can't be written is told") {
  const test::TempDir dir;
  dir.write("file", "");
  InlineWorker worker;
  DefinitionsStore store(dir.file("file") + "/definitions", worker);
  Result<void> result;
  store.save("default", "{}", [&result](Result<void> saved) { result = std::move(saved); });
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::LogUnusable);
}

TEST_CASE("what a killed process left half written is not taken, and is written over") {
  const test::TempDir dir;
  std::filesystem::create_directory(dir.file("definitions"));
  dir.write("definitions/default.json.new", "{half");
  InlineWorker worker;
  DefinitionsStore store(dir.file("definitions"), worker);
  CHECK_FALSE(store.load("default").value().has_value());
  store.save("default", "{}", [](const Result<void>& saved) { CHECK(saved.has_value()); });
  CHECK(store.load("default").value() == "{}");
}

}  // namespace
}  // namespace tako::broker
