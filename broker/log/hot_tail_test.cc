// Which messages stay in memory: the newest of all streams, within the budget.
#include "broker/log/hot_tail.h"

#include <doctest/doctest.h>

#include <map>

#include "broker/log/disk_stream.h"
#include "broker/log/memory_folder.h"
#include "broker/log/test_segments.h"

namespace tako::broker {
namespace {

class NobodyOwns final : public JournalOwner {
 public:
  [[nodiscard]] std::uint64_t base_epoch() const override { return 1; }
  void on_written(std::uint64_t /*round*/) override {}
  void on_write_failed(int /*error*/) override {}
  void on_synced(std::uint64_t /*round*/) override {}
  void on_fatal(std::string_view /*what*/, int /*error*/) override {}
};

// Streams by number, each message of one size.
class Streams {
 public:
  // `messages`: that fit.
  explicit Streams(std::size_t messages) : bytes_max_(messages * message(1)->cost()) {}

  void open(StreamId id, std::uint32_t birth) {
    streams_[id] = std::make_unique<DiskStream>(journal_, tail_);
    streams_[id]->birth = birth;
  }
  void append(StreamId id) {
    DiskStream& stream = at(id);
    const MessagePtr appended = message(++stream.head);
    stream.entries.push_back(StreamEntry({1, 8}, 64, 1, 0, true));
    stream.hot.push_back(appended);
    tail_.added(id, stream);
  }
  // The oldest message leaves its window.
  void drop_oldest(StreamId id) {
    DiskStream& stream = at(id);
    if (stream.hot.size() == stream.entries.size()) {
      tail_.dropped(stream.hot.front()->cost());
      stream.hot.pop_front();
    }
    stream.entries.pop_front();
  }
  void close(StreamId id) {
    while (!at(id).entries.empty()) drop_oldest(id);
    streams_.erase(id);
  }
  [[nodiscard]] DiskStream& at(StreamId id) { return *streams_.at(id); }
  [[nodiscard]] std::size_t hot(StreamId id) { return at(id).hot.size(); }
  [[nodiscard]] std::size_t bytes() const { return tail_.bytes(); }
  [[nodiscard]] std::uint64_t pushed_out() const { return counter_; }
  [[nodiscard]] std::size_t message_bytes() const { return message(1)->cost(); }

 private:
  static MessagePtr message(std::uint64_t offset) {
    const MessageDraft draft{.type = "t", .data = std::string(200, 'x')};
    return std::make_shared<const StoredMessage>(draft, Position{offset, Epoch{1}}, 1, 0);
  }

  FakeClock clock_;
  SeededRandom random_{1};
  MemoryFolder folder_;
  InlineWorker worker_;
  NobodyOwns owner_;
  Journal journal_{{.clock = clock_,
                    .random = random_,
                    .folder = folder_,
                    .writer = worker_,
                    .syncer = worker_,
                    .segment_bytes = 1 << 20},
                   owner_};
  std::size_t bytes_max_;
  std::uint64_t counter_ = 0;
  std::map<StreamId, std::unique_ptr<DiskStream>> streams_;
  HotTail tail_{bytes_max_, counter_, [this](StreamId id, std::uint32_t birth) -> DiskStream* {
                  const auto found = streams_.find(id);
                  if (found == streams_.end() || found->second->birth != birth) return nullptr;
                  return found->second.get();
                }};
};

TEST_CASE("the oldest of all streams goes first when the budget is used up") {
  Streams streams(4);
  streams.open(1, 1);
  streams.open(2, 2);
  for (const StreamId id : {1U, 1U, 2U, 1U}) streams.append(id);
  CHECK(streams.hot(1) == 3);
  CHECK(streams.hot(2) == 1);
  CHECK(streams.pushed_out() == 0);
  streams.append(2);
  CHECK(streams.hot(1) == 2);
  CHECK(streams.at(1).hot_begin() == 2);
  CHECK(streams.at(1).hot_message(2)->offset() == 2);
  streams.append(2);
  streams.append(2);
  CHECK(streams.hot(1) == 1);
  CHECK(streams.hot(2) == 3);  // Its first was pushed out as well: it was older than 1's last.
  CHECK(streams.pushed_out() == 3);
  CHECK(streams.bytes() == 4 * streams.message_bytes());
}

TEST_CASE("without a budget nothing stays in memory, and nothing is lost") {
  Streams streams(0);
  streams.open(1, 1);
  streams.append(1);
  CHECK(streams.hot(1) == 0);
  CHECK(streams.at(1).entries.size() == 1);
  CHECK(streams.bytes() == 0);
}

TEST_CASE("messages that left their window, and streams that went, take no budget") {
  Streams streams(2);
  streams.open(1, 1);
  streams.append(1);
  streams.append(1);
  streams.drop_oldest(1);
  streams.append(1);
  CHECK(streams.hot(1) == 2);
  CHECK(streams.pushed_out() == 0);
  streams.close(1);
  CHECK(streams.bytes() == 0);
  // Another stream of the same number: what the queue knows of the old one is not its.
  streams.open(1, 2);
  streams.append(1);
  streams.append(1);
  CHECK(streams.hot(1) == 2);
  streams.append(1);
  CHECK(streams.hot(1) == 2);
  CHECK(streams.at(1).hot_begin() == 2);
}

}  // namespace
}  // namespace tako::broker
