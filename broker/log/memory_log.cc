// Rings of shared messages.
#include "broker/log/memory_log.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/log/read_range.h"
#include "broker/log/ring.h"
#include "common/check.h"

namespace tako::broker {
namespace {

// Counted for each stream with messages, beside StoredMessage::cost(): its own record, its entries
// in the indexes, and the channel above it.
constexpr std::size_t kStreamBytes = 640;

}  // namespace

class MemoryLog::Stream final : public RetainedStream {
 public:
  [[nodiscard]] std::size_t size() const override { return messages.size(); }
  [[nodiscard]] Oldest front() const override {
    return {messages.front()->time_ms(), messages.front()->batch_rest()};
  }
  [[nodiscard]] std::int64_t time_at(std::size_t index) const override {
    return messages[index]->time_ms();
  }
  std::size_t pop_front() override {
    const std::size_t cost = messages.front()->cost();
    messages.pop_front();
    return cost;
  }
  [[nodiscard]] const MessagePtr& message(std::uint64_t offset) const {
    return messages[offset - oldest()];
  }

  Ring<MessagePtr> messages;
};

MemoryLog::MemoryLog(const LogSeams& seams) : streams_(seams, kStreamBytes, nullptr) {}

StreamId MemoryLog::open(std::string_view key, std::string_view /*about*/,
                         const Retention& retention) {
  return streams_.open(key, retention, std::make_unique<Stream>());
}

void MemoryLog::release(StreamId id, std::string_view key, std::int64_t head_ttl_ms) {
  streams_.release(id, key, head_ttl_ms);
}

void MemoryLog::set_retention(StreamId id, const Retention& retention) {
  streams_.set_retention(id, retention);
}

ReplayWindow MemoryLog::window(StreamId id) { return streams_.window(id); }

ReplayWindow MemoryLog::quiet_window(std::string_view key) { return streams_.quiet_window(key); }

void MemoryLog::append(StreamId id, const std::vector<MessageDraft>& batch,
                       const AppendOptions& /*options*/, OnAppended on_appended) {
  TAKO_CHECK(!batch.empty());
  streams_.trim_stream(id);
  std::vector<MessagePtr> stored = store(id, batch);
  if (observer_ != nullptr) observer_->on_readable(id);
  on_appended(std::move(stored));
}

std::vector<MessagePtr> MemoryLog::store(StreamId id, const std::vector<MessageDraft>& batch) {
  Stream& stream = at(id);
  const std::int64_t time_ms = streams_.stamp(id);
  std::vector<MessagePtr> stored;
  stored.reserve(batch.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto rest = static_cast<std::uint32_t>(batch.size() - 1 - i);
    stored.push_back(std::make_shared<const StoredMessage>(
        batch[i], Position{++stream.head, stream.epoch}, time_ms, rest));
    stream.messages.push_back(stored.back());
    bytes += stored.back()->cost();
  }
  streams_.added(id, batch.size(), bytes);
  return stored;
}

std::optional<std::vector<MessagePtr>> MemoryLog::read_after(StreamId id, std::uint64_t after,
                                                             std::uint64_t upto,
                                                             const ReadLimits& limits) {
  streams_.trim_stream(id);
  const Stream& stream = at(id);
  RangeFiller filler(limits);
  const std::uint64_t last = std::min(upto, stream.head);
  std::vector<MessagePtr> messages;
  for (std::uint64_t offset = std::max(after + 1, stream.oldest()); offset <= last; ++offset) {
    const MessagePtr& message = stream.message(offset);
    if (!filler.takes(message->record().size(), message->batch_rest())) break;
    messages.push_back(message);
  }
  return messages;
}

void MemoryLog::load_after(StreamId id, std::uint64_t after, std::uint64_t upto,
                           const ReadLimits& limits, OnRead on_read) {
  on_read(*read_after(id, after, upto, limits));
}

void MemoryLog::load_before(StreamId id, std::uint64_t before, std::uint64_t from,
                            const ReadLimits& limits, OnRead on_read) {
  streams_.trim_stream(id);
  const Stream& stream = at(id);
  const std::uint64_t first = std::max(from, stream.oldest());
  RangeFiller filler({limits.messages_max, limits.bytes_max, false});
  std::vector<MessagePtr> messages;
  for (std::uint64_t offset = std::min(before, stream.head + 1); offset-- > first;) {
    const MessagePtr& message = stream.message(offset);
    if (!filler.takes(message->record().size(), 0)) break;
    messages.push_back(message);
  }
  std::ranges::reverse(messages);
  on_read(std::move(messages));
}

std::uint64_t MemoryLog::first_at(StreamId id, std::int64_t time_ms) {
  return streams_.first_at(id, time_ms);
}

MemoryLog::Stream& MemoryLog::at(StreamId id) { return static_cast<Stream&>(streams_.at(id)); }

}  // namespace tako::broker
