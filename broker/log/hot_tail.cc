// Drops the oldest from memory when the budget is used up.
#include "broker/log/hot_tail.h"

#include <algorithm>

#include "broker/log/disk_stream.h"
#include "common/check.h"

namespace tako::broker {
namespace {

// Entries whose message is gone are swept when they are the larger half, and more than these.
constexpr std::size_t kStaleMin = 1'024;

}  // namespace

void HotTail::added(StreamId id, const DiskStream& stream) {
  queue_.push_back({.stream = id, .birth = stream.birth, .offset = stream.head});
  bytes_ += stream.hot.back()->cost();
  ++messages_;
  shrink();
  if (queue_.size() > 2 * messages_ + kStaleMin) {
    std::erase_if(queue_, [this](const Entry& entry) { return holder(entry) == nullptr; });
  }
}

void HotTail::dropped(std::size_t cost) {
  TAKO_CHECK(messages_ > 0 && bytes_ >= cost);
  bytes_ -= cost;
  --messages_;
}

void HotTail::shrink() {
  while (bytes_ > bytes_max_ && !queue_.empty()) {
    DiskStream* stream = holder(queue_.front());
    queue_.pop_front();
    if (stream == nullptr) continue;
    dropped(stream->hot.front()->cost());
    stream->hot.pop_front();
    ++limit_counter_;
  }
}

// The stream, if the entry's message is still in memory.
DiskStream* HotTail::holder(const Entry& entry) const {
  DiskStream* stream = find_(entry.stream, entry.birth);
  if (stream == nullptr || stream->hot.empty()) return nullptr;
  return stream->hot.front()->offset() <= entry.offset ? stream : nullptr;
}

}  // namespace tako::broker
