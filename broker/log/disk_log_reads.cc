// Reads: from memory where the range begins there, else from the files.
#include <algorithm>

#include "broker/log/disk_log.h"
#include "broker/log/read_range.h"

namespace tako::broker {
namespace {

// One is being read, and the next is there when it is done.
constexpr std::size_t kReadsAtOnce = 2;

}  // namespace

std::optional<std::vector<MessagePtr>> DiskLog::read_after(StreamId id, std::uint64_t after,
                                                           std::uint64_t upto,
                                                           const ReadLimits& limits) {
  streams_.trim_stream(id);
  const DiskStream& stream = at(id);
  std::vector<MessagePtr> messages;
  const std::uint64_t first = std::max(after + 1, stream.oldest());
  const std::uint64_t last = std::min(upto, stream.head);
  if (first > last) return messages;
  if (first < stream.hot_begin()) return std::nullopt;
  RangeFiller filler(limits);
  for (std::uint64_t offset = first; offset <= last; ++offset) {
    const MessagePtr& message = stream.hot_message(offset);
    if (!filler.takes(message->record().size(), message->batch_rest())) break;
    messages.push_back(message);
  }
  return messages;
}

void DiskLog::load_after(StreamId id, std::uint64_t after, std::uint64_t upto,
                         const ReadLimits& limits, OnRead on_read) {
  if (auto hot = read_after(id, after, upto, limits)) {
    on_read(std::move(*hot));
    return;
  }
  const DiskStream& stream = at(id);
  RangeFiller filler(limits);
  const std::uint64_t first = std::max(after + 1, stream.oldest());
  std::uint64_t end = first;
  for (const std::uint64_t last = std::min(upto, stream.head); end <= last; ++end) {
    const StreamEntry& entry = stream.entry(end);
    if (!filler.takes(entry.bytes() - log_format::kMessageHeadBytes, entry.batch_rest())) break;
  }
  load(id, first, end - 1, std::move(on_read));
}

void DiskLog::load_before(StreamId id, std::uint64_t before, std::uint64_t from,
                          const ReadLimits& limits, OnRead on_read) {
  streams_.trim_stream(id);
  const DiskStream& stream = at(id);
  const std::uint64_t first = std::max(from, stream.oldest());
  std::uint64_t begin = std::min(before, stream.head + 1);
  const std::uint64_t end = begin;
  RangeFiller filler({limits.messages_max, limits.bytes_max, false});
  while (begin > first &&
         filler.takes(stream.entry(begin - 1).bytes() - log_format::kMessageHeadBytes, 0)) {
    --begin;
  }
  if (begin >= end) {
    on_read({});
    return;
  }
  load(id, begin, end - 1, std::move(on_read));
}

void DiskLog::load(StreamId id, std::uint64_t first, std::uint64_t last, OnRead on_read) {
  const DiskStream& stream = at(id);
  if (first >= stream.hot_begin()) {
    std::vector<MessagePtr> messages;
    for (std::uint64_t offset = first; offset <= last; ++offset) {
      messages.push_back(stream.hot_message(offset));
    }
    on_read(std::move(messages));
    return;
  }
  reads_.push_back({.stream = id,
                    .birth = stream.birth,
                    .first = first,
                    .last = last,
                    .on_read = std::move(on_read)});
  read_next();
}

void DiskLog::read_next() {
  while (!reads_.empty() && reads_under_way_ < kReadsAtOnce) {
    const Read next = std::move(reads_.front());
    reads_.pop_front();
    read(next);
  }
}

void DiskLog::read(const Read& next) {
  const DiskStream* stream = find(next.stream, next.birth);
  // Time may have taken the first ones away since it was asked.
  const std::uint64_t first = stream == nullptr ? 1 : std::max(next.first, stream->oldest());
  if (stream == nullptr || first > next.last) {
    next.on_read({});
    return;
  }
  std::vector<ColdItem> items;
  items.reserve(static_cast<std::size_t>(next.last + 1 - first));
  for (std::uint64_t offset = first; offset <= next.last; ++offset) {
    if (offset >= stream->hot_begin()) {
      items.push_back({.message = stream->hot_message(offset)});
      continue;
    }
    const StreamEntry& entry = stream->entry(offset);
    items.push_back({.message = nullptr,
                     .source = journal_.source(entry.place().slot),
                     .at = entry.place().at(),
                     .bytes = entry.bytes(),
                     .offset = offset});
    ++cold_reads_;
  }
  ++reads_under_way_;
  reader_.read(std::move(items), [this, id = next.stream, birth = next.birth,
                                  on_read = next.on_read](ColdReader::Outcome outcome) {
    --reads_under_way_;
    const DiskStream* stream = find(id, birth);
    if (outcome.unreadable != 0 && stream != nullptr && stream->oldest() <= outcome.unreadable &&
        outcome.unreadable <= stream->head) {
      drop_unreadable(id, outcome.unreadable);
      outcome.messages.clear();
    }
    on_read(std::move(outcome.messages));
    read_next();
  });
}

// A message that can't be read is lost, and so the window begins behind it: whoever stands before
// it is told of the gap.
void DiskLog::drop_unreadable(StreamId id, std::uint64_t offset) {
  ++corrupt_;
  disk_.warn("a stored message can't be read, its channel's replay begins behind it: " +
             at(id).key + " " + std::to_string(offset));
  streams_.drop_through(id, offset);
  if (observer_ != nullptr) observer_->on_readable(id);
}

}  // namespace tako::broker
