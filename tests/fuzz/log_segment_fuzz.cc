// The log's files: whatever is in them, a start ends, and gives only what was written.
//
// First byte even: the rest is a segment's file as it is. Odd: the rest is a life of a log, two
// bytes a step: it is written as a broker would, then damaged; so inputs get behind the checksums.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/inspect/log_check.h"
#include "broker/inspect/log_dump.h"
#include "broker/inspect/log_stats.h"
#include "broker/log/journal_recovery.h"
#include "broker/log/memory_folder.h"
#include "broker/log/segment_scanner.h"
#include "broker/log/test_segments.h"
#include "common/check.h"

namespace {

using tako::Epoch;
using namespace tako::broker;

// What may be hashed behind damage grows with the square of this.
constexpr std::size_t kInputBytesMax = std::size_t{16} << 10U;
constexpr std::uint32_t kStreams = 3;

// A message's data says whose it is, so that a wrong one is noticed.
std::string data_of(const std::string& key, std::uint64_t offset) {
  return '"' + key + '/' + std::to_string(offset) + '"';
}

class Life {
 public:
  explicit Life(std::string_view steps) : text_(1) {
    text_.start(7, false);
    for (std::size_t i = 0; i + 2 <= steps.size(); i += 2) {
      step(static_cast<std::uint8_t>(steps[i]), static_cast<std::uint8_t>(steps[i + 1]));
    }
    close();
  }
  [[nodiscard]] MemoryFolder& folder() { return folder_; }

 private:
  struct Stream {
    std::uint64_t head = 0;
    bool is_stated = false;  // in this segment
  };

  static std::string key_of(std::uint32_t stream) { return "1:a" + std::string(1 + stream, 'c'); }

  void step(std::uint8_t what, std::uint8_t how) {
    const std::uint32_t stream = how % kStreams;
    switch (what % 10) {
      case 0:
      case 1:
      case 2:
        return append(stream, 1 + how / kStreams % 4U);
      case 3:
        state(stream);
        text_.key(stream, how, {streams_[stream].head, epoch_});
        return;
      case 4:
        text_.end(1);
        return;
      case 5:
        text_.start(epoch_.value, true);
        return;
      case 6:
        epoch_ = Epoch{epoch_.value + 1};
        text_.start(epoch_.value, false);
        return;
      case 7:
        return next_segment();
      case 8:
        return move(stream);
      default:
        damages_.push_back({what, how});
    }
  }

  void state(std::uint32_t stream) {
    Stream& of = streams_[stream];
    if (!std::exchange(of.is_stated, true)) text_.state(stream, key_of(stream), {of.head, epoch_});
  }
  void append(std::uint32_t stream, std::uint32_t count) {
    state(stream);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t offset = ++streams_[stream].head;
      put(stream, offset, count - 1 - i, i == 0 ? log_format::kBatchFirst : std::uint8_t{0});
    }
  }
  // The newest message once more, as if its segment were to go.
  void move(std::uint32_t stream) {
    if (streams_[stream].head == 0) return;
    state(stream);
    put(stream, streams_[stream].head, 0, log_format::kBatchFirst | log_format::kMoved);
  }
  void put(std::uint32_t stream, std::uint64_t offset, std::uint32_t batch_rest,
           std::uint8_t flags) {
    text_.message({.stream = stream,
                   .position = {offset, epoch_},
                   .batch_rest = batch_rest,
                   .flags = flags,
                   .draft = {.type = "t", .data = data_of(key_of(stream), offset)}});
  }

  void next_segment() {
    const std::uint64_t size = text_.bytes().size();
    close();
    text_ = SegmentText(text_.header().number + 1, size);
    for (auto& [number, stream] : streams_) stream.is_stated = false;
  }
  // Damages what was written, as the steps have said, and puts it into the folder.
  void close() {
    std::string bytes = text_.bytes();
    bool is_there = true;
    for (const auto& [what, how] : damages_) {
      const std::size_t at = (std::size_t{how} << 8U | what) % bytes.size();
      switch (what / 10 % 5) {
        case 0:
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << how % 8));
          break;
        case 2:
          bytes.resize(std::max(at, std::size_t{1}));
          break;
        case 3:
          bytes.insert(at, std::string(how % 24, static_cast<char>(how)));
          break;
        default:
          is_there = false;
      }
    }
    damages_.clear();
    if (is_there) folder_.put(text_.header().number, bytes);
  }

  MemoryFolder folder_;
  SegmentText text_;
  Epoch epoch_{7};
  std::map<std::uint32_t, Stream> streams_;
  std::vector<std::pair<std::uint8_t, std::uint8_t>> damages_;
};

// Each entry is a whole message of its stream, at its offset, in a whole batch.
void check_streams(const JournalRecovery& recovery, bool knows_data) {
  for (const auto& [key, stream] : recovery.streams) {
    TAKO_CHECK(stream->entries.size() <= stream->head);
    std::uint64_t offset = stream->head - stream->entries.size();
    for (std::size_t i = 0; i < stream->entries.size(); ++i) {
      const StreamEntry& entry = stream->entries[i];
      const RecoveredSegment& segment = recovery.segments.at(entry.place().slot - 1);
      TAKO_CHECK(entry.place().at() + entry.bytes() <= segment.size + log_format::kAlignment);
      std::string bytes(entry.bytes(), '\0');
      bytes.resize(segment.file->read_at(entry.place().at(), bytes).value());
      const auto found = log_format::decode_record(bytes, segment.header.salt, entry.place().at());
      TAKO_CHECK(found && found->kind == log_format::Kind::Message);
      TAKO_CHECK(found->message.offset == ++offset);
      if (!knows_data) continue;
      const auto message = StoredMessage::parse(std::string(found->body));
      TAKO_CHECK(message != nullptr && message->data() == data_of(key, offset));
      TAKO_CHECK(i + entry.batch_rest() < stream->entries.size());
    }
    if (!stream->entries.empty()) TAKO_CHECK(stream->entries[0].is_batch_first());
  }
}

// As takoctl reads it.
void inspect(const MemoryFolder& folder, bool is_recovered) {
  auto log = LogSnapshot::take(folder);
  TAKO_CHECK(log.has_value());
  const LogCheck check = check_log(**log);
  TAKO_CHECK(check.refusal.empty() == is_recovered);
  const auto ignore = [](std::string_view line) { return line.find('\n') == line.npos; };
  TAKO_CHECK(dump_records(**log, {}, ignore).has_value());
  const auto recovery = recover_journal(**log, {.repairs = false});
  TAKO_CHECK(recovery.has_value() == is_recovered);
  if (!recovery) return;
  TAKO_CHECK(log_stats(*recovery, 0).live_bytes <= log_stats(*recovery, 0).file_bytes);
  TAKO_CHECK(dump_messages(*recovery, {}, std::nullopt, 0, ignore).has_value());
}

void check_log_of(MemoryFolder& folder, bool knows_data) {
  const auto beside = recover_journal(folder, {.repairs = false});
  inspect(folder, beside.has_value());
  auto first = recover_journal(folder, {});
  TAKO_CHECK(first.has_value() == beside.has_value());
  if (!first) {
    TAKO_CHECK(!knows_data);  // What a broker wrote is never of another version.
    return;
  }
  check_streams(*first, knows_data);
  for (const std::uint64_t number : first->removable) {
    TAKO_CHECK(folder.remove(log_format::segment_name(number)).has_value());
  }
  // The second start finds what the first has left, and nothing to repair.
  const auto second = recover_journal(folder, {});
  TAKO_CHECK(second.has_value());
  TAKO_CHECK(second->findings.torn_bytes == 0 && second->removable.empty());
  TAKO_CHECK(second->streams.size() == first->streams.size());
  for (const auto& [key, stream] : second->streams) {
    TAKO_CHECK(stream->head == first->streams.at(key)->head);
    TAKO_CHECK(stream->entries.size() == first->streams.at(key)->entries.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kInputBytesMax) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 1) {
    Life life(input.substr(0, 256));
    check_log_of(life.folder(), true);
    return 0;
  }
  MemoryFolder folder;
  folder.put(1, std::string(input));
  check_log_of(folder, false);
  return 0;
}
