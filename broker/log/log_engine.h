// LogEngine: the bounded log of all channels, as channels see it; engines are in log_engines.cc.
//
// log_engine_contract_test.cc states this contract and runs it on every engine of the list.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/log/stored_message.h"
#include "common/position.h"
#include "common/result.h"

namespace tako::broker {

// A channel's numbered messages in the log. Small numbers, used again after release().
using StreamId = std::uint32_t;

// What an acknowledgement promises, weakest first: in this process's memory; given to the kernel,
// so that no kill of a process loses it; on the disk, so that no loss of power does.
enum class AckKind : std::uint8_t { Memory, Written, Synced };
[[nodiscard]] std::string_view to_string(AckKind kind);  // `memory`, `written`, `synced`
[[nodiscard]] std::optional<AckKind> ack_kind_from(std::string_view text);

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

// Half of a SHA-256: equal only for equal input.
using Digest = std::array<std::uint64_t, 2>;

// How long an idempotency key lives: as long as the window, or where that has no end, as a quiet
// channel's head (forgotten_head_ttl_ms).
[[nodiscard]] constexpr std::int64_t key_lifetime_ms(const Retention& retention,
                                                     std::int64_t head_ttl_ms) {
  return retention.window_ms > 0 ? retention.window_ms : head_ttl_ms;
}

// The idempotency key of a batch, kept beside it for as long as keys live (key_lifetime_ms), also
// when a cap has taken the messages away.
struct KeyUse {
  Digest key{};
  Digest body{};  // of what was published under it
  friend bool operator==(const KeyUse&, const KeyUse&) = default;
};

// A key that an earlier process stored.
struct RecoveredKey {
  KeyUse use;
  Position first;            // of the batch's first message
  std::int64_t used_ms = 0;  // wall time
};

// A stream with messages or keys that an earlier process stored; open from the start.
struct RecoveredStream {
  StreamId stream = 0;
  std::string key;    // as open() was given it
  std::string about;  // as open() was given it
  Retention retention;
  std::vector<RecoveredKey> keys;  // in the order of their use
};

// Called with the batch as stored, in order, once it is as safe as was asked for; or with the Error
// that kept it out (LogFull, LimitReached), and then nothing of it is stored.
using OnAppended = std::function<void(Result<std::vector<MessagePtr>>)>;
// Called with what was read: as read_after() and read_before() give it.
using OnRead = std::function<void(std::vector<MessagePtr>)>;

struct AppendOptions {
  AckKind ack = AckKind::Synced;  // an engine that can't do as much does what it can: ack()
  std::optional<KeyUse> key = {};
};

class LogObserver {
 public:
  // Messages behind the former head can be read, or the window has lost some. Only mark: the
  // engine is in the middle of its work.
  virtual void on_readable(StreamId stream) = 0;

 protected:
  ~LogObserver() = default;
};

struct LogStats {
  std::uint64_t appended_total = 0;
  std::uint64_t expired_total = 0;  // left their window
  std::size_t messages = 0;
  std::size_t bytes = 0;    // of messages, as far as the engine counts them against its caps
  std::size_t streams = 0;  // open ones
  std::size_t quiet_heads = 0;
  // Engines with a disk only.
  std::size_t hot_bytes = 0;      // of messages that are also in memory
  std::size_t pending_bytes = 0;  // appended, not written yet
  std::size_t segments = 0;
  std::size_t disk_bytes = 0;
  std::uint64_t written_bytes_total = 0;
  std::uint64_t writes_total = 0;
  std::uint64_t syncs_total = 0;
  std::uint64_t cold_reads_total = 0;
  std::uint64_t moved_total = 0;    // records carried forward, so that an old segment could go
  std::uint64_t corrupt_total = 0;  // records that did not match their checksum
};

// One thread, the loop's. Nothing here blocks.
//
// Epochs: a stream is born with the log's base epoch, and keeps it when the base changes. The base
// changes whenever a head above 0 is forgotten for good, so that a forgotten stream that is used
// again can't give an offset twice in an epoch.
class LogEngine {
 public:
  virtual ~LogEngine() = default;
  // What an append that asks for `wanted` gets.
  [[nodiscard]] virtual AckKind ack(AckKind wanted) const = 0;
  virtual void set_observer(LogObserver* observer) = 0;
  // What an earlier process left. Once, before anything is opened.
  [[nodiscard]] virtual std::vector<RecoveredStream> take_recovered() = 0;

  // Opens the stream `key`: it goes on behind its remembered head, or begins with the base epoch.
  // At most one open stream per key. `key` is the qualified key (channel_name.h); `about` is kept
  // beside it and given back with take_recovered().
  [[nodiscard]] virtual StreamId open(std::string_view key, std::string_view about,
                                      const Retention& retention) = 0;
  // Closes a stream without retained messages and keys. A head above 0 is remembered for
  // `head_ttl_ms`, and earlier given up when too many are; those that would expire first go first.
  virtual void release(StreamId stream, std::string_view key, std::int64_t head_ttl_ms) = 0;
  virtual void set_retention(StreamId stream, const Retention& retention) = 0;

  // What can be read at this moment. What has left the window by time is no longer in it.
  [[nodiscard]] virtual ReplayWindow window(StreamId stream) = 0;
  // The window of a stream that is not open: its remembered head, or `0-<base epoch>`. No record
  // comes of asking.
  [[nodiscard]] virtual ReplayWindow quiet_window(std::string_view key) = 0;

  // Numbers the batch densely behind the head, stamps it with one time (never before the stream's
  // latest), stores all of it or nothing. When it is written it becomes readable as a whole, and
  // the observer is told; when it is as safe as asked for, `on_appended` is called: possibly before
  // append() returns, else later on the same thread, in the order of the calls on this stream that
  // ask for the same. Never empty; at most messages_max messages.
  virtual void append(StreamId stream, const std::vector<MessageDraft>& batch,
                      const AppendOptions& options, OnAppended on_appended) = 0;
  // Calls back when everything that can be read by now is as safe as `wanted`: possibly at once.
  // Never, when the engine fails before that.
  virtual void when_safe(AckKind wanted, std::function<void()> on_safe) = 0;

  // Messages with after < offset <= upto, ascending; from the oldest retained when `after` is
  // older. nullopt: the first of them is not in memory, so load_after().
  [[nodiscard]] virtual std::optional<std::vector<MessagePtr>> read_after(
      StreamId stream, std::uint64_t after, std::uint64_t upto, const ReadLimits& limits) = 0;
  // The same from wherever they are; calls back possibly before it returns. Empty when they are
  // gone meanwhile, or can't be read: then the window has moved past them.
  virtual void load_after(StreamId stream, std::uint64_t after, std::uint64_t upto,
                          const ReadLimits& limits, OnRead on_read) = 0;
  // The newest of those with from <= offset < before, ascending. Batches may be cut. As load_after.
  virtual void load_before(StreamId stream, std::uint64_t before, std::uint64_t from,
                           const ReadLimits& limits, OnRead on_read) = 0;
  // The smallest retained offset with a time at or after `time_ms`; head + 1 when there is none.
  [[nodiscard]] virtual std::uint64_t first_at(StreamId stream, std::int64_t time_ms) = 0;

  // Removes what left its window and forgets heads that are due, a bounded number per call; from a
  // timer. False: more is due, call again soon.
  virtual bool trim() = 0;
  // Ends in order, so that the next process continues every epoch; then calls back, once. Nothing
  // but window() and reads may be called after this.
  virtual void close(std::function<void()> on_closed) = 0;
  [[nodiscard]] virtual LogStats stats() const = 0;
};

}  // namespace tako::broker
