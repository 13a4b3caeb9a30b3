// System calls, each repeated after EINTR.
#include "broker/log/log_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tako::broker {
namespace {

constexpr const char* kLockName = "lock";
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

template <typename Call>
auto repeat(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

FileResult<void> outcome(int result) {
  if (result < 0) return std::unexpected(errno);
  return {};
}

class PosixLogFile final : public LogFile {
 public:
  explicit PosixLogFile(int fd) : fd_(fd) {}
  ~PosixLogFile() override { close(fd_); }
  PosixLogFile(const PosixLogFile&) = delete;
  PosixLogFile& operator=(const PosixLogFile&) = delete;

  [[nodiscard]] FileResult<std::size_t> read_at(std::uint64_t offset,
                                                std::span<char> bytes) const override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto got = repeat([&] {
        return pread(fd_, bytes.data() + done, bytes.size() - done,
                     static_cast<off_t>(offset + done));
      });
      if (got < 0) return std::unexpected(errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  [[nodiscard]] FileResult<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto put = repeat(
          [&] { return pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (put < 0) return std::unexpected(errno);
      if (put == 0) return std::unexpected(ENOSPC);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  [[nodiscard]] FileResult<std::uint64_t> size() const override {
    struct stat status{};
    if (fstat(fd_, &status) < 0) return std::unexpected(errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  [[nodiscard]] FileResult<void> truncate(std::uint64_t size) override {
    return outcome(repeat([&] { return ftruncate(fd_, static_cast<off_t>(size)); }));
  }

  // Not repeated, whatever the error: after a failed sync the kernel may have dropped the data and
  // call the next one a success.
  [[nodiscard]] FileResult<void> sync() override { return outcome(fdatasync(fd_)); }

 private:
  const int fd_;
};

}  // namespace

FileResult<std::unique_ptr<PosixLogFolder>> PosixLogFolder::open_folder(const std::string& path,
                                                                        Access access) {
  if (access != Access::Reads) {
    std::error_code error;
    const std::filesystem::path folder(path);
    std::filesystem::create_directories(folder.parent_path(), error);
    if (mkdir(path.c_str(), kFolderMode) < 0 && errno != EEXIST) return std::unexpected(errno);
  }
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return std::unexpected(errno);
  auto made = std::make_unique<PosixLogFolder>(folder, -1);
  if (access != Access::Owns) return made;
  made->lock_ = openat(folder, kLockName, O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (made->lock_ < 0) return std::unexpected(errno);
  if (flock(made->lock_, LOCK_EX | LOCK_NB) < 0) return std::unexpected(errno);
  return made;
}

PosixLogFolder::~PosixLogFolder() {
  if (lock_ >= 0) close(lock_);
  close(folder_);
}

FileResult<std::vector<std::string>> PosixLogFolder::list() const {
  // A descriptor of its own: fdopendir() takes it, and its position.
  const int fd = openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(errno);
  DIR* folder = fdopendir(fd);
  if (folder == nullptr) {
    close(fd);
    return std::unexpected(errno);
  }
  std::vector<std::string> names;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != kLockName) names.emplace_back(name);
  }
  closedir(folder);
  std::ranges::sort(names);
  return names;
}

FileResult<std::shared_ptr<LogFile>> PosixLogFolder::create(const std::string& name) {
  const int fd = repeat([&] {
    return openat(folder_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
  });
  if (fd < 0) return std::unexpected(errno);
  return std::make_shared<PosixLogFile>(fd);
}

FileResult<std::shared_ptr<LogFile>> PosixLogFolder::open(const std::string& name,
                                                          bool writes) const {
  const int flags = (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
  const int fd = repeat([&] { return openat(folder_, name.c_str(), flags); });
  if (fd < 0) return std::unexpected(errno);
  return std::make_shared<PosixLogFile>(fd);
}

FileResult<void> PosixLogFolder::remove(const std::string& name) {
  return outcome(unlinkat(folder_, name.c_str(), 0));
}

FileResult<void> PosixLogFolder::rename(const std::string& from, const std::string& to) {
  return outcome(renameat(folder_, from.c_str(), folder_, to.c_str()));
}

FileResult<void> PosixLogFolder::sync() { return outcome(fsync(folder_)); }

}  // namespace tako::broker
