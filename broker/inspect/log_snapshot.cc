// Opens from the oldest segment on, until the folder's names are the same before and behind that.
#include "broker/inspect/log_snapshot.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "broker/log/journal_recovery.h"
#include "broker/log/log_format.h"

namespace tako::broker {
namespace {

// A broker that makes and removes segments faster than they can be opened would go on for ever.
constexpr int kTriesMax = 100;

class FixedFile final : public LogFile {
 public:
  FixedFile(std::shared_ptr<LogFile> file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}

  [[nodiscard]] FileResult<std::size_t> read_at(std::uint64_t offset,
                                                std::span<char> bytes) const override {
    const std::uint64_t rest = offset < size_ ? size_ - offset : 0;
    return file_->read_at(
        offset, bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest, bytes.size()))));
  }
  [[nodiscard]] FileResult<void> write_at(std::uint64_t /*offset*/,
                                          std::string_view /*bytes*/) override {
    return std::unexpected(EROFS);
  }
  [[nodiscard]] FileResult<std::uint64_t> size() const override { return size_; }
  [[nodiscard]] FileResult<void> truncate(std::uint64_t /*size*/) override {
    return std::unexpected(EROFS);
  }
  [[nodiscard]] FileResult<void> sync() override { return std::unexpected(EROFS); }

 private:
  const std::shared_ptr<LogFile> file_;
  const std::uint64_t size_;
};

std::unexpected<Error> unusable(const std::string& what, int error) {
  return fail(ErrorCode::LogUnusable, describe_file_error(what, error));
}

}  // namespace

Result<std::unique_ptr<LogSnapshot>> LogSnapshot::take(const LogFolder& folder) {
  auto made = std::make_unique<LogSnapshot>();
  for (int i = 0; i < kTriesMax; ++i) {
    if (auto opened = made->open_all(folder); !opened) return std::unexpected(opened.error());
    const auto names = folder.list();
    if (!names) return unusable("the log folder can't be read", names.error());
    // What was carried forward out of a segment that is gone is in one that is here.
    if (*names == made->names_) return made;
  }
  return fail(ErrorCode::LogUnusable, "the log's files change faster than they can be opened");
}

Result<void> LogSnapshot::open_all(const LogFolder& folder) {
  segments_.clear();
  names_.clear();
  auto names = folder.list();
  if (!names) return unusable("the log folder can't be read", names.error());
  for (const std::string& name : *names) {
    if (!log_format::segment_number(name)) {
      names_.push_back(name);
      continue;
    }
    auto file = folder.open(name, false);
    if (!file && file.error() == ENOENT) continue;
    if (!file) return unusable("the segment " + name + " can't be opened", file.error());
    const auto size = (*file)->size();
    if (!size) return unusable("the segment " + name + " can't be read", size.error());
    names_.push_back(name);
    segments_.emplace(name, std::make_shared<FixedFile>(std::move(*file), *size));
  }
  return {};
}

FileResult<std::shared_ptr<LogFile>> LogSnapshot::open(const std::string& name, bool writes) const {
  if (writes) return std::unexpected(EROFS);
  const auto found = segments_.find(name);
  if (found == segments_.end()) return std::unexpected(ENOENT);
  return found->second;
}

FileResult<std::shared_ptr<LogFile>> LogSnapshot::create(const std::string& /*name*/) {
  return std::unexpected(EROFS);
}
FileResult<void> LogSnapshot::remove(const std::string& /*name*/) { return std::unexpected(EROFS); }
FileResult<void> LogSnapshot::rename(const std::string& /*from*/, const std::string& /*to*/) {
  return std::unexpected(EROFS);
}
FileResult<void> LogSnapshot::sync() { return std::unexpected(EROFS); }

}  // namespace tako::broker
