// The real file system behind the seam.
#include "broker/log/log_files.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>

#include "tests/support/temp_dir.h"

namespace tako::broker {
namespace {

using Access = PosixLogFolder::Access;

TEST_CASE("a folder belongs to one process at a time; readers do not ask") {
  const test::TempDir dir;
  auto first = PosixLogFolder::open_folder(dir.file("log"), Access::Owns);
  REQUIRE(first.has_value());
  CHECK(PosixLogFolder::open_folder(dir.file("log"), Access::Owns).error() == EWOULDBLOCK);
  CHECK(PosixLogFolder::open_folder(dir.file("log"), Access::Reads).has_value());
  first->reset();
  CHECK(PosixLogFolder::open_folder(dir.file("log"), Access::Owns).has_value());
  CHECK(PosixLogFolder::open_folder(dir.file("none"), Access::Reads).error() == ENOENT);
}

TEST_CASE("files are made, written, read, cut, renamed and removed") {
  const test::TempDir dir;
  auto folder = PosixLogFolder::open_folder(dir.file("deep/log"), Access::Owns);
  REQUIRE(folder.has_value());
  auto file = (*folder)->create("b");
  REQUIRE(file.has_value());
  CHECK((*folder)->create("b").error() == EEXIST);
  CHECK((*file)->write_at(3, "abc").has_value());
  CHECK((*file)->size().value() == 6);
  CHECK((*file)->sync().has_value());
  std::array<char, 8> bytes{};
  CHECK((*file)->read_at(4, bytes).value() == 2);
  CHECK(bytes[0] == 'b');
  CHECK((*file)->truncate(4).has_value());
  CHECK((*file)->size().value() == 4);
  CHECK((*folder)->create("a").has_value());
  CHECK((*folder)->list().value() == std::vector<std::string>{"a", "b"});  // not the lock
  CHECK((*folder)->rename("a", "c").has_value());
  CHECK((*folder)->sync().has_value());
  CHECK((*folder)->remove("b").has_value());
  CHECK((*folder)->remove("b").error() == ENOENT);
  CHECK((*folder)->open("b", false).error() == ENOENT);
  CHECK((*folder)->open("c", false).has_value());
  CHECK((*file)->read_at(3, bytes).value() == 1);  // Removed, but still open.
}

}  // namespace
}  // namespace tako::broker
