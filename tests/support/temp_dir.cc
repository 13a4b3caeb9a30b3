// mkdtemp with an owner.
#include "tests/support/temp_dir.h"

#include <stdlib.h>

#include <fstream>
#include <sstream>
#include <system_error>

#include "tests/support/wait.h"

namespace tako::test {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tako-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw TestFailure("mkdtemp failed for " + pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;  // A leftover in the temporary folder fails no test.
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(std::string_view name, std::string_view content) const {
  std::string written = file(name);
  std::ofstream(written, std::ios::binary) << content;
  return written;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream input(path, std::ios::binary);
  std::ostringstream text;
  text << input.rdbuf();
  return text.str();
}

}  // namespace tako::test
