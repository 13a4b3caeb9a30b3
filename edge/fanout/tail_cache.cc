// Keeps the tail in one vector; what was dropped in front is cut off when it is half of it.
#include "edge/fanout/tail_cache.h"

#include "common/check.h"

namespace tako::edge {
namespace {

// Without the frames, which are added as they are made.
std::size_t bare_bytes(const Message& message) {
  return sizeof(Message) + message.type.size() + message.data.size() + message.subject.size();
}

std::size_t frame_bytes(const Message& message) {
  std::size_t bytes = 0;
  for (const SharedBytes& frame : message.frames) bytes += frame.size();
  return bytes;
}

}  // namespace

void TailCache::append(MessagePtr message) {
  TAKO_CHECK(empty() || message->position.offset == first_offset() + size());
  bytes_ += bare_bytes(*message) + frame_bytes(*message);
  messages_.push_back(std::move(message));
}

TailCache::Trimmed TailCache::trim(const Bounds& bounds) {
  Trimmed trimmed;
  bool inside_batch = false;
  while (!empty()) {
    const bool too_many = size() > bounds.messages_max;
    const bool too_big = bytes_ > bounds.bytes_max;
    const bool too_old = messages_[begin_]->time_ms < bounds.oldest_ms;
    if (!inside_batch && !too_many && !too_big && !too_old) break;
    trimmed.by_count |= too_many;
    trimmed.by_bytes |= too_big;
    inside_batch = messages_[begin_]->batch_rest > 0;
    drop_first();
  }
  return trimmed;
}

void TailCache::drop_first() {
  MessagePtr& first = messages_[begin_];
  bytes_ -= bare_bytes(*first) + frame_bytes(*first);
  first.reset();
  ++begin_;
  if (empty()) {
    messages_.clear();
    begin_ = 0;
  } else if (begin_ * 2 >= messages_.size()) {
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
}

void TailCache::clear() {
  messages_ = {};
  begin_ = 0;
  bytes_ = 0;
}

std::span<const MessagePtr> TailCache::after(std::uint64_t offset) const {
  if (empty()) return {};
  const auto skipped = static_cast<std::size_t>(offset + 1 - first_offset());
  if (skipped >= size()) return {};
  return std::span(messages_).subspan(begin_ + skipped);
}

bool TailCache::holds(const Message& message) const {
  const std::uint64_t offset = message.position.offset;
  if (empty() || offset < first_offset() || offset >= first_offset() + size()) return false;
  return messages_[begin_ + static_cast<std::size_t>(offset - first_offset())].get() == &message;
}

}  // namespace tako::edge
