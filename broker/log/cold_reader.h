// ColdReader: fetches messages from segment files, beside the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "broker/log/journal.h"
#include "broker/log/stored_message.h"
#include "common/worker.h"

namespace tako::broker {

// One message of a read: in memory already, or where it stands.
struct ColdItem {
  MessagePtr message;
  Journal::Source source = {};
  std::uint64_t at = 0;
  std::size_t bytes = 0;  // with the pad
  std::uint64_t offset = 0;
};

class ColdReader {
 public:
  struct Outcome {
    std::vector<MessagePtr> messages;  // in order, up to the first that can't be read
    std::uint64_t unreadable = 0;      // that one's offset; 0: all were read
  };
  using OnDone = std::function<void(Outcome)>;

  explicit ColdReader(Worker& worker) : worker_(worker) {}
  ~ColdReader() { *is_alive_ = false; }
  ColdReader(const ColdReader&) = delete;
  ColdReader& operator=(const ColdReader&) = delete;

  // Calls back once, unless this is destroyed before.
  void read(std::vector<ColdItem> items, OnDone on_done);

 private:
  Worker& worker_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace tako::broker
