// LogEngine: the bounded log of all channels, as channels see it; engines are in log_engines.cc.
//
// log_engine_contract_test.cc states this contract and runs it on every engine of the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

#include "broker/log/stored_message.h"
#include "common/position.h"
#include "common/result.h"

namespace tako::broker {

// A channel's numbered messages in the log. Small numbers, used again after release().
using StreamId = std::uint32_t;

// What an acknowledgement of this engine promises.
enum class AckKind : std::uint8_t { Memory, Written, Synced };
[[nodiscard]] std::string_view to_string(AckKind kind);  // `memory`, `written`, `synced`

// How long a stream keeps its messages. The newest batch stays in spite of the caps.
struct Retention {
  std::int64_t window_ms = 600'000;  // 0: no limit by time
  std::size_t messages_max = 0;
  std::size_t bytes_max = 0;
  friend bool operator==(const Retention&, const Retention&) = default;
};

struct ReadLimits {
  std::size_t messages_max = std::numeric_limits<std::size_t>::max();
  std::size_t bytes_max = std::numeric_limits<std::size_t>::max();  // of record(); one always fits
  // read_after: a batch that was begun is given whole, over both limits.
  bool whole_batches = true;
};

// Called with the batch as stored, in order, once it is as safe as ack() says; or with the Error
// that kept it out (LogFull), and then nothing of it is stored.
using OnAppended = std::function<void(Result<std::vector<MessagePtr>>)>;

class LogObserver {
 public:
  // Messages behind the former head can be read, or a new epoch began. Only mark: the
  // engine is in the middle of its work.
  virtual void on_readable(StreamId stream) = 0;

 protected:
  ~LogObserver() = default;
};

struct LogStats {
  std::uint64_t appended_total = 0;
  std::uint64_t expired_total = 0;  // left their window
  std::size_t messages = 0;
  std::size_t bytes = 0;
  std::size_t streams = 0;  // open ones
  std::size_t quiet_heads = 0;
};

// One thread, the loop's. Nothing here blocks.
//
// Epochs: a stream is born with the log's base epoch, and keeps it when the base changes. The base
// changes whenever a head above 0 is forgotten for good, so that a forgotten stream that is used
// again can't give an offset twice in an epoch.
class LogEngine {
 public:
  virtual ~LogEngine() = default;
  [[nodiscard]] virtual AckKind ack() const = 0;
  virtual void set_observer(LogObserver* observer) = 0;

  // Opens the stream `key`: it goes on behind its remembered head, or begins with the base epoch.
  // At most one open stream per key. `key` is the qualified key (channel_name.h).
  [[nodiscard]] virtual StreamId open(std::string_view key, const Retention& retention) = 0;
  // Closes a stream without retained messages. A head above 0 is remembered for `head_ttl_ms`, and
  // earlier given up when too many are; those that would expire first go first.
  virtual void release(StreamId stream, std::string_view key, std::int64_t head_ttl_ms) = 0;
  virtual void set_retention(StreamId stream, const Retention& retention) = 0;

  // What can be read at this moment. What has left the window by time is no longer in it.
  [[nodiscard]] virtual ReplayWindow window(StreamId stream) = 0;
  // The window of a stream that is not open: its remembered head, or `0-<base epoch>`. No record
  // comes of asking.
  [[nodiscard]] virtual ReplayWindow quiet_window(std::string_view key) = 0;

  // Numbers the batch densely behind the head, stamps it with one time (never before the stream's
  // latest), stores all of it or nothing. It becomes readable at once as a whole, then the observer
  // is told, then `on_appended` is called: possibly before append() returns, else later on the same
  // thread, in the order of the calls on this stream. Never empty; at most messages_max messages.
  virtual void append(StreamId stream, const std::vector<MessageDraft>& batch,
                      OnAppended on_appended) = 0;

  // Messages with after < offset <= upto, ascending; from the oldest retained when `after` is
  // older.
  [[nodiscard]] virtual std::vector<MessagePtr> read_after(StreamId stream, std::uint64_t after,
                                                           std::uint64_t upto,
                                                           const ReadLimits& limits) = 0;
  // The newest of those with from <= offset < before, ascending. Batches may be cut.
  [[nodiscard]] virtual std::vector<MessagePtr> read_before(StreamId stream, std::uint64_t before,
                                                            std::uint64_t from,
                                                            const ReadLimits& limits) = 0;
  // The smallest retained offset with a time at or after `time_ms`; head + 1 when there is none.
  [[nodiscard]] virtual std::uint64_t first_at(StreamId stream, std::int64_t time_ms) = 0;

  // A new epoch at the head: cursors up to it continue, later ones are told. The oldest of more
  // than older_epochs_max is given up.
  virtual void begin_epoch(StreamId stream) = 0;

  // Removes what left its window and forgets heads that are due, a bounded number per call; from a
  // timer. False: more is due, call again soon.
  virtual bool trim() = 0;
  [[nodiscard]] virtual LogStats stats() const = 0;
};

}  // namespace tako::broker
