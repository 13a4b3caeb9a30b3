// What presence costs an edge: a batch of changes from the broker's words to each watcher, and the
// whole list for those that come (sockets not included).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/check.h"
#include "edge/adapters/native_presence_encoder.h"
#include "edge/fanout/testing/presence_fixture.h"
#include "tests/bench/bench.h"

namespace tako::edge {
namespace {

using testing::PresenceFixture;

// Keeps nothing: the cost of the outbox is not meant.
class CountingSink final : public FrameSink {
 public:
  void send(const SharedBytes& frame) override { bytes += frame.size(); }
  [[nodiscard]] bool has_room() const override { return true; }
  std::size_t bytes = 0;
};

class CountingWatcher final : public PresenceSubscriber {
 public:
  [[nodiscard]] PresenceListing listing() const override { return {}; }
  void on_presence_refused(const Error& /*error*/) override {}
  CountingSink sink;
};

// A room of so many members, and as many clients here that watch it.
class Room {
 public:
  explicit Room(std::size_t members) {
    edge_.encoders = {nullptr, &encoder_, nullptr, nullptr};
    for (std::size_t i = 0; i < members; ++i) join();
    MemberList list{.version = edge_.at(0), .members = {}};
    for (std::size_t i = 0; i < members; ++i) list.members.push_back(member(i));
    edge_.tell(std::move(list));
  }
  void join() {
    watchers_.push_back(std::make_unique<CountingWatcher>());
    edge_.hub.join(*watchers_.back(),
                   {.app = "default", .name = "c", .key = "c", .params_json = "{}"},
                   {.form = WireForm::WsRich, .wish = PresenceWish::List, .has = {}});
    watchers_.back()->set_sink(&watchers_.back()->sink);
  }
  void leave() { watchers_.pop_back(); }
  std::size_t change(std::size_t members) {
    PresenceChanges changes{
        .after = edge_.at(version_), .version = edge_.at(version_ + 1), .changes = {}};
    ++version_;
    for (std::size_t i = 0; i < members; ++i) {
      changes.changes.push_back({.action = PresenceAction::Update, .member = member(i)});
      changes.changes.back().member.data = std::to_string(version_);
    }
    const std::size_t before = bytes();
    edge_.tell(std::move(changes));
    TAKO_CHECK(bytes() > before);
    return bytes();
  }
  [[nodiscard]] std::size_t bytes() const { return watchers_.front()->sink.bytes; }

 private:
  static PresenceMember member(std::size_t number) {
    return {.subject = "member-" + std::to_string(number),
            .info = R"({"name":"A Member"})",
            .data = {},
            .since_ms = 1'790'000'000'000};
  }

  NativeWsPresenceEncoder encoder_;
  PresenceFixture edge_;
  std::uint64_t version_ = 0;
  std::vector<std::unique_ptr<CountingWatcher>> watchers_;
};

void measure_changes(std::size_t members, std::size_t changed) {
  Room room(members);
  bench::measure(
      std::to_string(changed) + " changes to one of " + std::to_string(members) + " watchers",
      members, [&] { return room.change(changed); });
}

void measure_list(std::size_t members) {
  Room room(members);
  bench::measure("one more joins a changed room of " + std::to_string(members), 1, [&] {
    const std::size_t told = room.change(1);
    room.join();
    room.leave();
    return told;
  });
}

}  // namespace
}  // namespace tako::edge

int main() {
  for (const std::size_t changed : {1, 200}) tako::edge::measure_changes(10'000, changed);
  for (const std::size_t members : {100, 10'000}) tako::edge::measure_list(members);
}
