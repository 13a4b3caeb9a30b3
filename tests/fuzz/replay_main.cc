// Runs a fuzz target over every file of the folders and files named, without libFuzzer.
// The corpus so stays a regression test in every build type, g++ included.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

// Names come before the runs, so that the last line printed before a crash names the culprit.
void replay_file(const fs::path& path) {
  std::printf("%s\n", path.filename().c_str());
  std::fflush(stdout);
  std::ifstream file{path, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  const std::vector<std::uint8_t> input{bytes.begin(), bytes.end()};
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::size_t replay_path(const fs::path& path) {
  if (fs::is_regular_file(path)) {
    replay_file(path);
    return 1;
  }
  std::size_t count = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator{path}) {
    if (!entry.is_regular_file()) continue;
    replay_file(entry.path());
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) try {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) count += replay_path(argv[i]);
  std::printf("replayed %zu inputs\n", count);
  // An empty corpus would be a test that cannot fail.
  return count == 0 ? 1 : 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "cannot replay: %s\n", failure.what());
  return 1;
}
