// Journal: places records in segment files; writes, syncs and removes them beside the loop.
//
//   put() ─▶ gathering ──submit()──▶ being written ──▶ written ──sync──▶ synced
//              round n+1                round n          <= n-1            <= m
//
// One round is being written at a time, one sync runs at a time, and what comes meanwhile gathers:
// that is the group commit. The first round counts as written only when it is synced: a loss of
// power must not take away the note that a new process has begun, and leave the end of the one
// before as the last word. Places are given when a record is put, so whoever puts knows at once
// where it will stand; when a round fails, so does everything that has not been written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/log/log_files.h"
#include "broker/log/log_format.h"
#include "broker/log/place.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/worker.h"

namespace tako::broker {

struct JournalSeams {
  const Clock& clock;
  Random& random;
  LogFolder& folder;
  Worker& writer;
  Worker& syncer;
  std::size_t segment_bytes;  // a segment is closed when a record would make it larger
};

class JournalOwner {
 public:
  [[nodiscard]] virtual std::uint64_t base_epoch() const = 0;
  // All rounds up to this one are written: a kill of this process does not lose them.
  virtual void on_written(std::uint64_t round) = 0;
  // Nothing of the rounds that were not written is in the files: the disk is full, or read-only.
  // The next round may succeed.
  virtual void on_write_failed(int error) = 0;
  // All rounds up to this one are on the disk.
  virtual void on_synced(std::uint64_t round) = 0;
  // What is on the disk is not known any more: nothing can be acknowledged. The journal takes
  // records, but does nothing with them.
  virtual void on_fatal(std::string_view what, int error) = 0;

 protected:
  ~JournalOwner() = default;
};

class Journal {
 public:
  struct Counters {
    std::uint64_t written_bytes = 0;
    std::uint64_t writes = 0;
    std::uint64_t syncs = 0;
  };
  // What a reader of a record needs; good as long as it is held, even if the segment is removed.
  struct Source {
    std::shared_ptr<const LogFile> file;
    std::uint64_t salt = 0;
  };

  Journal(const JournalSeams& seams, JournalOwner& owner);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // A segment that an earlier process wrote, from the oldest on, before the first put. Returns its
  // slot.
  [[nodiscard]] std::uint32_t restore(const log_format::SegmentHeader& header,
                                      std::shared_ptr<LogFile> file, std::uint64_t size);
  // New segments are numbered from behind this one, at least.
  void skip_through(std::uint64_t number) { next_number_ = std::max(next_number_, number + 1); }

  // Says that `bytes` will be put now that belong into one segment; begins a new one if they don't
  // fit. Returns the segment's number.
  std::uint64_t begin_group(std::size_t bytes);
  // The number of the segment that is written to.
  [[nodiscard]] std::uint64_t active_number() const { return segment_number(active_); }
  // Only after begin_group() with enough bytes.
  Place put(log_format::Kind kind, std::uint8_t flags, std::string_view body);
  Place put_message(std::uint8_t flags, const log_format::MessageHead& head,
                    std::string_view record);
  // The number of the round that gathers.
  [[nodiscard]] std::uint64_t round() const;
  [[nodiscard]] std::uint64_t written_round() const { return written_round_; }
  // Writes what has gathered, as soon as the round before is done.
  void submit();
  // Syncs what has been written, as soon as the sync before is done; on_synced() tells.
  void sync();
  [[nodiscard]] bool is_all_synced() const { return synced_round_ == written_round_; }
  // Something was put that is not being written yet.
  [[nodiscard]] bool has_gathered() const;

  // A record at `place` is needed, until it is released: a segment without such goes.
  void hold(Place place, std::size_t bytes);
  void release(Place place, std::size_t bytes);
  // Removes the oldest segments that hold nothing.
  void remove_dead();
  // From now on every segment stays: what is written last says which there are.
  void keep_all() { keeps_all_ = true; }

  // The oldest segment, unless it is the one that is written to; 0: none.
  [[nodiscard]] std::uint32_t oldest_slot() const;
  [[nodiscard]] std::uint64_t oldest_number() const;
  [[nodiscard]] std::uint64_t segment_number(std::uint32_t slot) const;
  // Is the slot (still) that of this segment?
  [[nodiscard]] bool has_segment(std::uint32_t slot, std::uint64_t number) const;
  [[nodiscard]] std::uint64_t segment_size(std::uint32_t slot) const;
  [[nodiscard]] std::size_t held_in(std::uint32_t slot) const;
  [[nodiscard]] Source source(std::uint32_t slot) const;

  [[nodiscard]] std::size_t segments() const { return order_.size(); }
  [[nodiscard]] std::uint64_t disk_bytes() const { return disk_bytes_; }
  [[nodiscard]] std::uint64_t held_bytes() const { return held_bytes_; }
  // Put, but not written yet.
  [[nodiscard]] std::size_t pending_bytes() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Cell;
  struct Segment;
  struct Chunk;
  struct Round;

  [[nodiscard]] Segment& segment(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t take_slot();
  void begin_segment();
  Chunk& chunk();
  Place placed(std::size_t begin, Chunk& chunk);
  void on_round_done(const std::shared_ptr<Round>& round);
  void finish_round(std::uint64_t round);
  void abandon_unwritten();
  void on_sync_done(std::uint64_t round, int error);
  void forget(std::uint32_t slot);
  void fail_for_good(std::string_view what, int error);
  [[nodiscard]] bool is_active(std::uint32_t slot) const { return slot == active_; }

  JournalSeams seams_;
  JournalOwner& owner_;
  Counters counters_;
  std::vector<std::unique_ptr<Segment>> slots_;  // by slot; [0] is never used
  std::deque<std::uint32_t> free_slots_;         // the longest free first
  std::deque<std::uint32_t> order_;              // slots, the oldest first
  std::uint32_t active_ = 0;                     // 0: none yet
  std::uint64_t next_number_ = 1;
  std::uint64_t disk_bytes_ = 0;
  std::uint64_t held_bytes_ = 0;

  std::shared_ptr<Round> gathering_;
  std::shared_ptr<Round> writing_;  // null: none
  std::uint64_t written_round_ = 0;
  std::uint64_t synced_round_ = 0;
  bool is_syncing_ = false;
  bool wants_sync_ = false;
  bool has_begun_ = false;  // the first round is synced
  bool is_dead_ = false;
  bool keeps_all_ = false;
  std::vector<std::shared_ptr<Cell>> unsynced_;  // files written to since the last sync began
  bool is_folder_unsynced_ = false;
  // Callbacks of work that is still under way find out here that this is gone.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace tako::broker
