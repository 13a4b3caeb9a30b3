// DiskLog: the log engine that keeps every message in segment files; a restart goes on where it
// stopped. docs/log-format.md says what is in the files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/log/cold_reader.h"
#include "broker/log/disk_stream.h"
#include "broker/log/hot_tail.h"
#include "broker/log/journal.h"
#include "broker/log/journal_recovery.h"
#include "broker/log/log_engine.h"
#include "broker/log/log_engines.h"
#include "broker/log/retained_streams.h"
#include "broker/log/segment_mover.h"

namespace tako::broker {

//   append ─▶ journal: gathers ─▶ written: readable, observer told ─▶ synced: publisher told
//
// In memory: 16 bytes for each message, the state of each stream, and the newest messages whole, up
// to log_hot_bytes_max. Older ones are read from their segment when somebody asks.
//
// A segment goes when nothing in it is needed any more, the oldest first. When more than half of
// the files is of no use, what is needed of the oldest is carried forward; so the files take at
// most twice log_bytes_max (or what messages, keys and heads need, if that is more), and a few
// segments.
class DiskLog final : public LogEngine,
                      private JournalOwner,
                      private RetentionListener,
                      private SegmentMoverOwner {
 public:
  // Recovers what is in the folder. Errors: LogUnusable.
  [[nodiscard]] static Result<std::unique_ptr<LogEngine>> open_folder(const LogSeams& seams);

  DiskLog(const LogSeams& seams, JournalRecovery recovery);
  DiskLog(const DiskLog&) = delete;
  DiskLog& operator=(const DiskLog&) = delete;

  [[nodiscard]] AckKind ack(AckKind wanted) const override {
    return std::max(wanted, AckKind::Written);
  }
  void set_observer(LogObserver* observer) override { observer_ = observer; }
  [[nodiscard]] std::vector<RecoveredStream> take_recovered() override {
    return std::exchange(recovered_, {});
  }

  [[nodiscard]] StreamId open(std::string_view key, std::string_view about,
                              const Retention& retention) override;
  void release(StreamId stream, std::string_view key, std::int64_t head_ttl_ms) override;
  void set_retention(StreamId stream, const Retention& retention) override;
  [[nodiscard]] ReplayWindow window(StreamId stream) override { return streams_.window(stream); }
  [[nodiscard]] ReplayWindow quiet_window(std::string_view key) override {
    return streams_.quiet_window(key);
  }

  void append(StreamId stream, const std::vector<MessageDraft>& batch, const AppendOptions& options,
              OnAppended on_appended) override;
  void when_safe(AckKind wanted, std::function<void()> on_safe) override;
  [[nodiscard]] std::optional<std::vector<MessagePtr>> read_after(
      StreamId stream, std::uint64_t after, std::uint64_t upto, const ReadLimits& limits) override;
  void load_after(StreamId stream, std::uint64_t after, std::uint64_t upto,
                  const ReadLimits& limits, OnRead on_read) override;
  void load_before(StreamId stream, std::uint64_t before, std::uint64_t from,
                   const ReadLimits& limits, OnRead on_read) override;
  [[nodiscard]] std::uint64_t first_at(StreamId stream, std::int64_t time_ms) override {
    return streams_.first_at(stream, time_ms);
  }
  bool trim() override;
  void close(std::function<void()> on_closed) override;
  [[nodiscard]] LogStats stats() const override;

 private:
  // What follows when the round that a record was put into is written, or not.
  struct Unwritten {
    std::uint64_t round = 0;
    std::function<void()> written;
    std::function<void(int error)> failed;
  };
  struct Unsynced {
    std::uint64_t round = 0;
    std::function<void()> synced;
  };
  // A batch on its way.
  struct Append;
  // A read from disk that waits for its turn.
  struct Read {
    StreamId stream = 0;
    std::uint32_t birth = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    OnRead on_read;
  };

  [[nodiscard]] std::uint64_t base_epoch() const override { return streams_.base_epoch().value; }
  void on_written(std::uint64_t round) override;
  void on_write_failed(int error) override;
  void on_synced(std::uint64_t round) override;
  void on_fatal(std::string_view what, int error) override;
  void on_base_changed() override { is_base_noted_ = false; }
  void on_head_forgotten(const QuietHead& head) override;
  void move_record(const std::string& key, const SegmentRecord& record) override;
  void on_moved(std::uint32_t slot) override;

  // disk_log_restore.cc
  void restore(JournalRecovery& recovery);
  void restore_stream(JournalStream& from);
  // False: the head's time is over.
  [[nodiscard]] bool restore_quiet(JournalStream& from);
  void report(const JournalRecovery& recovery);

  [[nodiscard]] DiskStream& at(StreamId stream) const {
    return static_cast<DiskStream&>(streams_.at(stream));
  }
  [[nodiscard]] DiskStream* find(StreamId stream, std::uint32_t birth) const;
  [[nodiscard]] std::size_t segment_bytes() const;
  [[nodiscard]] std::uint64_t disk_bytes_max() const;
  // At most what the stream's state takes as a record.
  [[nodiscard]] static std::size_t state_room(const DiskStream& stream);
  [[nodiscard]] std::optional<Error> refusal() const;

  // Makes room in one segment, and notes there what has to stand before: start, base, the stream.
  void begin_group(std::size_t bytes);
  void note_start();
  void put_state(StreamId stream);
  void put_quiet_state(const std::string& key);
  void release(const StatedAt& stated);
  void put_key(Append& append, const KeyUse& use);
  void on_append_written(Append& append);
  void on_append_failed(Append& append);
  void acknowledge(std::uint64_t round, AckKind wanted, std::function<void()> told);

  void move_message(StreamId stream, const SegmentRecord& record);
  void move_key(StreamId stream, const SegmentRecord& record);
  void consider_moving();
  void drop_keys_in(StreamId stream, std::uint32_t slot);
  void list_keys(StreamId stream);
  void expire_keys();
  void drop_front_key(StreamId stream);
  // Fetches offsets first…last, which are retained. Few at once: others wait in the queue, where
  // they are small.
  void load(StreamId stream, std::uint64_t first, std::uint64_t last, OnRead on_read);
  void read_next();
  void read(const Read& next);
  void drop_unreadable(StreamId stream, std::uint64_t offset);

  LogSeams seams_;
  const DiskSeams& disk_;
  LogObserver* observer_ = nullptr;
  RetainedStreams streams_;
  HotTail hot_tail_;
  Journal journal_;
  ColdReader reader_;
  SegmentMover mover_;
  std::unordered_map<std::string_view, StreamId> by_key_;  // open ones; views of DiskStream::key
  std::set<std::pair<std::int64_t, StreamId>> keys_by_expiry_;
  std::vector<RecoveredStream> recovered_;
  std::deque<Unwritten> unwritten_;
  std::deque<Unsynced> unsynced_;
  std::vector<OnAppended> refused_;  // of a round that failed, until all streams are set back
  std::deque<Read> reads_;
  std::size_t reads_under_way_ = 0;
  std::set<std::string> unstated_;  // keys of remembered heads that the journal has to get yet
  std::function<void()> on_closed_;
  std::uint32_t births_ = 0;
  std::uint64_t state_versions_ = 0;
  std::uint64_t cold_reads_ = 0;
  std::uint64_t moved_ = 0;
  std::uint64_t corrupt_ = 0;
  bool continues_ = false;  // the epochs of the process before
  bool is_start_noted_ = false;
  bool is_base_noted_ = true;
  bool is_full_ = false;  // the last round was refused by the disk
  bool is_failed_ = false;
  bool is_closing_ = false;  // or closed: nothing may follow the End
};

}  // namespace tako::broker
