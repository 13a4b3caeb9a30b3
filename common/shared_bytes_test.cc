// SharedBytes: one block, counted handles.
#include "common/shared_bytes.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tako {

TEST_CASE("bytes are copied in once and shared from then on") {
  std::string source = "hello";
  const SharedBytes bytes(source);
  source = "HELLO";
  CHECK(bytes.view() == "hello");
  const SharedBytes other = bytes;
  CHECK(other.view().data() == bytes.view().data());
  CHECK(bytes.use_count() == 2);
}

TEST_CASE("pieces are joined, empty ones too") {
  const SharedBytes bytes{"id: ", std::string_view(), "7", std::string_view("\0\n", 2)};
  CHECK(bytes.view() == std::string_view("id: 7\0\n", 7));
  CHECK(bytes.size() == 7);
}

TEST_CASE("nothing is nothing, whether default or made of no bytes") {
  const SharedBytes none;
  CHECK(none.empty());
  CHECK(none.view().empty());
  CHECK(none.use_count() == 0);
  const SharedBytes empty("");
  CHECK(empty.empty());
  CHECK(empty.use_count() == 1);
}

TEST_CASE("the last handle frees, moves hand over, assignment counts both sides") {
  SharedBytes a("a");
  SharedBytes b("b");
  const SharedBytes keep_a = a;
  a = b;
  CHECK(keep_a.use_count() == 1);
  CHECK(b.use_count() == 2);
  CHECK(a.view() == "b");
  SharedBytes moved = std::move(a);
  CHECK(moved.use_count() == 2);
  CHECK(a.empty());  // NOLINT(bugprone-use-after-move): moved from is empty, and documented so.
  moved = std::move(b);
  CHECK(moved.use_count() == 1);
  const SharedBytes& self = moved;
  moved = self;
  CHECK(moved.view() == "b");
  CHECK(moved.use_count() == 1);
}

TEST_CASE("a thousand subscribers hold one block") {
  std::vector<SharedBytes> outbox(1'000, SharedBytes(std::string(10'000, 'x')));
  CHECK(outbox.front().use_count() == 1'000);
  CHECK(outbox.back().view().data() == outbox.front().view().data());
  outbox.erase(outbox.begin(), outbox.end() - 1);
  CHECK(outbox.front().use_count() == 1);
  CHECK(outbox.front().size() == 10'000);
}

}  // namespace tako
