// DiskStream: one stream of the disk log: an entry for each message, and the newest in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/log/hot_tail.h"
#include "broker/log/journal.h"
#include "broker/log/place.h"
#include "broker/log/retained_streams.h"
#include "broker/log/ring.h"

namespace tako::broker {

class DiskStream final : public RetainedStream {
 public:
  // An idempotency key's record.
  struct KeyEntry {
    Place place;
    std::uint32_t bytes = 0;
    std::int64_t used_ms = 0;
  };

  // Both outlive the stream.
  DiskStream(Journal& journal, HotTail& hot_tail) : journal_(journal), hot_tail_(hot_tail) {}

  [[nodiscard]] std::size_t size() const override { return entries.size(); }
  [[nodiscard]] Oldest front() const override {
    return {entries.front().time_ms(), entries.front().batch_rest()};
  }
  [[nodiscard]] std::int64_t time_at(std::size_t index) const override {
    return entries[index].time_ms();
  }
  std::size_t pop_front() override {
    const StreamEntry entry = entries.front();
    if (hot.size() == entries.size()) {
      hot_tail_.dropped(hot.front()->cost());
      hot.pop_front();
    }
    entries.pop_front();
    journal_.release(entry.place(), entry.bytes());
    return entry.bytes();
  }

  // From this offset on messages are in memory.
  [[nodiscard]] std::uint64_t hot_begin() const { return head + 1 - hot.size(); }
  [[nodiscard]] const StreamEntry& entry(std::uint64_t offset) const {
    return entries[offset - oldest()];
  }
  [[nodiscard]] StreamEntry& entry(std::uint64_t offset) { return entries[offset - oldest()]; }
  [[nodiscard]] const MessagePtr& hot_message(std::uint64_t offset) const {
    return hot[offset - hot_begin()];
  }

  std::string key;
  std::string about;
  Ring<StreamEntry> entries;        // all that are retained
  Ring<MessagePtr> hot;             // the newest of them
  Ring<KeyEntry> keys;              // in the order of their use
  std::int64_t keys_expire_ms = 0;  // when the oldest key goes; only while listed
  std::uint64_t given = 0;          // the last offset that was given, written or not
  std::uint64_t stated_in = 0;      // number of the segment that has the stream's state; 0: none
  std::uint64_t state_version = 0;  // of the state that was put last
  std::uint32_t birth = 0;          // tells it from an earlier stream of the same number

 private:
  Journal& journal_;
  HotTail& hot_tail_;
};

}  // namespace tako::broker
