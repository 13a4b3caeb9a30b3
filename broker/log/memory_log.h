// MemoryLog: the log engine that keeps everything in memory; a restart begins anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/log/log_engine.h"
#include "broker/log/log_engines.h"
#include "broker/log/retained_streams.h"

namespace tako::broker {

// Completes everything before the call returns.
class MemoryLog final : public LogEngine {
 public:
  explicit MemoryLog(const LogSeams& seams);
  MemoryLog(const MemoryLog&) = delete;
  MemoryLog& operator=(const MemoryLog&) = delete;

  [[nodiscard]] AckKind ack(AckKind) const override { return AckKind::Memory; }
  void set_observer(LogObserver* observer) override { observer_ = observer; }
  [[nodiscard]] std::vector<RecoveredStream> take_recovered() override { return {}; }

  [[nodiscard]] StreamId open(std::string_view key, std::string_view about,
                              const Retention& retention) override;
  void release(StreamId stream, std::string_view key, std::int64_t head_ttl_ms) override;
  void set_retention(StreamId stream, const Retention& retention) override;
  [[nodiscard]] ReplayWindow window(StreamId stream) override;
  [[nodiscard]] ReplayWindow quiet_window(std::string_view key) override;

  void append(StreamId stream, const std::vector<MessageDraft>& batch, const AppendOptions& options,
              OnAppended on_appended) override;
  void when_safe(AckKind, std::function<void()> on_safe) override { on_safe(); }
  [[nodiscard]] std::optional<std::vector<MessagePtr>> read_after(
      StreamId stream, std::uint64_t after, std::uint64_t upto, const ReadLimits& limits) override;
  void load_after(StreamId stream, std::uint64_t after, std::uint64_t upto,
                  const ReadLimits& limits, OnRead on_read) override;
  void load_before(StreamId stream, std::uint64_t before, std::uint64_t from,
                   const ReadLimits& limits, OnRead on_read) override;
  [[nodiscard]] std::uint64_t first_at(StreamId stream, std::int64_t time_ms) override;
  bool trim() override { return streams_.trim(); }
  void close(std::function<void()> on_closed) override { on_closed(); }
  [[nodiscard]] LogStats stats() const override { return streams_.stats(); }

 private:
  class Stream;
  [[nodiscard]] Stream& at(StreamId stream);
  [[nodiscard]] std::vector<MessagePtr> store(StreamId id, const std::vector<MessageDraft>& batch);

  LogObserver* observer_ = nullptr;
  RetainedStreams streams_;
};

}  // namespace tako::broker
