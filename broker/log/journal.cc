// Rounds of bytes for a writer, and of files for a syncer.
#include "broker/log/journal.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/check.h"

namespace tako::broker {
namespace {

using log_format::kHeaderBytes;

constexpr std::size_t kRestingSlots = 1'024;

// Errors after which nothing was written, and which may pass: the caller is refused. After any
// other it is not known what the disk holds.
bool is_refusal(int error) {
  constexpr int kRefusals[] = {ENOSPC, EDQUOT, EFBIG,  EROFS,  EACCES,
                               EPERM,  EMFILE, ENFILE, ENOMEM, ENOENT};
  return std::ranges::find(kRefusals, error) != std::end(kRefusals);
}

}  // namespace

// A segment's open file; the writer fills it in, and the loop reads it when the round is done.
struct Journal::Cell {
  std::shared_ptr<LogFile> file;
};

struct Journal::Segment {
  std::uint64_t number = 0;
  std::uint64_t salt = 0;
  std::uint64_t size = 0;           // with what gathers
  std::uint64_t written_size = 0;   // in the file
  std::size_t held = 0;             // records that are needed
  std::uint64_t emptied_round = 0;  // the round that had been written when the last one went
  bool is_own = false;              // of this process: one of an earlier is not written to again
  std::shared_ptr<Cell> cell = std::make_shared<Cell>();
};

// Bytes that follow each other in one segment.
struct Journal::Chunk {
  std::uint32_t slot = 0;
  std::shared_ptr<Cell> cell;
  std::string name;  // of a file to create; else empty
  std::uint64_t at = 0;
  std::string bytes;
};

struct Journal::Round {
  std::uint64_t number = 0;
  std::vector<Chunk> chunks;
  // What came of it; the writer's.
  int error = 0;
  bool is_undone = true;  // after an error: nothing of the round is in the files

  [[nodiscard]] std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const Chunk& chunk : chunks) bytes += chunk.bytes.size();
    return bytes;
  }
  void write(LogFolder& folder) {
    std::size_t begun = 0;
    for (Chunk& chunk : chunks) {
      ++begun;
      if (error = write_chunk(folder, chunk); error != 0) break;
    }
    if (error == 0) return;
    // What was refused must not be found by the next start.
    while (begun-- > 0) is_undone = undo_chunk(folder, chunks[begun]) && is_undone;
  }

 private:
  static int write_chunk(LogFolder& folder, Chunk& chunk) {
    if (!chunk.name.empty()) {
      auto file = folder.create(chunk.name);
      if (!file) return file.error();
      chunk.cell->file = std::move(*file);
    }
    const auto written = chunk.cell->file->write_at(chunk.at, chunk.bytes);
    return written ? 0 : written.error();
  }
  static bool undo_chunk(LogFolder& folder, const Chunk& chunk) {
    if (chunk.name.empty()) return chunk.cell->file->truncate(chunk.at).has_value();
    if (chunk.cell->file == nullptr) return true;
    chunk.cell->file.reset();
    const auto removed = folder.remove(chunk.name);
    return removed || removed.error() == ENOENT;
  }
};

Journal::Journal(const JournalSeams& seams, JournalOwner& owner)
    : seams_(seams), owner_(owner), gathering_(std::make_shared<Round>()) {
  gathering_->number = 1;
  slots_.emplace_back();
}

Journal::~Journal() { *is_alive_ = false; }

std::uint32_t Journal::restore(const log_format::SegmentHeader& header,
                               std::shared_ptr<LogFile> file, std::uint64_t size) {
  TAKO_CHECK(active_ == 0 && header.number >= next_number_);
  const std::uint32_t slot = take_slot();
  Segment& made = segment(slot);
  made.number = header.number;
  made.salt = header.salt;
  made.size = made.written_size = size;
  made.cell->file = std::move(file);
  order_.push_back(slot);
  disk_bytes_ += size;
  next_number_ = header.number + 1;
  return slot;
}

std::uint64_t Journal::begin_group(std::size_t bytes) {
  if (active_ == 0 || (segment(active_).size > kHeaderBytes &&
                       segment(active_).size + bytes > seams_.segment_bytes)) {
    begin_segment();
  }
  return segment(active_).number;
}

void Journal::begin_segment() {
  const std::uint64_t previous_size = order_.empty() ? 0 : segment(order_.back()).size;
  active_ = take_slot();
  order_.push_back(active_);
  Segment& made = segment(active_);
  made.number = next_number_++;
  made.salt = seams_.random.next();
  made.size = kHeaderBytes;
  made.emptied_round = gathering_->number;
  made.is_own = true;
  disk_bytes_ += kHeaderBytes;
  gathering_->chunks.push_back(
      {.slot = active_,
       .cell = made.cell,
       .name = log_format::segment_name(made.number),
       .at = 0,
       .bytes = log_format::encode({.number = made.number,
                                    .salt = made.salt,
                                    .previous_size = previous_size,
                                    .base_epoch = owner_.base_epoch(),
                                    .created_ms = seams_.clock.wall_ms()})});
}

Journal::Chunk& Journal::chunk() {
  TAKO_CHECK(active_ != 0);
  std::vector<Chunk>& chunks = gathering_->chunks;
  if (chunks.empty() || chunks.back().slot != active_) {
    const Segment& active = segment(active_);
    chunks.push_back(
        {.slot = active_, .cell = active.cell, .name = {}, .at = active.size, .bytes = {}});
  }
  return chunks.back();
}

Place Journal::put(log_format::Kind kind, std::uint8_t flags, std::string_view body) {
  Chunk& to = chunk();
  const std::size_t begin = to.bytes.size();
  log_format::append_record(to.bytes, segment(active_).salt, to.at + begin, kind, flags, body);
  return placed(begin, to);
}

Place Journal::put_message(std::uint8_t flags, const log_format::MessageHead& head,
                           std::string_view record) {
  Chunk& to = chunk();
  const std::size_t begin = to.bytes.size();
  log_format::append_message(to.bytes, segment(active_).salt, to.at + begin, flags, head, record);
  return placed(begin, to);
}

Place Journal::placed(std::size_t begin, Chunk& chunk) {
  const std::size_t bytes = chunk.bytes.size() - begin;
  segment(active_).size += bytes;
  disk_bytes_ += bytes;
  return {active_, static_cast<std::uint32_t>((chunk.at + begin) / log_format::kAlignment)};
}

void Journal::submit() {
  if (writing_ != nullptr || is_dead_ || gathering_->chunks.empty()) return;
  writing_ = std::move(gathering_);
  gathering_ = std::make_shared<Round>();
  gathering_->number = writing_->number + 1;
  seams_.writer.run([round = writing_, &folder = seams_.folder] { round->write(folder); },
                    [this, is_alive = is_alive_, round = writing_] {
                      if (*is_alive) on_round_done(round);
                    });
}

void Journal::on_round_done(const std::shared_ptr<Round>& round) {
  if (round->error != 0) {
    writing_.reset();
    if (!is_refusal(round->error) || !round->is_undone) {
      fail_for_good("write", round->error);
      return;
    }
    gathering_->chunks.insert(gathering_->chunks.begin(),
                              std::make_move_iterator(round->chunks.begin()),
                              std::make_move_iterator(round->chunks.end()));
    abandon_unwritten();
    owner_.on_write_failed(round->error);
    return;
  }
  ++counters_.writes;
  for (const Chunk& chunk : round->chunks) {
    counters_.written_bytes += chunk.bytes.size();
    segment(chunk.slot).written_size = chunk.at + chunk.bytes.size();
    if (unsynced_.empty() || unsynced_.back() != chunk.cell) unsynced_.push_back(chunk.cell);
    is_folder_unsynced_ = is_folder_unsynced_ || !chunk.name.empty();
  }
  if (has_begun_) {
    finish_round(round->number);
  } else {
    sync();  // and then it is finished
  }
}

void Journal::finish_round(std::uint64_t round) {
  writing_.reset();
  written_round_ = round;
  owner_.on_written(written_round_);
  submit();
  if (wants_sync_) sync();
}

// Of the round that failed and of the one that gathered behind it: both are in gathering_.
void Journal::abandon_unwritten() {
  for (const Chunk& chunk : gathering_->chunks) disk_bytes_ -= chunk.bytes.size();
  for (const Chunk& chunk : gathering_->chunks) {
    if (chunk.name.empty()) {
      Segment& kept = segment(chunk.slot);
      kept.size = kept.written_size;
    }
  }
  for (const Chunk& chunk : gathering_->chunks) {
    if (chunk.name.empty()) continue;
    TAKO_CHECK(segment(chunk.slot).held == 0);
    next_number_ = std::min(next_number_, segment(chunk.slot).number);
    forget(chunk.slot);
  }
  gathering_->chunks.clear();
  if (active_ != 0 && slots_[active_] == nullptr) {
    active_ = !order_.empty() && segment(order_.back()).is_own ? order_.back() : 0;
  }
}

void Journal::sync() {
  wants_sync_ = true;
  if (is_syncing_ || is_dead_ || unsynced_.empty()) return;
  wants_sync_ = false;
  is_syncing_ = true;
  auto error = std::make_shared<int>(0);
  seams_.syncer.run(
      [error, cells = std::exchange(unsynced_, {}),
       with_folder = std::exchange(is_folder_unsynced_, false), &folder = seams_.folder] {
        for (const auto& cell : cells) {
          if (const auto synced = cell->file->sync(); !synced) *error = synced.error();
        }
        if (!with_folder) return;
        if (const auto synced = folder.sync(); !synced) *error = synced.error();
      },
      [this, is_alive = is_alive_, error, round = written_round_] {
        if (*is_alive) on_sync_done(round, *error);
      });
}

void Journal::on_sync_done(std::uint64_t round, int error) {
  is_syncing_ = false;
  if (error != 0) {
    fail_for_good("fdatasync", error);
    return;
  }
  ++counters_.syncs;
  if (!std::exchange(has_begun_, true)) {
    round = writing_->number;
    synced_round_ = round;
    finish_round(round);
  }
  synced_round_ = std::max(synced_round_, round);
  owner_.on_synced(round);
  remove_dead();
  if (wants_sync_) sync();
}

std::uint64_t Journal::round() const { return gathering_->number; }

bool Journal::has_gathered() const { return !gathering_->chunks.empty(); }

void Journal::hold(Place place, std::size_t bytes) {
  ++segment(place.slot).held;
  held_bytes_ += bytes;
}

void Journal::release(Place place, std::size_t bytes) {
  Segment& from = segment(place.slot);
  TAKO_CHECK(from.held > 0 && held_bytes_ >= bytes);
  held_bytes_ -= bytes;
  if (--from.held == 0) from.emptied_round = std::max(from.emptied_round, written_round_);
}

// From the oldest on only: a state that an older segment holds is void where a younger one says
// so, and must not outlive it.
void Journal::remove_dead() {
  while (const std::uint32_t slot = oldest_slot()) {
    const Segment& oldest = segment(slot);
    // What was carried forward from it must be on the disk, and nothing may be on its way into it.
    const bool is_done =
        oldest.size == oldest.written_size && oldest.emptied_round <= synced_round_;
    if (oldest.held > 0 || !is_done || is_dead_ || keeps_all_) return;
    const std::string name = log_format::segment_name(oldest.number);
    disk_bytes_ -= oldest.size;
    forget(slot);
    // One that can't be removed, or was removed by somebody else, is none of the next start's
    // records.
    seams_.syncer.run([name, &folder = seams_.folder] { static_cast<void>(folder.remove(name)); },
                      [] {});
  }
}

std::uint32_t Journal::oldest_slot() const {
  return order_.empty() || is_active(order_.front()) ? 0 : order_.front();
}

std::uint64_t Journal::oldest_number() const {
  return order_.empty() ? next_number_ : segment(order_.front()).number;
}

std::uint64_t Journal::segment_number(std::uint32_t slot) const { return segment(slot).number; }
bool Journal::has_segment(std::uint32_t slot, std::uint64_t number) const {
  return slot < slots_.size() && slots_[slot] != nullptr && slots_[slot]->number == number;
}
std::uint64_t Journal::segment_size(std::uint32_t slot) const { return segment(slot).written_size; }
std::size_t Journal::held_in(std::uint32_t slot) const { return segment(slot).held; }

Journal::Source Journal::source(std::uint32_t slot) const {
  return {segment(slot).cell->file, segment(slot).salt};
}

std::size_t Journal::pending_bytes() const {
  return gathering_->bytes() + (writing_ == nullptr ? 0 : writing_->bytes());
}

Journal::Segment& Journal::segment(std::uint32_t slot) const {
  TAKO_CHECK(slot < slots_.size() && slots_[slot] != nullptr);
  return *slots_[slot];
}

std::uint32_t Journal::take_slot() {
  // A place may still be in somebody's hands when its segment goes; so a slot rests for a while.
  if (free_slots_.size() < kRestingSlots) {
    TAKO_CHECK(slots_.size() <= StreamEntry::kSlotMax);
    slots_.push_back(std::make_unique<Segment>());
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.front();
  free_slots_.pop_front();
  slots_[slot] = std::make_unique<Segment>();
  return slot;
}

void Journal::forget(std::uint32_t slot) {
  std::erase(order_, slot);
  slots_[slot].reset();
  free_slots_.push_back(slot);
}

void Journal::fail_for_good(std::string_view what, int error) {
  is_dead_ = true;
  owner_.on_fatal(what, error);
}

}  // namespace tako::broker
