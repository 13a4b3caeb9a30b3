// LogFolder, LogFile: the journal's files, behind a seam where a test scripts the disk's faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tako::broker {

// Errors are numbers of errno.
template <typename T>
using FileResult = std::expected<T, int>;

// Any thread; calls on one file at a time but for read_at(). Closed when destroyed.
class LogFile {
 public:
  virtual ~LogFile() = default;
  // Reads up to bytes.size(); less only at the file's end.
  [[nodiscard]] virtual FileResult<std::size_t> read_at(std::uint64_t offset,
                                                        std::span<char> bytes) const = 0;
  // Writes all of it; after an error any part of it may have been written.
  [[nodiscard]] virtual FileResult<void> write_at(std::uint64_t offset, std::string_view bytes) = 0;
  [[nodiscard]] virtual FileResult<std::uint64_t> size() const = 0;
  [[nodiscard]] virtual FileResult<void> truncate(std::uint64_t size) = 0;
  // fdatasync(2).
  [[nodiscard]] virtual FileResult<void> sync() = 0;
};

class LogFolder {
 public:
  virtual ~LogFolder() = default;
  // Regular files' names, sorted.
  [[nodiscard]] virtual FileResult<std::vector<std::string>> list() const = 0;
  // EEXIST when there is one of that name.
  [[nodiscard]] virtual FileResult<std::shared_ptr<LogFile>> create(const std::string& name) = 0;
  [[nodiscard]] virtual FileResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                                                  bool writes) const = 0;
  [[nodiscard]] virtual FileResult<void> remove(const std::string& name) = 0;
  [[nodiscard]] virtual FileResult<void> rename(const std::string& from, const std::string& to) = 0;
  // Makes created and removed names durable.
  [[nodiscard]] virtual FileResult<void> sync() = 0;
};

// A folder of the file system, made when it is missing (0700).
class PosixLogFolder final : public LogFolder {
 public:
  // Owns: makes the folder, and holds its lock file while it lives (EWOULDBLOCK when another
  // process does). Makes: without the lock. Reads: as it is.
  enum class Access : std::uint8_t { Owns, Makes, Reads };
  // Takes the descriptors of the folder and of its locked lock file (-1: none).
  PosixLogFolder(int folder, int lock) : folder_(folder), lock_(lock) {}
  [[nodiscard]] static FileResult<std::unique_ptr<PosixLogFolder>> open_folder(
      const std::string& path, Access access);
  ~PosixLogFolder() override;
  PosixLogFolder(const PosixLogFolder&) = delete;
  PosixLogFolder& operator=(const PosixLogFolder&) = delete;

  [[nodiscard]] FileResult<std::vector<std::string>> list() const override;
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> create(const std::string& name) override;
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                                          bool writes) const override;
  [[nodiscard]] FileResult<void> remove(const std::string& name) override;
  [[nodiscard]] FileResult<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] FileResult<void> sync() override;

 private:
  int folder_;
  int lock_;  // -1: none
};

}  // namespace tako::broker
