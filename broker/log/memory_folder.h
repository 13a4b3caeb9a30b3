// MemoryFolder: the log's files in memory, with what a test lets happen to them: the n-th call
// fails, the power goes. For tests only.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/log/log_files.h"
#include "broker/log/log_format.h"
#include "common/random.h"

namespace tako::broker {

class MemoryFolder final : public LogFolder {
 public:
  enum class Call : std::uint8_t { Write, Sync, Create, SyncFolder, Truncate, Remove };

  struct File {
    std::string bytes;
    std::string synced;        // what a loss of power leaves
    bool name_synced = false;  // its name is in the synced folder
  };

  // The n-th call from now on (1: the next) of this kind fails with this number of errno; a write
  // has then written half of it. `lasting`: all after it as well.
  void fail_at(Call call, int n, int error, bool lasting = false) {
    faults_[call] = {.left = n, .error = error, .lasting = lasting};
  }
  void heal() { faults_.clear(); }
  [[nodiscard]] int calls(Call call) const {
    const auto found = calls_.find(call);
    return found == calls_.end() ? 0 : found->second;
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, file] : files_) names.push_back(name);
    return names;
  }
  [[nodiscard]] std::string& bytes(const std::string& name) { return files_.at(name)->bytes; }
  [[nodiscard]] const std::string& bytes(const std::string& name) const {
    return files_.at(name)->bytes;
  }
  void put(const std::string& name, std::string bytes) {
    files_[name] = std::make_shared<File>(File{bytes, bytes, true});
  }
  void erase(const std::string& name) { files_.erase(name); }
  // The same of the segment with this number.
  [[nodiscard]] std::string& bytes(std::uint64_t number) {
    return bytes(log_format::segment_name(number));
  }
  void put(std::uint64_t number, std::string bytes) {
    put(log_format::segment_name(number), std::move(bytes));
  }
  void erase(std::uint64_t number) { erase(log_format::segment_name(number)); }
  [[nodiscard]] std::size_t total_bytes() const {
    std::size_t total = 0;
    for (const auto& [name, file] : files_) total += file->bytes.size();
    return total;
  }

  // The power goes: of what was not synced a random part is there, also out of order.
  void lose_power(Random& random) {
    std::erase_if(files_, [&random](const auto& entry) {
      return !entry.second->name_synced && random.below(2) == 0;
    });
    for (auto& [name, file] : files_) {
      std::string left = file->synced;
      const std::string& written = file->bytes;
      // The file may have become longer without its bytes, and some of its pages may be there.
      const std::size_t size =
          left.size() + random.below(written.size() + 1 - std::min(left.size(), written.size()));
      left.resize(std::max(left.size(), std::min(size, written.size())), '\0');
      constexpr std::size_t kPage = 512;
      for (std::size_t at = 0; at < left.size(); at += kPage) {
        if (random.below(2) == 0) continue;
        const std::size_t count = std::min({kPage, left.size() - at, written.size() - at});
        left.replace(at, count, written, at, count);
      }
      left.replace(0, file->synced.size(), file->synced);
      file->bytes = file->synced = left;
      file->name_synced = true;
    }
  }

  [[nodiscard]] FileResult<std::vector<std::string>> list() const override { return names(); }
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> create(const std::string& name) override;
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                                          bool writes) const override;
  [[nodiscard]] FileResult<void> remove(const std::string& name) override;
  [[nodiscard]] FileResult<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] FileResult<void> sync() override;

  // Counts the call; 0, or the error that the script has for it.
  int next(Call call) {
    ++calls_[call];
    const auto found = faults_.find(call);
    if (found == faults_.end() || --found->second.left > 0) return 0;
    const int error = found->second.error;
    if (!found->second.lasting) faults_.erase(found);
    return error;
  }

 private:
  struct Fault {
    int left = 0;
    int error = 0;
    bool lasting = false;
  };

  std::map<std::string, std::shared_ptr<File>> files_;
  std::map<Call, Fault> faults_;
  std::map<Call, int> calls_;
};

class MemoryFile final : public LogFile {
 public:
  MemoryFile(std::shared_ptr<MemoryFolder::File> file, MemoryFolder& folder)
      : file_(std::move(file)), folder_(folder) {}

  [[nodiscard]] FileResult<std::size_t> read_at(std::uint64_t offset,
                                                std::span<char> bytes) const override {
    const std::string& all = file_->bytes;
    if (offset >= all.size()) return 0;
    const std::size_t count = std::min(bytes.size(), all.size() - static_cast<std::size_t>(offset));
    all.copy(bytes.data(), count, static_cast<std::size_t>(offset));
    return count;
  }
  [[nodiscard]] FileResult<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    const int error = folder_.next(MemoryFolder::Call::Write);
    if (error != 0) bytes = bytes.substr(0, bytes.size() / 2);
    std::string& all = file_->bytes;
    const auto begin = static_cast<std::size_t>(offset);
    if (all.size() < begin + bytes.size()) all.resize(begin + bytes.size(), '\0');
    all.replace(begin, bytes.size(), bytes);
    if (error != 0) return std::unexpected(error);
    return {};
  }
  [[nodiscard]] FileResult<std::uint64_t> size() const override { return file_->bytes.size(); }
  [[nodiscard]] FileResult<void> truncate(std::uint64_t size) override {
    if (const int error = folder_.next(MemoryFolder::Call::Truncate); error != 0) {
      return std::unexpected(error);
    }
    file_->bytes.resize(static_cast<std::size_t>(size));
    if (file_->synced.size() > size) file_->synced.resize(static_cast<std::size_t>(size));
    return {};
  }
  [[nodiscard]] FileResult<void> sync() override {
    if (const int error = folder_.next(MemoryFolder::Call::Sync); error != 0) {
      return std::unexpected(error);
    }
    file_->synced = file_->bytes;
    return {};
  }

 private:
  std::shared_ptr<MemoryFolder::File> file_;
  MemoryFolder& folder_;
};

inline FileResult<std::shared_ptr<LogFile>> MemoryFolder::create(const std::string& name) {
  if (const int error = next(Call::Create); error != 0) return std::unexpected(error);
  if (files_.contains(name)) return std::unexpected(EEXIST);
  auto file = files_[name] = std::make_shared<File>();
  return std::make_shared<MemoryFile>(file, *this);
}

inline FileResult<std::shared_ptr<LogFile>> MemoryFolder::open(const std::string& name,
                                                               bool /*writes*/) const {
  const auto found = files_.find(name);
  if (found == files_.end()) return std::unexpected(ENOENT);
  // Reading and cutting off what is torn: the folder's script is the same one.
  return std::make_shared<MemoryFile>(found->second, const_cast<MemoryFolder&>(*this));
}

inline FileResult<void> MemoryFolder::remove(const std::string& name) {
  if (const int error = next(Call::Remove); error != 0) return std::unexpected(error);
  if (files_.erase(name) == 0) return std::unexpected(ENOENT);
  return {};
}

inline FileResult<void> MemoryFolder::rename(const std::string& from, const std::string& to) {
  const auto found = files_.find(from);
  if (found == files_.end()) return std::unexpected(ENOENT);
  files_[to] = found->second;
  files_.erase(from);
  return {};
}

inline FileResult<void> MemoryFolder::sync() {
  if (const int error = next(Call::SyncFolder); error != 0) return std::unexpected(error);
  for (auto& [name, file] : files_) file->name_synced = true;
  return {};
}

}  // namespace tako::broker
