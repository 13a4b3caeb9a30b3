// Rings of shared messages; one index by expiry and one by size say what goes first.
#include "broker/log/memory_log.h"

#include <algorithm>

#include "common/check.h"

namespace tako::broker {
namespace {

// Counted for each stream with messages, beside StoredMessage::cost(): its own record, its entries
// in the indexes, and the channel above it.
constexpr std::size_t kStreamBytes = 640;
// Of one call of trim(): about a millisecond.
constexpr std::size_t kTrimMessages = 5'000;
constexpr std::size_t kTrimHeads = 1'000;

}  // namespace

MemoryLog::MemoryLog(const LogSeams& seams)
    : seams_(seams), base_epoch_(make_epoch(seams.random.next())) {}

StreamId MemoryLog::open(std::string_view key, const Retention& retention) {
  auto stream = std::make_unique<Stream>();
  stream->epoch = base_epoch_;
  stream->retention = retention;
  if (auto quiet = quiet_.take(key)) {
    stream->epoch = quiet->head.epoch;
    stream->head = quiet->head.offset;
    stream->older_epochs = std::move(quiet->older_epochs);
  }
  ++stats_.streams;
  if (free_ids_.empty()) {
    streams_.push_back(std::move(stream));
    return static_cast<StreamId>(streams_.size() - 1);
  }
  const StreamId id = free_ids_.back();
  free_ids_.pop_back();
  streams_[id] = std::move(stream);
  return id;
}

void MemoryLog::release(StreamId id, std::string_view key, std::int64_t head_ttl_ms) {
  Stream& stream = at(id);
  TAKO_CHECK(stream.messages.empty());
  if (stream.head > 0 && head_ttl_ms > 0 && seams_.limits.forgotten_heads_max > 0) {
    if (quiet_.size() >= seams_.limits.forgotten_heads_max && quiet_.drop_first()) {
      ++seams_.counters.forgotten_heads_max;
      begin_base();
    }
    quiet_.remember(key, {{stream.head, stream.epoch}, std::move(stream.older_epochs)},
                    seams_.clock.wall_ms() + head_ttl_ms);
  } else if (stream.head > 0) {
    begin_base();
  }
  streams_[id].reset();
  free_ids_.push_back(id);
  --stats_.streams;
}

void MemoryLog::set_retention(StreamId id, const Retention& retention) {
  at(id).retention = retention;
  index(id);
  hold_caps(id);
}

ReplayWindow MemoryLog::window(StreamId id) {
  trim_stream(id);
  const Stream& stream = at(id);
  return {stream.epoch, stream.head, stream.oldest(), stream.older_epochs};
}

ReplayWindow MemoryLog::quiet_window(std::string_view key) {
  const QuietHead* quiet = quiet_.find(key);
  if (quiet == nullptr) return {base_epoch_, 0, 1, {}};
  return {quiet->head.epoch, quiet->head.offset, quiet->head.offset + 1, quiet->older_epochs};
}

void MemoryLog::append(StreamId id, const std::vector<MessageDraft>& batch,
                       OnAppended on_appended) {
  TAKO_CHECK(!batch.empty());
  trim_stream(id);
  std::vector<MessagePtr> stored = store(id, batch);
  hold_caps(id);
  hold_total(id);
  if (observer_ != nullptr) observer_->on_readable(id);
  on_appended(std::move(stored));
}

std::vector<MessagePtr> MemoryLog::store(StreamId id, const std::vector<MessageDraft>& batch) {
  Stream& stream = at(id);
  // Time never goes back within a stream: reads by time search it.
  stream.last_time_ms = std::max(stream.last_time_ms, seams_.clock.wall_ms());
  if (stream.messages.empty()) stats_.bytes += kStreamBytes;
  std::vector<MessagePtr> stored;
  stored.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto rest = static_cast<std::uint32_t>(batch.size() - 1 - i);
    stored.push_back(std::make_shared<const StoredMessage>(
        batch[i], Position{++stream.head, stream.epoch}, stream.last_time_ms, rest));
    stream.messages.push_back(stored.back());
    stream.bytes += stored.back()->cost();
    stats_.bytes += stored.back()->cost();
  }
  stats_.messages += batch.size();
  stats_.appended_total += batch.size();
  index(id);
  return stored;
}

std::vector<MessagePtr> MemoryLog::read_after(StreamId id, std::uint64_t after, std::uint64_t upto,
                                              const ReadLimits& limits) {
  trim_stream(id);
  const Stream& stream = at(id);
  const std::uint64_t oldest = stream.oldest();
  const std::uint64_t first = std::max(after + 1, oldest);
  const std::uint64_t last = std::min(upto, stream.head);
  std::vector<MessagePtr> messages;
  std::size_t bytes = 0;
  for (std::uint64_t offset = first; offset <= last; ++offset) {
    const MessagePtr& message = stream.messages[offset - oldest];
    const bool is_inside_batch =
        limits.whole_batches && !messages.empty() && messages.back()->batch_rest() > 0;
    const bool is_full = messages.size() >= limits.messages_max ||
                         (!messages.empty() && bytes + message->record().size() > limits.bytes_max);
    if (is_full && !is_inside_batch) break;
    bytes += message->record().size();
    messages.push_back(message);
  }
  return messages;
}

std::vector<MessagePtr> MemoryLog::read_before(StreamId id, std::uint64_t before,
                                               std::uint64_t from, const ReadLimits& limits) {
  trim_stream(id);
  const Stream& stream = at(id);
  const std::uint64_t oldest = stream.oldest();
  const std::uint64_t first = std::max(from, oldest);
  std::vector<MessagePtr> messages;
  std::size_t bytes = 0;
  for (std::uint64_t offset = std::min(before, stream.head + 1); offset-- > first;) {
    const MessagePtr& message = stream.messages[offset - oldest];
    bytes += message->record().size();
    const bool is_over = !messages.empty() && bytes > limits.bytes_max;
    if (is_over || messages.size() >= limits.messages_max) break;
    messages.push_back(message);
  }
  std::ranges::reverse(messages);
  return messages;
}

std::uint64_t MemoryLog::first_at(StreamId id, std::int64_t time_ms) {
  trim_stream(id);
  const Stream& stream = at(id);
  std::size_t low = 0;
  std::size_t high = stream.messages.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (stream.messages[middle]->time_ms() < time_ms) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return stream.oldest() + low;
}

void MemoryLog::begin_epoch(StreamId id) {
  Stream& stream = at(id);
  stream.older_epochs.push_back({stream.epoch, stream.head});
  if (stream.older_epochs.size() > seams_.limits.older_epochs_max) {
    stream.older_epochs.erase(stream.older_epochs.begin());
    ++seams_.counters.older_epochs_max;
  }
  stream.epoch = fresh_epoch();
  if (observer_ != nullptr) observer_->on_readable(id);
}

bool MemoryLog::trim() {
  const std::int64_t now_ms = seams_.clock.wall_ms();
  std::size_t trimmed = 0;
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now_ms) {
    if (trimmed >= kTrimMessages) return false;
    trimmed += trim_stream(by_expiry_.begin()->second);
  }
  std::size_t dropped = 0;
  for (; dropped < kTrimHeads && quiet_.drop_first_due(now_ms); ++dropped) {
    ++seams_.counters.forgotten_head_ttl_ms;
  }
  if (dropped > 0) begin_base();
  return dropped < kTrimHeads;
}

LogStats MemoryLog::stats() const {
  LogStats stats = stats_;
  stats.quiet_heads = quiet_.size();
  return stats;
}

MemoryLog::Stream& MemoryLog::at(StreamId id) {
  TAKO_CHECK(id < streams_.size() && streams_[id] != nullptr);
  return *streams_[id];
}

std::size_t MemoryLog::evict_oldest(StreamId id) {
  Stream& stream = at(id);
  const std::size_t count = stream.messages.front()->batch_rest() + std::size_t{1};
  TAKO_CHECK(count <= stream.messages.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t cost = stream.messages.front()->cost();
    stream.bytes -= cost;
    stats_.bytes -= cost;
    stream.messages.pop_front();
  }
  stats_.messages -= count;
  if (stream.messages.empty()) stats_.bytes -= kStreamBytes;
  return count;
}

void MemoryLog::hold_caps(StreamId id) {
  Stream& stream = at(id);
  const auto has_older_batch = [&stream] {
    return !stream.messages.empty() &&
           stream.messages.size() > stream.messages.front()->batch_rest() + std::size_t{1};
  };
  while (has_older_batch() && stream.messages.size() > stream.retention.messages_max) {
    seams_.counters.channel_messages_max += evict_oldest(id);
  }
  while (has_older_batch() && stream.bytes > stream.retention.bytes_max) {
    seams_.counters.channel_bytes_max += evict_oldest(id);
  }
  index(id);
}

void MemoryLog::hold_total(StreamId appended) {
  if (stats_.bytes <= seams_.limits.log_bytes_max) return;
  // What was just appended is still to be delivered and acknowledged: others give way before it.
  const Stream& newest = at(appended);
  const bool is_lone = newest.messages.size() == newest.messages.front()->batch_rest() + 1U;
  if (is_lone) fullest_.remove(appended);
  while (stats_.bytes > seams_.limits.log_bytes_max) {
    const auto fullest = fullest_.first();
    if (!fullest) break;
    seams_.counters.log_bytes_max += evict_oldest(*fullest);
    index(*fullest);
  }
  index(appended);
}

std::size_t MemoryLog::trim_stream(StreamId id) {
  Stream& stream = at(id);
  if (stream.messages.empty() || stream.retention.window_ms == 0) return 0;
  const std::int64_t left_before_ms = seams_.clock.wall_ms() - stream.retention.window_ms;
  std::size_t trimmed = 0;
  while (!stream.messages.empty() && stream.messages.front()->time_ms() <= left_before_ms) {
    trimmed += evict_oldest(id);
  }
  stats_.expired_total += trimmed;
  if (trimmed > 0) index(id);
  return trimmed;
}

void MemoryLog::index(StreamId id) {
  Stream& stream = at(id);
  unindex(id);
  if (stream.messages.empty()) return;
  fullest_.place(id, stream.bytes);
  if (stream.retention.window_ms == 0) return;
  stream.expires_ms = stream.messages.front()->time_ms() + stream.retention.window_ms;
  by_expiry_.emplace(stream.expires_ms, id);
}

void MemoryLog::unindex(StreamId id) {
  fullest_.remove(id);
  by_expiry_.erase({at(id).expires_ms, id});
}

// Forgotten for good: the next stream of that key must not number again in an epoch that it had.
void MemoryLog::begin_base() { base_epoch_ = fresh_epoch(); }

Epoch MemoryLog::fresh_epoch() { return make_epoch(seams_.random.next()); }

}  // namespace tako::broker
