// Segments that are to go, and idempotency keys whose time is over.
#include <algorithm>

#include "broker/log/disk_log.h"
#include "common/check.h"
#include "proto/journal.pb.h"

namespace tako::broker {
namespace {

constexpr std::size_t kSpareSegments = 4;
// Files that a crash loop may leave, small as they are.
constexpr std::size_t kSegmentsMin = 32;

}  // namespace

void DiskLog::consider_moving() {
  const std::uint32_t oldest = journal_.oldest_slot();
  if (mover_.is_active() || oldest == 0 || is_full_ || is_failed_ || is_closing_) return;
  if (journal_.held_in(oldest) == 0) return;  // It goes by itself after the next sync.
  const std::uint64_t needed = journal_.held_bytes();
  const std::uint64_t spare = kSpareSegments * segment_bytes();
  const std::uint64_t segments_max =
      kSegmentsMin + 2 * seams_.limits.log_bytes_max / segment_bytes();
  if (journal_.disk_bytes() > std::max(2 * needed, needed + spare) ||
      journal_.segments() > segments_max) {
    mover_.start(oldest);
  }
}

void DiskLog::move_record(const std::string& key, const SegmentRecord& record) {
  const auto open = by_key_.find(key);
  const std::uint64_t place = record.place.packed();
  if (open == by_key_.end()) {
    const QuietHead* quiet = streams_.quiet().find(key);
    const bool is_state = record.kind == log_format::Kind::State;
    if (quiet != nullptr && is_state && quiet->stated_at.place == place) put_quiet_state(key);
    return;
  }
  const StreamId id = open->second;
  switch (record.kind) {
    case log_format::Kind::Message:
      return move_message(id, record);
    case log_format::Kind::Key:
      return move_key(id, record);
    case log_format::Kind::State:
      if (at(id).stated_at.place != place) return;
      begin_group(state_room(at(id)));
      if (at(id).stated_in != journal_.active_number()) put_state(id);
      return;
    default:
      return;
  }
}

void DiskLog::move_message(StreamId id, const SegmentRecord& record) {
  const std::uint64_t offset = record.head.offset;
  const auto is_needed = [offset, place = record.place](const DiskStream* stream) {
    return stream != nullptr && stream->oldest() <= offset && offset <= stream->head &&
           stream->entry(offset).place() == place;
  };
  DiskStream& stream = at(id);
  if (!is_needed(&stream)) return;
  const std::size_t bytes = log_format::padded(log_format::kMessageHeadBytes + record.body.size());
  begin_group(bytes + state_room(stream));
  if (stream.stated_in != journal_.active_number()) put_state(id);
  log_format::MessageHead head = record.head;
  head.stream = id;
  const std::uint8_t flags = record.flags | log_format::kMoved;
  const StreamEntry moved(journal_.put_message(flags, head, record.body), bytes, head.time_ms,
                          head.batch_rest, (flags & log_format::kBatchFirst) != 0);
  unwritten_.push_back({.round = journal_.round(),
                        .written =
                            [this, id, birth = stream.birth, offset, moved, is_needed] {
                              DiskStream* held = find(id, birth);
                              if (!is_needed(held)) return;
                              StreamEntry& entry = held->entry(offset);
                              journal_.hold(moved.place(), moved.bytes());
                              journal_.release(entry.place(), entry.bytes());
                              entry = moved;
                              ++moved_;
                            },
                        .failed = [](int) {}});
}

void DiskLog::move_key(StreamId id, const SegmentRecord& record) {
  proto::JournalKey key;
  if (!key.ParseFromString(record.body)) return;
  // Keys stand in the order of their use; several may be of one time.
  const auto find_key = [](DiskStream& stream, std::int64_t used_ms,
                           Place place) -> DiskStream::KeyEntry* {
    std::size_t low = 0;
    std::size_t high = stream.keys.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (stream.keys[middle].used_ms < used_ms) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    for (; low < stream.keys.size() && stream.keys[low].used_ms == used_ms; ++low) {
      if (stream.keys[low].place == place) return &stream.keys[low];
    }
    return nullptr;
  };
  DiskStream& stream = at(id);
  if (find_key(stream, key.used_ms(), record.place) == nullptr) return;
  key.set_stream(id);
  const std::string body = key.SerializeAsString();
  const auto bytes =
      static_cast<std::uint32_t>(log_format::padded(log_format::kRecordHeadBytes + body.size()));
  begin_group(bytes + state_room(stream));
  if (stream.stated_in != journal_.active_number()) put_state(id);
  const Place place = journal_.put(log_format::Kind::Key, log_format::kMoved, body);
  unwritten_.push_back({.round = journal_.round(),
                        .written =
                            [this, id, birth = stream.birth, used_ms = key.used_ms(),
                             from = record.place, place, bytes, find_key] {
                              DiskStream* held = find(id, birth);
                              DiskStream::KeyEntry* entry =
                                  held == nullptr ? nullptr : find_key(*held, used_ms, from);
                              if (entry == nullptr) return;
                              journal_.hold(place, bytes);
                              journal_.release(entry->place, entry->bytes);
                              entry->place = place;
                              entry->bytes = bytes;
                              ++moved_;
                            },
                        .failed = [](int) {}});
}

// What is still held there was not among the records that could be read.
void DiskLog::on_moved(std::uint32_t slot) {
  if (journal_.held_in(slot) > 0) {
    const auto& all = streams_.all();
    for (StreamId id = 0; id < all.size(); ++id) {
      auto* stream = static_cast<DiskStream*>(all[id].get());
      if (stream == nullptr) continue;
      std::uint64_t lost = 0;
      for (std::uint64_t offset = stream->oldest(); offset <= stream->head; ++offset) {
        if (stream->entry(offset).place().slot == slot) lost = offset;
      }
      if (lost != 0) drop_unreadable(id, lost);
      if (stream->stated_at.place != 0 &&
          Place::from_packed(stream->stated_at.place).slot == slot) {
        begin_group(state_room(*stream));
        put_state(id);
      }
      drop_keys_in(id, slot);
    }
    for (const std::string& key : streams_.quiet().keys_in(slot)) put_quiet_state(key);
    journal_.submit();
  }
  if (!journal_.is_all_synced()) journal_.sync();
  journal_.remove_dead();
}

// Lost on the disk: they still work until this process ends.
void DiskLog::drop_keys_in(StreamId id, std::uint32_t slot) {
  DiskStream& stream = at(id);
  Ring<DiskStream::KeyEntry> kept;
  for (std::size_t i = 0; i < stream.keys.size(); ++i) {
    const DiskStream::KeyEntry& key = stream.keys[i];
    if (key.place.slot == slot) {
      journal_.release(key.place, key.bytes);
    } else {
      kept.push_back(key);
    }
  }
  stream.keys = std::move(kept);
  list_keys(id);
}

void DiskLog::list_keys(StreamId id) {
  DiskStream& stream = at(id);
  keys_by_expiry_.erase({stream.keys_expire_ms, id});
  if (stream.keys.empty()) return;
  stream.keys_expire_ms = stream.keys.front().used_ms +
                          key_lifetime_ms(stream.retention, seams_.limits.forgotten_head_ttl_ms);
  keys_by_expiry_.emplace(stream.keys_expire_ms, id);
}

void DiskLog::drop_front_key(StreamId id) {
  DiskStream& stream = at(id);
  const DiskStream::KeyEntry key = stream.keys.front();
  stream.keys.pop_front();
  journal_.release(key.place, key.bytes);
  list_keys(id);
}

void DiskLog::expire_keys() {
  constexpr int kKeysMax = 5'000;  // of one call
  const std::int64_t now_ms = seams_.clock.wall_ms();
  for (int i = 0; i < kKeysMax && !keys_by_expiry_.empty(); ++i) {
    const auto [expires_ms, id] = *keys_by_expiry_.begin();
    if (expires_ms > now_ms) return;
    drop_front_key(id);
  }
}

}  // namespace tako::broker
