// The streams as the files have them, at the start of the process.
#include <algorithm>

#include "broker/log/disk_log.h"
#include "common/check.h"

namespace tako::broker {
namespace {

std::string counted(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string(what);
}

void append_finding(std::string& out, std::uint64_t count, std::string_view what) {
  if (count == 0) return;
  if (!out.empty()) out += ", ";
  out += counted(count, what);
}

}  // namespace

void DiskLog::restore(JournalRecovery& recovery) {
  for (std::size_t i = 0; i < recovery.segments.size(); ++i) {
    RecoveredSegment& segment = recovery.segments[i];
    const std::uint32_t slot =
        journal_.restore(segment.header, std::move(segment.file), segment.size);
    TAKO_CHECK(slot == i + 1);  // as the recovery has counted them
  }
  journal_.skip_through(recovery.last_number);
  for (const std::uint64_t number : recovery.removable) {
    static_cast<void>(disk_.folder.remove(log_format::segment_name(number)));
  }
  continues_ = recovery.continues;
  if (continues_) {
    streams_.restore_base(*recovery.base_epoch, std::move(recovery.older_bases));
  } else if (recovery.base_epoch) {
    recovery.older_bases.push_back({*recovery.base_epoch, 0});
    if (recovery.older_bases.size() > seams_.limits.older_epochs_max) {
      recovery.older_bases.erase(recovery.older_bases.begin());
    }
    streams_.restore_base(streams_.base_epoch(), std::move(recovery.older_bases));
  }
  bool has_forgotten = false;
  for (auto& [key, stream] : recovery.streams) {
    if (!continues_ && end_epoch(streams_.base_epoch(), stream->head, stream->epoch,
                                 stream->older_epochs, seams_.limits.older_epochs_max)) {
      ++seams_.counters.older_epochs_max;
    }
    std::erase_if(stream->keys, [this, &stream](const JournalStream::Key& key) {
      const std::int64_t lifetime_ms =
          key_lifetime_ms(stream->retention, seams_.limits.forgotten_head_ttl_ms);
      return key.key.used_ms + lifetime_ms <= seams_.clock.wall_ms();
    });
    if (!stream->entries.empty() || !stream->keys.empty()) {
      restore_stream(*stream);
    } else if (stream->head > 0 && !restore_quiet(*stream)) {
      has_forgotten = true;
    }
  }
  if (has_forgotten) streams_.restore_base(make_epoch(seams_.random.next()), {});
  streams_.hold_total(std::nullopt);
  report(recovery);
}

void DiskLog::restore_stream(JournalStream& from) {
  auto made = std::make_unique<DiskStream>(journal_, hot_tail_);
  DiskStream& stream = *made;
  stream.key = std::move(from.key);
  stream.about = std::move(from.about);
  stream.birth = ++births_;
  stream.epoch = from.epoch;
  stream.head = stream.given = from.head;
  stream.last_time_ms = from.last_time_ms;
  stream.retention = from.retention;
  stream.older_epochs = std::move(from.older_epochs);
  stream.stated_at = {.place = from.state.packed(), .bytes = from.state_bytes};
  journal_.hold(from.state, from.state_bytes);
  stream.entries = std::move(from.entries);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < stream.entries.size(); ++i) {
    const StreamEntry& entry = stream.entries[i];
    journal_.hold(entry.place(), entry.bytes());
    bytes += entry.bytes();
  }
  RecoveredStream recovered{.stream = 0,
                            .key = stream.key,
                            .about = stream.about,
                            .retention = stream.retention,
                            .keys = {}};
  for (const JournalStream::Key& key : from.keys) {
    journal_.hold(key.place, key.bytes);
    stream.keys.push_back({.place = key.place, .bytes = key.bytes, .used_ms = key.key.used_ms});
    recovered.keys.push_back(key.key);
  }
  recovered.stream = streams_.restore(std::move(made), bytes);
  by_key_.emplace(stream.key, recovered.stream);
  list_keys(recovered.stream);
  recovered_.push_back(std::move(recovered));
}

bool DiskLog::restore_quiet(JournalStream& from) {
  const std::int64_t now_ms = seams_.clock.wall_ms();
  const std::int64_t expires_ms =
      from.quiet_until_ms > 0 ? from.quiet_until_ms : now_ms + seams_.limits.forgotten_head_ttl_ms;
  if (expires_ms <= now_ms || seams_.limits.forgotten_heads_max == 0) return false;
  QuietHeads& quiet = streams_.quiet();
  bool is_kept = true;
  if (quiet.size() >= seams_.limits.forgotten_heads_max) {
    ++seams_.counters.forgotten_heads_max;
    if (const auto dropped = quiet.drop_first()) on_head_forgotten(*dropped);
    is_kept = false;
  }
  journal_.hold(from.state, from.state_bytes);
  streams_.restore_quiet(from.key,
                         {.head = {from.head, from.epoch},
                          .older_epochs = std::move(from.older_epochs),
                          .stated_at = {.place = from.state.packed(), .bytes = from.state_bytes}},
                         expires_ms);
  return is_kept;
}

void DiskLog::report(const JournalRecovery& recovery) {
  if (!recovery.base_epoch) {
    disk_.info("the log folder is empty, a new log begins");
    return;
  }
  const LogStats now = streams_.stats();
  disk_.info("log recovered: " + counted(now.messages, "messages of ") +
             counted(now.streams, "channels, ") + counted(now.quiet_heads, "quiet channels, ") +
             counted(recovery.segments.size(), "segments, ") +
             counted(recovery.bytes >> 20U, "MiB; ") +
             (continues_ ? "every epoch continues" : "it did not end in order: new epochs begin"));
  const RecoveryFindings& found = recovery.findings;
  std::string damage;
  append_finding(damage, found.torn_bytes, "bytes torn off at the end");
  append_finding(damage, found.damaged_records, "damaged places");
  append_finding(damage, found.damaged_bytes, "damaged bytes");
  append_finding(damage, found.missing_segments, "segments missing");
  append_finding(damage, found.cut_segments, "segments cut short");
  append_finding(damage, found.damaged_segments, "segments without a right header");
  append_finding(damage, found.lost_runs, "channels with messages lost");
  if (!damage.empty()) disk_.warn("found in the log: " + damage);
  corrupt_ += found.damaged_records + found.damaged_segments;
  for (const std::string& name : found.foreign) {
    disk_.warn("not a file of the log, left alone: " + name);
  }
}

}  // namespace tako::broker
