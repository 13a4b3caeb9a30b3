// The directory: what it knows, and that each watcher hears of a change once it is known.
#include "edge/session/definitions_directory.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

std::shared_ptr<const DefinitionSet> one_definition() {
  return *DefinitionSet::parse(R"({"definitions":[{"name":"a","auth":false}]})");
}

struct Watcher final : DefinitionsWatcher {
  explicit Watcher(DefinitionsDirectory& where) : directory(where) { directory.watch(*this); }
  ~Watcher() override { directory.unwatch(*this); }
  void on_definitions_changed(std::string_view app,
                              const std::shared_ptr<const DefinitionSet>& definitions) override {
    ++heard;
    CHECK(app == "x");
    CHECK(directory.of(app) == definitions);
    if (leaves != nullptr) directory.unwatch(*leaves);
  }
  DefinitionsDirectory& directory;
  int heard = 0;
  Watcher* leaves = nullptr;
};

TEST_CASE("an app that nobody defined has an empty set") {
  DefinitionsDirectory directory;
  CHECK(directory.of("x")->all().empty());
  directory.on_definitions("x", one_definition());
  CHECK(directory.of("x")->all().size() == 1);
  CHECK(directory.of("y")->all().empty());
}

TEST_CASE("watchers may leave, or make others leave, while they are told") {
  DefinitionsDirectory directory;
  Watcher first(directory);
  Watcher second(directory);
  Watcher third(directory);
  third.leaves = &third;
  SUBCASE("itself") {}
  SUBCASE("one that was not told yet") { third.leaves = &first; }
  directory.on_definitions("x", one_definition());
  CHECK(second.heard >= 1);
  CHECK(third.heard >= 1);
  CHECK(first.heard == (third.leaves == &first ? 0 : 1));
}

}  // namespace
}  // namespace tako::edge
