// MemoryFolder, SegmentText: the log's files in memory, and segments of chosen records. For tests
// only.
#pragma once

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/log/log_files.h"
#include "broker/log/log_format.h"
#include "broker/log/stored_message.h"
#include "proto/journal.pb.h"

namespace tako::broker {

// Shares its bytes with the folder; a test changes them there.
class MemoryFile final : public LogFile {
 public:
  explicit MemoryFile(std::shared_ptr<std::string> bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] FileResult<std::size_t> read_at(std::uint64_t offset,
                                                std::span<char> bytes) const override {
    if (offset >= bytes_->size()) return 0;
    return bytes_->copy(bytes.data(), bytes.size(), static_cast<std::size_t>(offset));
  }
  [[nodiscard]] FileResult<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    if (bytes_->size() < offset + bytes.size()) bytes_->resize(offset + bytes.size());
    bytes_->replace(static_cast<std::size_t>(offset), bytes.size(), bytes);
    return {};
  }
  [[nodiscard]] FileResult<std::uint64_t> size() const override { return bytes_->size(); }
  [[nodiscard]] FileResult<void> truncate(std::uint64_t size) override {
    bytes_->resize(static_cast<std::size_t>(size));
    return {};
  }
  [[nodiscard]] FileResult<void> sync() override { return {}; }

 private:
  std::shared_ptr<std::string> bytes_;
};

class MemoryFolder final : public LogFolder {
 public:
  std::map<std::string, std::shared_ptr<std::string>> files;

  void put(const std::string& name, std::string bytes) {
    files[name] = std::make_shared<std::string>(std::move(bytes));
  }
  void put(std::uint64_t number, std::string bytes) {
    put(log_format::segment_name(number), std::move(bytes));
  }
  [[nodiscard]] std::string& bytes(std::uint64_t number) {
    return *files.at(log_format::segment_name(number));
  }

  [[nodiscard]] FileResult<std::vector<std::string>> list() const override {
    std::vector<std::string> names;
    names.reserve(files.size());
    for (const auto& [name, bytes] : files) names.push_back(name);
    return names;
  }
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> create(const std::string& name) override {
    if (files.contains(name)) return std::unexpected(EEXIST);
    put(name, "");
    return open(name, true);
  }
  [[nodiscard]] FileResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                                          bool /*writes*/) const override {
    const auto found = files.find(name);
    if (found == files.end()) return std::unexpected(ENOENT);
    return std::make_shared<MemoryFile>(found->second);
  }
  [[nodiscard]] FileResult<void> remove(const std::string& name) override {
    if (files.erase(name) == 0) return std::unexpected(ENOENT);
    return {};
  }
  [[nodiscard]] FileResult<void> rename(const std::string& from, const std::string& to) override {
    const auto found = files.find(from);
    if (found == files.end()) return std::unexpected(ENOENT);
    files[to] = found->second;
    files.erase(from);
    return {};
  }
  [[nodiscard]] FileResult<void> sync() override { return {}; }
};

// A segment, record by record.
class SegmentText {
 public:
  struct Span {
    std::uint64_t place = 0;
    std::uint64_t end = 0;  // with the pad
  };
  struct MessageWords {
    std::uint32_t stream = 0;
    Position position;
    std::int64_t time_ms = 1'000'000;
    std::uint32_t batch_rest = 0;
    std::uint8_t flags = log_format::kBatchFirst;
    MessageDraft draft = {.type = "t", .data = "1"};
  };

  explicit SegmentText(std::uint64_t number, std::uint64_t previous_size = 0)
      : header_{.number = number,
                .salt = 0x5eed'0000'0000'0000U + number,
                .previous_size = previous_size,
                .base_epoch = 7,
                .created_ms = 1'000'000},
        bytes_(log_format::encode(header_)) {}

  [[nodiscard]] const log_format::SegmentHeader& header() const { return header_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<Span>& spans() const { return spans_; }

  SegmentText& record(log_format::Kind kind, std::uint8_t flags, std::string_view body) {
    const std::uint64_t place = bytes_.size();
    log_format::append_record(bytes_, header_.salt, place, kind, flags, body);
    spans_.push_back({place, bytes_.size()});
    return *this;
  }
  SegmentText& message(const MessageWords& words) {
    const std::uint64_t place = bytes_.size();
    const StoredMessage message(words.draft, words.position, words.time_ms, words.batch_rest);
    log_format::append_message(bytes_, header_.salt, place, words.flags,
                               {.stream = words.stream,
                                .batch_rest = words.batch_rest,
                                .offset = words.position.offset,
                                .time_ms = words.time_ms},
                               message.record());
    spans_.push_back({place, bytes_.size()});
    return *this;
  }
  SegmentText& state(std::uint32_t stream, std::string_view key, Position head,
                     std::int64_t window_ms = 0) {
    proto::JournalState state;
    state.set_stream(stream);
    state.set_key(std::string(key));
    state.set_epoch(head.epoch.value);
    state.set_head(head.offset);
    state.set_window_ms(window_ms);
    state.set_messages_max(1'000);
    state.set_bytes_max(1'000'000);
    return record(log_format::Kind::State, 0, state.SerializeAsString());
  }
  // `number`: of the key itself.
  SegmentText& key(std::uint32_t stream, std::uint64_t number, Position first,
                   std::int64_t used_ms = 1'000'000) {
    proto::JournalKey key;
    key.set_stream(stream);
    key.set_key_low(number);
    key.set_offset(first.offset);
    key.set_epoch(first.epoch.value);
    key.set_used_ms(used_ms);
    return record(log_format::Kind::Key, 0, key.SerializeAsString());
  }
  SegmentText& start(std::uint64_t base_epoch, bool continues, std::uint64_t older_base = 0) {
    proto::JournalStart start;
    if (older_base != 0) start.add_older_bases()->set_epoch(older_base);
    start.set_base_epoch(base_epoch);
    start.set_continues(continues);
    return record(log_format::Kind::Start, 0, start.SerializeAsString());
  }
  SegmentText& end(std::uint64_t first_segment = 1) {
    proto::JournalEnd end;
    end.set_first_segment(first_segment);
    return record(log_format::Kind::End, 0, end.SerializeAsString());
  }

 private:
  log_format::SegmentHeader header_;
  std::string bytes_;
  std::vector<Span> spans_;
};

}  // namespace tako::broker
