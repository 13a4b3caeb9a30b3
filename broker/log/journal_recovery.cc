// Replays the records of every segment in order; then joins what was moved to what was not.
#include "broker/log/journal_recovery.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "broker/log/segment_scanner.h"
#include "common/check.h"
#include "proto/journal.pb.h"

namespace tako::broker {
namespace {

using log_format::FoundRecord;
using log_format::HeaderFault;
using log_format::Kind;

Error unusable(std::string why) {
  return {.code = ErrorCode::LogUnusable, .detail = std::move(why)};
}

template <typename Proto>
bool parse(Proto& proto, std::string_view body) {
  return proto.ParseFromArray(body.data(), static_cast<int>(body.size()));
}

// One pass over all segments.
class Replay {
 public:
  Replay(LogFolder& folder, const RecoveryOptions& options) : folder_(folder), options_(options) {}

  Result<JournalRecovery> run() {
    auto names = folder_.list();
    if (!names) return fail_with("the log folder can't be read", names.error());
    for (const std::string& name : *names) {
      const auto number = log_format::segment_number(name);
      if (!number) {
        out_.findings.foreign.push_back(name);
      } else if (auto opened = open_segment(*number, name); !opened) {
        return std::unexpected(opened.error());
      }
    }
    for (std::size_t i = 0; i < out_.segments.size(); ++i) {
      judge_place(i);
      if (auto replayed = replay(i); !replayed) return std::unexpected(replayed.error());
    }
    if (auto synced = sync_all(); !synced) return std::unexpected(synced.error());
    judge_ends();
    for (auto& [key, stream] : out_.streams) join(*stream);
    out_.continues = ended_in_order_ && !has_new_damage_;
    return std::move(out_);
  }

 private:
  static std::unexpected<Error> fail_with(std::string_view what, int error) {
    return std::unexpected(unusable(describe_file_error(what, error)));
  }

  Result<void> open_segment(std::uint64_t number, const std::string& name) {
    auto file = folder_.open(name, options_.repairs);
    if (!file) return fail_with("the segment " + name + " can't be opened", file.error());
    std::string head(log_format::kHeaderBytes, '\0');
    const auto got = (*file)->read_at(0, head);
    if (!got) return fail_with("the segment " + name + " can't be read", got.error());
    head.resize(*got);
    const log_format::ReadHeader read = log_format::decode_header(head);
    if (read.fault == HeaderFault::TooNew || read.fault == HeaderFault::TooOld) {
      return std::unexpected(
          unusable("the segment " + name + " has format " + std::to_string(read.header.version) +
                   ", this program reads " + std::to_string(log_format::kVersionMin) + " to " +
                   std::to_string(log_format::kVersion) + ": start the version that wrote it"));
    }
    if (read.fault != HeaderFault::None || read.header.number != number) {
      header_faults_.push_back({number, head.size() < log_format::kHeaderBytes});
      return {};
    }
    const auto size = (*file)->size();
    if (!size) return fail_with("the segment " + name + " can't be read", size.error());
    out_.segments.push_back({.header = read.header, .file = std::move(*file), .size = *size});
    return {};
  }

  void count_damage(std::uint64_t& finding, std::uint64_t count = 1) {
    finding += count;
    has_new_damage_ = has_new_damage_ || count > 0;
  }

  // Is it the next one, and is the one before as long as it was?
  void judge_place(std::size_t index) {
    if (index == 0) return;
    const RecoveredSegment& before = out_.segments[index - 1];
    const log_format::SegmentHeader& header = out_.segments[index].header;
    const std::uint64_t skipped = header.number - before.header.number - 1;
    count_damage(out_.findings.missing_segments, skipped);
    if (skipped == 0 && before.size < header.previous_size) {
      count_damage(out_.findings.cut_segments);
    }
  }

  // What a killed process wrote may be in the page cache only; what is built on it will be called
  // safe.
  Result<void> sync_all() {
    if (!options_.repairs) return {};
    for (const RecoveredSegment& segment : out_.segments) {
      if (const auto synced = segment.file->sync(); !synced) {
        return fail_with("a segment can't be synced", synced.error());
      }
    }
    const auto synced = folder_.sync();
    return synced ? Result<void>() : fail_with("the log folder can't be synced", synced.error());
  }

  void judge_ends() {
    const std::uint64_t last = out_.segments.empty() ? 0 : out_.segments.back().header.number;
    for (const auto& [number, is_short] : header_faults_) {
      out_.last_number = std::max(out_.last_number, number);
      // The newest may have been created, and not written, when the process or the power went.
      if (is_short && number > last) {
        out_.removable.push_back(number);
        ended_in_order_ = false;
      } else if (number > last) {
        count_damage(out_.findings.damaged_segments);
      } else {
        ++out_.findings.damaged_segments;  // and counted as missing where it should stand
      }
    }
    out_.last_number = std::max(out_.last_number, last);
    if (ended_in_order_ && !out_.segments.empty()) {
      const std::uint64_t first = out_.segments.front().header.number;
      if (first > first_at_end_)
        count_damage(out_.findings.missing_segments, first - first_at_end_);
    }
  }

  Result<void> replay(std::size_t index) {
    RecoveredSegment& segment = out_.segments[index];
    bound_.clear();
    is_last_ = index + 1 == out_.segments.size();
    if (!out_.base_epoch || out_.base_epoch->value != segment.header.base_epoch) {
      take_base(segment.header.base_epoch);
    }
    SegmentScanner scanner(*segment.file, segment.header, segment.size);
    slot_ = static_cast<std::uint32_t>(index + 1);
    while (true) {
      const SegmentScanner::Step step = scanner.next();
      if (step.what == SegmentScanner::What::End) break;
      if (step.what == SegmentScanner::What::Unreadable) {
        return fail_with("a segment can't be read", step.error);
      }
      if (step.what == SegmentScanner::What::Record) {
        if (auto taken = take(step); !taken) return taken;
        continue;
      }
      if (auto passed = pass_damage(step, segment); !passed) return passed;
    }
    drop_halves();
    out_.bytes += segment.size;
    return {};
  }

  Result<void> pass_damage(const SegmentScanner::Step& step, RecoveredSegment& segment) {
    ended_in_order_ = false;
    const std::uint64_t bytes = step.end - step.place;
    // What an earlier start has cut off can't be there again: so only the newest may be torn.
    if (step.what == SegmentScanner::What::Damage || !is_last_) {
      count_damage(out_.findings.damaged_records);
      out_.findings.damaged_bytes += bytes;
      return {};
    }
    out_.findings.torn_bytes += bytes;
    segment.size = step.place;
    if (!options_.repairs) return {};
    const auto cut = segment.file->truncate(step.place);
    if (!cut) return fail_with("the torn end of the log can't be cut off", cut.error());
    return {};
  }

  Result<void> take(const SegmentScanner::Step& step) {
    ++out_.records;
    const FoundRecord& record = step.record;
    const Place place{slot_, static_cast<std::uint32_t>(step.place / log_format::kAlignment)};
    const auto bytes = static_cast<std::uint32_t>(step.end - step.place);
    ended_in_order_ = record.kind == Kind::End;
    switch (record.kind) {
      case Kind::Message:
        take_message(record, place, bytes);
        return {};
      case Kind::State:
        take_state(record, place, bytes);
        return {};
      case Kind::Key:
        take_key(record, place, bytes);
        return {};
      case Kind::Start:
        take_start(record);
        return {};
      case Kind::Base: {
        proto::JournalBase base;
        if (parse(base, record.body)) take_base(base.base_epoch());
        return {};
      }
      case Kind::End: {
        proto::JournalEnd end;
        if (parse(end, record.body)) first_at_end_ = end.first_segment();
        return {};
      }
    }
    if ((record.flags & log_format::kIgnorable) != 0) return {};
    return std::unexpected(
        unusable("the log has records that this version does not know: start "
                 "the version that wrote it"));
  }

  JournalStream* bound(std::uint32_t number) {
    const auto found = bound_.find(number);
    return found == bound_.end() ? nullptr : found->second;
  }

  void take_message(const FoundRecord& record, Place place, std::uint32_t bytes) {
    JournalStream* stream = bound(record.message.stream);
    if (stream == nullptr) return;  // its state was damaged: counted there
    const log_format::MessageHead& head = record.message;
    const StreamEntry entry(place, bytes, head.time_ms, head.batch_rest,
                            (record.flags & log_format::kBatchFirst) != 0);
    if ((record.flags & log_format::kMoved) != 0) {
      stream->moved.push_back({head.offset, entry});
      return;
    }
    if (entry.is_batch_first()) drop_half(*stream);
    if (head.offset <= stream->head) return;  // one that was void
    if (head.offset != stream->head + 1) {
      // What is missing was in a place that is damaged; what stands before it can't be reached.
      count_damage(out_.findings.lost_runs);
      stream->entries.clear();
    }
    stream->entries.push_back(entry);
    stream->head = head.offset;
    stream->last_time_ms = std::max(stream->last_time_ms, head.time_ms);
  }

  // A batch of which only the beginning was written was never stored.
  static void drop_half(JournalStream& stream) {
    if (stream.entries.empty() || stream.entries.back().batch_rest() == 0) return;
    while (!stream.entries.empty()) {
      const bool is_first = stream.entries.back().is_batch_first();
      stream.entries.pop_back();
      --stream.head;
      if (is_first) return;
    }
  }
  // A batch never goes on in another segment.
  void drop_halves() {
    for (const auto& [number, stream] : bound_) drop_half(*stream);
  }

  void take_state(const FoundRecord& record, Place place, std::uint32_t bytes) {
    proto::JournalState state;
    if (!parse(state, record.body)) return;
    auto& stream = out_.streams[state.key()];
    if (stream == nullptr) stream = std::make_unique<JournalStream>();
    drop_half(*stream);
    stream->key = state.key();
    stream->about = state.about();
    stream->epoch = Epoch{state.epoch()};
    stream->older_epochs.clear();
    for (const proto::JournalEpochEnd& end : state.older_epochs()) {
      stream->older_epochs.push_back({Epoch{end.epoch()}, end.end_offset()});
    }
    stream->retention = {.window_ms = state.window_ms(),
                         .messages_max = static_cast<std::size_t>(state.messages_max()),
                         .bytes_max = static_cast<std::size_t>(state.bytes_max())};
    stream->last_time_ms = std::max(stream->last_time_ms, state.last_time_ms());
    stream->quiet_until_ms = state.quiet_until_ms();
    stream->state = place;
    stream->state_bytes = bytes;
    set_head(*stream, state.head());
    bound_[state.stream()] = stream.get();
  }

  // The stream as the state has it: one that began anew has none of its earlier messages.
  void set_head(JournalStream& stream, std::uint64_t head) {
    if (head > stream.head) {
      if (!stream.entries.empty()) count_damage(out_.findings.lost_runs);
      stream.entries.clear();
    }
    while (stream.head > head && !stream.entries.empty()) {
      stream.entries.pop_back();
      --stream.head;
    }
    stream.head = head;
    std::erase_if(stream.moved, [head](const auto& moved) { return moved.offset > head; });
    if (head == 0) stream.keys.clear();
  }

  void take_key(const FoundRecord& record, Place place, std::uint32_t bytes) {
    proto::JournalKey key;
    JournalStream* stream = parse(key, record.body) ? bound(key.stream()) : nullptr;
    if (stream == nullptr) return;
    stream->keys.push_back({.key = {.use = {.key = {key.key_low(), key.key_high()},
                                            .body = {key.body_low(), key.body_high()}},
                                    .first = {key.offset(), Epoch{key.epoch()}},
                                    .used_ms = key.used_ms()},
                            .place = place,
                            .bytes = bytes});
  }

  // A head was forgotten: from here on a stream that begins may have had messages before.
  void take_base(std::uint64_t epoch) {
    out_.base_epoch = Epoch{epoch};
    out_.older_bases.clear();
  }

  void take_start(const FoundRecord& record) {
    proto::JournalStart start;
    if (!parse(start, record.body)) return;
    take_base(start.base_epoch());
    for (const proto::JournalEpochEnd& end : start.older_bases()) {
      out_.older_bases.push_back({Epoch{end.epoch()}, 0});
    }
    has_new_damage_ = false;  // that process has seen it, and begun new epochs
    if (start.continues()) return;
    drop_halves();
    for (auto& [key, stream] : out_.streams) {
      end_epoch(*out_.base_epoch, stream->head, stream->epoch, stream->older_epochs,
                options_.older_epochs_max);
    }
  }

  // Puts moved messages before the others, as far as there is no hole up to the head.
  void join(JournalStream& stream) {
    if (!stream.moved.empty()) put_moved_before(stream);
    // The beginning of a batch may be gone with a segment: then the rest of it is of no use.
    while (!stream.entries.empty() && !stream.entries.front().is_batch_first()) {
      stream.entries.pop_front();
    }
    std::ranges::stable_sort(stream.keys, {}, [](const auto& key) { return key.key.used_ms; });
    // Of one that was moved there may be two.
    std::set<Digest> seen;
    std::erase_if(stream.keys, [&seen](const JournalStream::Key& key) {
      return !seen.insert(key.key.use.key).second;
    });
  }

  static void put_moved_before(JournalStream& stream) {
    std::ranges::stable_sort(stream.moved, {}, &JournalStream::Moved::offset);
    std::uint64_t next = stream.head - stream.entries.size();  // the offset still to be found
    std::vector<StreamEntry> before;
    for (auto moved = stream.moved.rbegin(); moved != stream.moved.rend(); ++moved) {
      if (moved->offset > next) continue;  // a copy of one that is there
      if (moved->offset < next) break;     // a hole
      before.push_back(moved->entry);
      --next;
    }
    stream.moved.clear();
    if (before.empty()) return;
    Ring<StreamEntry> joined;
    for (auto entry = before.rbegin(); entry != before.rend(); ++entry) joined.push_back(*entry);
    for (std::size_t i = 0; i < stream.entries.size(); ++i) joined.push_back(stream.entries[i]);
    stream.entries = std::move(joined);
  }

  LogFolder& folder_;
  const RecoveryOptions& options_;
  JournalRecovery out_;
  std::vector<std::pair<std::uint64_t, bool>> header_faults_;  // number, is shorter than a header
  std::unordered_map<std::uint32_t, JournalStream*> bound_;    // in the segment that is replayed
  std::uint32_t slot_ = 0;
  bool is_last_ = false;
  std::uint64_t first_at_end_ = 0;
  bool ended_in_order_ = false;
  bool has_new_damage_ = false;
};

}  // namespace

Result<JournalRecovery> recover_journal(LogFolder& folder, const RecoveryOptions& options) {
  return Replay(folder, options).run();
}

bool end_epoch(Epoch epoch, std::uint64_t head, Epoch& current, std::vector<EpochEnd>& older,
               std::size_t older_max) {
  if (head > 0) older.push_back({current, head});
  current = epoch;
  if (older.size() <= older_max) return false;
  older.erase(older.begin());
  return true;
}

std::string describe_file_error(std::string_view what, int error) {
  return std::string(what) + ": " + std::generic_category().message(error);
}

}  // namespace tako::broker
