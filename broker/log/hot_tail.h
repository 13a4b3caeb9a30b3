// HotTail: which messages of the disk log are in memory too: the newest of all, within a budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

#include "broker/log/log_engine.h"

namespace tako::broker {

class DiskStream;

// One queue over all streams, in the order of the appends. A stream's messages in memory are always
// its newest, so that a read is hot from some offset on.
class HotTail {
 public:
  // `find`: the stream of this number if it is the one that was born so, else null.
  using Find = std::function<DiskStream*(StreamId stream, std::uint32_t birth)>;
  HotTail(const std::size_t& bytes_max, std::uint64_t& limit_counter, Find find)
      : bytes_max_(bytes_max), limit_counter_(limit_counter), find_(std::move(find)) {}

  // The stream's new head is in its ring now.
  void added(StreamId id, const DiskStream& stream);
  // A message in memory was given up with its stream's oldest.
  void dropped(std::size_t cost);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    StreamId stream = 0;
    std::uint32_t birth = 0;
    std::uint64_t offset = 0;
  };
  [[nodiscard]] DiskStream* holder(const Entry& entry) const;
  void shrink();

  const std::size_t& bytes_max_;
  std::uint64_t& limit_counter_;
  Find find_;
  std::deque<Entry> queue_;  // with some whose message is gone already
  std::size_t bytes_ = 0;
  std::size_t messages_ = 0;
};

}  // namespace tako::broker
