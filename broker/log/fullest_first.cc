// Doubly linked lists through a vector, one list per bucket.
#include "broker/log/fullest_first.h"

#include <bit>

namespace tako::broker {

void FullestFirst::place(StreamId stream, std::size_t bytes) {
  remove(stream);
  if (stream >= links_.size()) links_.resize(std::size_t{stream} + 1);
  Links& links = links_[stream];
  links.bucket = static_cast<std::uint32_t>(std::bit_width(bytes));
  Bucket& bucket = buckets_[links.bucket];
  links.previous = bucket.last;
  if (bucket.last == kNone) {
    bucket.first = stream;
  } else {
    links_[bucket.last].next = stream;
  }
  bucket.last = stream;
}

void FullestFirst::remove(StreamId stream) {
  if (stream >= links_.size() || links_[stream].bucket == kNoBucket) return;
  const Links links = links_[stream];
  Bucket& bucket = buckets_[links.bucket];
  (links.previous == kNone ? bucket.first : links_[links.previous].next) = links.next;
  (links.next == kNone ? bucket.last : links_[links.next].previous) = links.previous;
  links_[stream] = {};
}

std::optional<StreamId> FullestFirst::first() const {
  for (std::size_t i = kBuckets; i-- > 0;) {
    if (buckets_[i].first != kNone) return buckets_[i].first;
  }
  return std::nullopt;
}

}  // namespace tako::broker
