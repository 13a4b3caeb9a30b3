// SegmentMover: carries what is still needed of the oldest segment forward, so that it can go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/log/journal.h"
#include "broker/log/log_format.h"
#include "common/worker.h"

namespace tako::broker {

// A record of the segment that is moved, out of the file.
struct SegmentRecord {
  log_format::Kind kind = log_format::Kind::Message;
  std::uint8_t flags = 0;
  log_format::MessageHead head = {};
  std::string body;
  Place place;
};

class SegmentMoverOwner {
 public:
  // Looks whether the record is needed still, and then puts a copy of it. `key`: of the stream that
  // the record's number means in its segment.
  virtual void move_record(const std::string& key, const SegmentRecord& record) = 0;
  // The whole segment has been gone through: what it still holds can't be read.
  virtual void on_moved(std::uint32_t slot) = 0;

 protected:
  ~SegmentMoverOwner() = default;
};

//   Idle ─start()─▶ Reading ─a piece is read, its records are put─▶ Waiting ─round written─▶
//   Reading …
//     ▲                                                                │
//     └──────────────── end of the segment, or stop() ◀────────────────┘
//
// One piece at a time, and not the next before its copies are written: so moving takes turns with
// appending.
class SegmentMover {
 public:
  SegmentMover(Worker& reader, Journal& journal, SegmentMoverOwner& owner)
      : reader_(reader), journal_(journal), owner_(owner) {}
  ~SegmentMover() { *is_alive_ = false; }
  SegmentMover(const SegmentMover&) = delete;
  SegmentMover& operator=(const SegmentMover&) = delete;

  [[nodiscard]] bool is_active() const { return job_ != nullptr; }
  // Only while idle.
  void start(std::uint32_t slot);
  // Gives up: what was not moved stays where it is.
  void stop() { job_.reset(); }
  void on_written(std::uint64_t round);

 private:
  struct Job;
  void read();
  void on_read(const std::shared_ptr<Job>& job);
  void go_on();

  Worker& reader_;
  Journal& journal_;
  SegmentMoverOwner& owner_;
  std::shared_ptr<Job> job_;
  std::uint64_t waits_for_ = 0;  // a round; 0: it is reading
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace tako::broker
