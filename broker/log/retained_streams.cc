// One index by expiry and one by size say what goes first.
#include "broker/log/retained_streams.h"

#include <algorithm>

#include "common/check.h"

namespace tako::broker {
namespace {

// Of one call of trim(): about a millisecond.
constexpr std::size_t kTrimMessages = 5'000;
constexpr std::size_t kTrimHeads = 1'000;

}  // namespace

RetainedStreams::RetainedStreams(const LogSeams& seams, std::size_t bytes_per_stream,
                                 RetentionListener* listener)
    : seams_(seams),
      bytes_per_stream_(bytes_per_stream),
      listener_(listener),
      base_epoch_(make_epoch(seams.random.next())) {}

StreamId RetainedStreams::open(std::string_view key, const Retention& retention,
                               std::unique_ptr<RetainedStream> stream) {
  stream->epoch = base_epoch_;
  stream->older_epochs = older_bases_;
  stream->retention = retention;
  if (auto quiet = quiet_.take(key)) {
    stream->epoch = quiet->head.epoch;
    stream->head = quiet->head.offset;
    stream->older_epochs = std::move(quiet->older_epochs);
    stream->stated_at = quiet->stated_at;
  }
  return place(std::move(stream));
}

StreamId RetainedStreams::restore(std::unique_ptr<RetainedStream> stream,
                                  std::size_t messages_bytes) {
  const std::size_t count = stream->size();
  const StreamId id = place(std::move(stream));
  if (count > 0) {
    at(id).bytes = messages_bytes;
    stats_.messages += count;
    stats_.bytes += messages_bytes + bytes_per_stream_;
  }
  hold_caps(id);
  return id;
}

void RetainedStreams::restore_quiet(std::string_view key, QuietHead head, std::int64_t expires_ms) {
  quiet_.remember(key, std::move(head), expires_ms);
}

bool RetainedStreams::release(StreamId id, std::string_view key, std::int64_t head_ttl_ms) {
  RetainedStream& stream = at(id);
  TAKO_CHECK(stream.empty());
  QuietHead quiet{.head = {stream.head, stream.epoch},
                  .older_epochs = std::move(stream.older_epochs),
                  .stated_at = stream.stated_at};
  const bool is_used = stream.head > 0;
  streams_[id].reset();
  free_ids_.push_back(id);
  --stats_.streams;
  if (is_used && head_ttl_ms > 0 && seams_.limits.forgotten_heads_max > 0) {
    if (quiet_.size() >= seams_.limits.forgotten_heads_max) {
      if (const auto dropped = quiet_.drop_first()) {
        ++seams_.counters.forgotten_heads_max;
        if (listener_ != nullptr) listener_->on_head_forgotten(*dropped);
        begin_base();
      }
    }
    quiet_.remember(key, std::move(quiet), seams_.clock.wall_ms() + head_ttl_ms);
    return true;
  }
  if (listener_ != nullptr) listener_->on_head_forgotten(quiet);
  if (is_used) begin_base();
  return false;
}

void RetainedStreams::set_retention(StreamId id, const Retention& retention) {
  at(id).retention = retention;
  index(id);
  hold_caps(id);
}

RetainedStream& RetainedStreams::at(StreamId id) const {
  RetainedStream* stream = find(id);
  TAKO_CHECK(stream != nullptr);
  return *stream;
}

RetainedStream* RetainedStreams::find(StreamId id) const {
  return id < streams_.size() ? streams_[id].get() : nullptr;
}

ReplayWindow RetainedStreams::window(StreamId id) {
  trim_stream(id);
  const RetainedStream& stream = at(id);
  return {stream.epoch, stream.head, stream.oldest(), stream.older_epochs};
}

ReplayWindow RetainedStreams::quiet_window(std::string_view key) const {
  const QuietHead* quiet = quiet_.find(key);
  if (quiet == nullptr) return {base_epoch_, 0, 1, older_bases_};
  return {quiet->head.epoch, quiet->head.offset, quiet->head.offset + 1, quiet->older_epochs};
}

std::uint64_t RetainedStreams::first_at(StreamId id, std::int64_t time_ms) {
  trim_stream(id);
  const RetainedStream& stream = at(id);
  std::size_t low = 0;
  std::size_t high = stream.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (stream.time_at(middle) < time_ms) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return stream.oldest() + low;
}

std::int64_t RetainedStreams::stamp(StreamId id) {
  RetainedStream& stream = at(id);
  // Time never goes back within a stream: reads by time search it.
  stream.last_time_ms = std::max(stream.last_time_ms, seams_.clock.wall_ms());
  return stream.last_time_ms;
}

void RetainedStreams::added(StreamId id, std::size_t count, std::size_t bytes) {
  RetainedStream& stream = at(id);
  if (stream.size() == count) stats_.bytes += bytes_per_stream_;
  stream.bytes += bytes;
  stats_.bytes += bytes;
  stats_.messages += count;
  stats_.appended_total += count;
  hold_caps(id);
  hold_total(id);
}

void RetainedStreams::drop_through(StreamId id, std::uint64_t offset) {
  RetainedStream& stream = at(id);
  while (!stream.empty() && stream.oldest() <= offset) evict_oldest(id);
  index(id);
}

std::size_t RetainedStreams::trim_stream(StreamId id) {
  RetainedStream& stream = at(id);
  if (stream.empty() || stream.retention.window_ms == 0) return 0;
  const std::int64_t left_before_ms = seams_.clock.wall_ms() - stream.retention.window_ms;
  std::size_t trimmed = 0;
  while (!stream.empty() && stream.front().time_ms <= left_before_ms) trimmed += evict_oldest(id);
  stats_.expired_total += trimmed;
  if (trimmed > 0) index(id);
  return trimmed;
}

bool RetainedStreams::trim() {
  const std::int64_t now_ms = seams_.clock.wall_ms();
  std::size_t trimmed = 0;
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now_ms) {
    if (trimmed >= kTrimMessages) return false;
    trimmed += trim_stream(by_expiry_.begin()->second);
  }
  std::size_t dropped = 0;
  for (; dropped < kTrimHeads; ++dropped) {
    const auto head = quiet_.drop_first_due(now_ms);
    if (!head) break;
    ++seams_.counters.forgotten_head_ttl_ms;
    if (listener_ != nullptr) listener_->on_head_forgotten(*head);
  }
  if (dropped > 0) begin_base();
  return dropped < kTrimHeads;
}

void RetainedStreams::hold_total(std::optional<StreamId> newest) {
  if (total_over_cap() == nullptr) return;
  // What was just appended is still to be delivered and acknowledged: others give way before it.
  const bool is_kept = newest && !at(*newest).empty() && at(*newest).is_lone_batch();
  if (is_kept) fullest_.remove(*newest);
  while (std::uint64_t* counter = total_over_cap()) {
    const auto fullest = fullest_.first();
    if (!fullest) break;
    *counter += evict_oldest(*fullest);
    index(*fullest);
  }
  if (is_kept) index(*newest);
}

LogStats RetainedStreams::stats() const {
  LogStats stats = stats_;
  stats.quiet_heads = quiet_.size();
  return stats;
}

std::size_t RetainedStreams::evict_oldest(StreamId id) {
  RetainedStream& stream = at(id);
  const std::size_t count = stream.front().batch_rest + std::size_t{1};
  TAKO_CHECK(count <= stream.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t cost = stream.pop_front();
    stream.bytes -= cost;
    stats_.bytes -= cost;
  }
  stats_.messages -= count;
  if (stream.empty()) stats_.bytes -= bytes_per_stream_;
  return count;
}

void RetainedStreams::hold_caps(StreamId id) {
  RetainedStream& stream = at(id);
  const auto has_older_batch = [&stream] { return !stream.empty() && !stream.is_lone_batch(); };
  while (has_older_batch() && stream.size() > stream.retention.messages_max) {
    seams_.counters.channel_messages_max += evict_oldest(id);
  }
  while (has_older_batch() && stream.bytes > stream.retention.bytes_max) {
    seams_.counters.channel_bytes_max += evict_oldest(id);
  }
  index(id);
}

// The counter of a cap that all streams together are above.
std::uint64_t* RetainedStreams::total_over_cap() {
  if (stats_.bytes > seams_.limits.log_bytes_max) return &seams_.counters.log_bytes_max;
  if (stats_.messages > seams_.limits.log_messages_max) return &seams_.counters.log_messages_max;
  return nullptr;
}

void RetainedStreams::index(StreamId id) {
  RetainedStream& stream = at(id);
  unindex(id);
  if (stream.empty()) return;
  fullest_.place(id, stream.bytes);
  if (stream.retention.window_ms == 0) return;
  stream.expires_ms = stream.front().time_ms + stream.retention.window_ms;
  by_expiry_.emplace(stream.expires_ms, id);
}

void RetainedStreams::unindex(StreamId id) {
  fullest_.remove(id);
  by_expiry_.erase({at(id).expires_ms, id});
}

StreamId RetainedStreams::place(std::unique_ptr<RetainedStream> stream) {
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

// Forgotten for good: the next stream of that key must not number again in an epoch that it had.
void RetainedStreams::begin_base() {
  base_epoch_ = fresh_epoch();
  older_bases_.clear();
  if (listener_ != nullptr) listener_->on_base_changed();
}

Epoch RetainedStreams::fresh_epoch() { return make_epoch(seams_.random.next()); }

}  // namespace tako::broker
