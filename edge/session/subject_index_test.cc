// Members come and go, also while they are visited.
#include "edge/session/subject_index.h"

#include <doctest/doctest.h>

#include <deque>
#include <vector>

namespace tako::edge {
namespace {

struct Item final : SubjectIndex::Member {};

std::size_t visited(SubjectIndex& index, std::string_view app, std::string_view subject) {
  std::size_t count = 0;
  index.for_each(app, subject, [&](SubjectIndex::Member&) { ++count; });
  return count;
}

TEST_CASE("the members of a subject are visited, those of others and of other apps are not") {
  SubjectIndex index;
  Item ann;
  Item ann_again;
  Item bob;
  Item other_app;
  index.add(ann, "a", "ann");
  index.add(ann_again, "a", "ann");
  index.add(bob, "a", "bob");
  index.add(other_app, "b", "ann");
  CHECK(visited(index, "a", "ann") == 2);
  CHECK(visited(index, "a", "bob") == 1);
  CHECK(visited(index, "b", "ann") == 1);
  CHECK(visited(index, "a", "nobody") == 0);
  index.add(ann, "a", "bob");  // It moves.
  CHECK(visited(index, "a", "ann") == 1);
  CHECK(visited(index, "a", "bob") == 2);
}

TEST_CASE("an index without members keeps nothing") {
  SubjectIndex index;
  std::deque<Item> items(3);
  for (Item& item : items) index.add(item, "a", "ann");
  index.remove(items[1]);
  index.remove(items[1]);
  CHECK(visited(index, "a", "ann") == 2);
  index.remove(items[0]);
  index.remove(items[2]);
  CHECK(index.subjects() == 0);
}

TEST_CASE("members may go within a visit: itself, those before and those behind") {
  SubjectIndex index;
  std::deque<Item> items(5);
  for (Item& item : items) index.add(item, "a", "ann");
  std::vector<const SubjectIndex::Member*> seen;
  index.for_each("a", "ann", [&](SubjectIndex::Member& member) {
    seen.push_back(&member);
    if (seen.size() == 2) {
      for (std::size_t i = 1; i < items.size(); ++i) index.remove(items[i]);
    }
  });
  CHECK(seen.size() == 3);
  CHECK(seen.back() == &items[0]);
  CHECK(visited(index, "a", "ann") == 1);
}

}  // namespace
}  // namespace tako::edge
