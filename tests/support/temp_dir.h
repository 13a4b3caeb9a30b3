// A temporary folder that goes away with its owner.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tako::test {

class TempDir {
 public:
  // The path is short, so that unix sockets inside fit into the 108 bytes of sun_path.
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

  // Writes `content` and returns the file's path.
  std::string write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace tako::test
