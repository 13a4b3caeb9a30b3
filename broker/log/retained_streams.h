// RetainedStreams: windows, caps, epochs and remembered heads: what every log engine does alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/log/fullest_first.h"
#include "broker/log/log_engine.h"
#include "broker/log/log_engines.h"
#include "broker/log/quiet_heads.h"

namespace tako::broker {

// One stream. An engine derives its own, which knows where the messages are.
class RetainedStream {
 public:
  struct Oldest {
    std::int64_t time_ms = 0;
    std::uint32_t batch_rest = 0;
  };

  RetainedStream() = default;
  virtual ~RetainedStream() = default;
  RetainedStream(const RetainedStream&) = delete;
  RetainedStream& operator=(const RetainedStream&) = delete;

  [[nodiscard]] virtual std::size_t size() const = 0;  // messages retained
  [[nodiscard]] virtual Oldest front() const = 0;
  [[nodiscard]] virtual std::int64_t time_at(std::size_t index) const = 0;
  // Gives up the oldest message; returns what it cost.
  virtual std::size_t pop_front() = 0;

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::uint64_t oldest() const { return head + 1 - size(); }
  // The newest batch is all that is left.
  [[nodiscard]] bool is_lone_batch() const { return size() == front().batch_rest + std::size_t{1}; }

  Epoch epoch;
  std::uint64_t head = 0;
  std::int64_t last_time_ms = 0;
  std::int64_t expires_ms = 0;  // when the oldest message leaves; only while listed by expiry
  std::size_t bytes = 0;
  Retention retention;
  std::vector<EpochEnd> older_epochs;
  StatedAt stated_at = {};
};

// Told of what only an engine with a disk has to note.
class RetentionListener {
 public:
  // Streams born from now on have another epoch.
  virtual void on_base_changed() = 0;
  // A remembered head was given up.
  virtual void on_head_forgotten(const QuietHead& head) = 0;

 protected:
  ~RetentionListener() = default;
};

class RetainedStreams {
 public:
  // `bytes_per_stream`: counted for each stream with messages, beside them. `listener`: may be
  // null; outlives this.
  RetainedStreams(const LogSeams& seams, std::size_t bytes_per_stream, RetentionListener* listener);
  RetainedStreams(const RetainedStreams&) = delete;
  RetainedStreams& operator=(const RetainedStreams&) = delete;

  // Takes in a stream that goes on behind the remembered head of `key`, or begins.
  [[nodiscard]] StreamId open(std::string_view key, const Retention& retention,
                              std::unique_ptr<RetainedStream> stream);
  // Takes in a stream as an earlier process left it: its messages are in it already.
  [[nodiscard]] StreamId restore(std::unique_ptr<RetainedStream> stream,
                                 std::size_t messages_bytes);
  void restore_quiet(std::string_view key, QuietHead head, std::int64_t expires_ms);
  // `older`: bases that continue into this one, for streams that have had no message.
  void restore_base(Epoch base, std::vector<EpochEnd> older) {
    base_epoch_ = base;
    older_bases_ = std::move(older);
  }
  // True: the head is remembered now.
  bool release(StreamId stream, std::string_view key, std::int64_t head_ttl_ms);
  void set_retention(StreamId stream, const Retention& retention);

  [[nodiscard]] RetainedStream& at(StreamId stream) const;
  // nullptr when no stream is open under this number.
  [[nodiscard]] RetainedStream* find(StreamId stream) const;
  [[nodiscard]] ReplayWindow window(StreamId stream);
  [[nodiscard]] ReplayWindow quiet_window(std::string_view key) const;
  [[nodiscard]] QuietHeads& quiet() { return quiet_; }
  [[nodiscard]] std::uint64_t first_at(StreamId stream, std::int64_t time_ms);

  // The time for an append: never before the stream's latest.
  [[nodiscard]] std::int64_t stamp(StreamId stream);
  // `count` messages of `bytes` were added behind the former head, whole batches: caps are held.
  void added(StreamId stream, std::size_t count, std::size_t bytes);
  // Gives up everything up to and including `offset`, whole batches.
  void drop_through(StreamId stream, std::uint64_t offset);
  std::size_t trim_stream(StreamId stream);
  // As LogEngine::trim().
  bool trim();

  // The caps of all streams together: the fullest give way, but not what `newest` just got.
  void hold_total(std::optional<StreamId> newest);

  [[nodiscard]] Epoch base_epoch() const { return base_epoch_; }
  [[nodiscard]] const std::vector<EpochEnd>& older_bases() const { return older_bases_; }
  [[nodiscard]] LogStats stats() const;
  // Streams by number, empty places are null.
  [[nodiscard]] const std::vector<std::unique_ptr<RetainedStream>>& all() const { return streams_; }

 private:
  // Removes the oldest batch whole: one that is half there was never appended.
  std::size_t evict_oldest(StreamId id);
  void hold_caps(StreamId id);
  [[nodiscard]] std::uint64_t* total_over_cap();
  void index(StreamId id);
  void unindex(StreamId id);
  [[nodiscard]] StreamId place(std::unique_ptr<RetainedStream> stream);
  void begin_base();
  [[nodiscard]] Epoch fresh_epoch();

  LogSeams seams_;
  std::size_t bytes_per_stream_;
  RetentionListener* listener_;
  Epoch base_epoch_;
  // All end at 0: who has seen nothing of a stream that never had a message goes on. Only until a
  // head is forgotten: from then on such a stream may have had some.
  std::vector<EpochEnd> older_bases_;
  std::vector<std::unique_ptr<RetainedStream>> streams_;
  std::vector<StreamId> free_ids_;
  std::set<std::pair<std::int64_t, StreamId>> by_expiry_;  // streams with messages and a window
  FullestFirst fullest_;                                   // streams with messages
  QuietHeads quiet_;
  LogStats stats_;
};

}  // namespace tako::broker
