// MemoryLog: the log engine that keeps everything in memory; a restart begins anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/log/fullest_first.h"
#include "broker/log/log_engine.h"
#include "broker/log/log_engines.h"
#include "broker/log/message_ring.h"
#include "broker/log/quiet_heads.h"

namespace tako::broker {

// Completes every append before append() returns.
class MemoryLog final : public LogEngine {
 public:
  explicit MemoryLog(const LogSeams& seams);
  MemoryLog(const MemoryLog&) = delete;
  MemoryLog& operator=(const MemoryLog&) = delete;

  [[nodiscard]] AckKind ack() const override { return AckKind::Memory; }
  void set_observer(LogObserver* observer) override { observer_ = observer; }

  [[nodiscard]] StreamId open(std::string_view key, const Retention& retention) override;
  void release(StreamId stream, std::string_view key, std::int64_t head_ttl_ms) override;
  void set_retention(StreamId stream, const Retention& retention) override;
  [[nodiscard]] ReplayWindow window(StreamId stream) override;
  [[nodiscard]] ReplayWindow quiet_window(std::string_view key) override;

  void append(StreamId stream, const std::vector<MessageDraft>& batch,
              OnAppended on_appended) override;
  [[nodiscard]] std::vector<MessagePtr> read_after(StreamId stream, std::uint64_t after,
                                                   std::uint64_t upto,
                                                   const ReadLimits& limits) override;
  [[nodiscard]] std::vector<MessagePtr> read_before(StreamId stream, std::uint64_t before,
                                                    std::uint64_t from,
                                                    const ReadLimits& limits) override;
  [[nodiscard]] std::uint64_t first_at(StreamId stream, std::int64_t time_ms) override;
  void begin_epoch(StreamId stream) override;
  bool trim() override;
  [[nodiscard]] LogStats stats() const override;

 private:
  struct Stream {
    Epoch epoch;
    std::uint64_t head = 0;
    std::int64_t last_time_ms = 0;
    std::int64_t expires_ms = 0;  // when the oldest message leaves; only while listed in by_expiry_
    std::size_t bytes = 0;
    Retention retention;
    MessageRing messages;
    std::vector<EpochEnd> older_epochs;

    [[nodiscard]] std::uint64_t oldest() const { return head + 1 - messages.size(); }
  };

  [[nodiscard]] Stream& at(StreamId stream);
  [[nodiscard]] std::vector<MessagePtr> store(StreamId id, const std::vector<MessageDraft>& batch);
  // Removes the oldest batch whole: one that is half there was never appended.
  std::size_t evict_oldest(StreamId id);
  void hold_caps(StreamId id);
  void hold_total(StreamId appended);
  std::size_t trim_stream(StreamId id);
  void index(StreamId id);
  void unindex(StreamId id);
  void begin_base();
  [[nodiscard]] Epoch fresh_epoch();

  LogSeams seams_;
  LogObserver* observer_ = nullptr;
  Epoch base_epoch_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<StreamId> free_ids_;
  std::set<std::pair<std::int64_t, StreamId>> by_expiry_;  // streams with messages and a window
  FullestFirst fullest_;                                   // streams with messages
  QuietHeads quiet_;
  LogStats stats_;
};

}  // namespace tako::broker
