// Laws 1, 2 and 3 over random turns of everything a feed can meet: slow, coming and going clients,
// a window that passes them, links that break, histories that are lost. The seed is printed.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <random>
#include <set>

#include "edge/fanout/testing/hub_fixture.h"

namespace tako::edge::testing {
namespace {

// Checks each frame and each word against what must come next. Independent of the feed: it knows
// only that what is numbered n comes after n - 1, unless it was told otherwise.
class LawKeeper final : public Subscriber, public FrameSink {
 public:
  LawKeeper() { set_sink(this); }

  void on_started(const Start& start) override {
    has_started = true;
    seen_ = start.gap ? start.gap->to : start.at;
    if (asked && !start.gap && *asked != start.at) ++broken;
  }
  void on_gap(const Gap& gap) override {
    if (gap.from != seen_) ++broken;
    seen_ = gap.to;
    ++gaps;
  }
  void on_ended(const Error&) override { has_started = false; }
  void send(const SharedBytes& frame) override {
    if (frame.view() == "e") return;  // ephemeral
    const std::uint64_t offset = std::stoull(std::string(frame.view()));
    if (offset != seen_.offset + 1) ++broken;
    seen_.offset = offset;
    ++received;
    if (room > 0) --room;
  }
  [[nodiscard]] bool has_room() const override { return room > 0; }

  // As a connection does: only one that had no room asks for more.
  void breathe(std::size_t frames) {
    const bool was_full = room == 0;
    room = frames;
    if (was_full) pump();
  }
  [[nodiscard]] Position seen() const { return seen_; }

  bool has_started = false;
  std::size_t room = SIZE_MAX;
  std::size_t received = 0;
  std::size_t gaps = 0;
  std::size_t broken = 0;
  std::optional<Position> asked;

 private:
  Position seen_;
};

struct Storm : HubFixture {
  explicit Storm(std::uint32_t seed) : random(seed) {
    limits.tail_cache_messages_max = 5;
    limits.fetches_per_feed_max = 2;
    limits.outbox_bytes_max = seed % 2 == 0 ? 8 : 64;  // Messages of a page.
    broker.link_up();
  }

  void arrive(std::unique_ptr<LawKeeper>& client) {
    std::optional<Position> cursor;
    if (client != nullptr && client->has_started && random() % 4 != 0) cursor = client->seen();
    if (client != nullptr) {
      received += client->received;
      gaps += client->gaps;
      broken += client->broken;
    }
    client = std::make_unique<LawKeeper>();
    client->asked = cursor;
    Join wanted;
    if (cursor) wanted.cursor = Cursor{.from_oldest = false, .position = *cursor};
    hub.join(*client, {.app = "x", .name = "a", .key = "a", .params_json = "{}"}, rules, wanted);
  }

  void turn() {
    std::unique_ptr<LawKeeper>& client = clients[random() % clients.size()];
    switch (random() % 16) {
      case 0:
        return arrive(client);
      case 1:
      case 2:
        if (client != nullptr) client->breathe(random() % 8);
        return;
      case 3:
        if (client != nullptr) client->breathe(SIZE_MAX);
        return;
      case 4:
        return broker.publish_batch("a", 1 + random() % 4);
      case 5: {
        broker.publish_to("a", {.data = "e", .ephemeral = true});
        return;
      }
      case 6:
        if (random() % 4 == 0) broker.evict("a", random() % (broker.log("a").messages.size() + 1));
        return;
      case 7:
        return break_something();
      case 8:
        clock.advance(100);
        return hub.tick();
      case 9:
      case 10:
      case 11:
        static_cast<void>(broker.run_one());
        return;
      default:
        broker.publish_to("a");
        return;
    }
  }

  void break_something() {
    if (random() % 8 != 0) return;
    if (!broker.is_linked()) return broker.link_up();
    broker.link_down();
    if (random() % 3 == 0) broker.lose_everything();
  }

  // All get well while others publish; then every client must be live, so that it gets what comes.
  void settle() {
    if (!broker.is_linked()) broker.link_up();
    for (int i = 0; i < 100; ++i) {
      for (auto& client : clients) {
        if (client != nullptr) client->breathe(SIZE_MAX);
      }
      broker.publish_to("a");
      broker.run();
      clock.advance(100);
      hub.tick();
    }
  }

  void check_all_at_head() {
    for (const auto& client : clients) {
      if (client == nullptr || !client->has_started) continue;
      CHECK(client->is_attached());
      CHECK(client->seen() == at("a", broker.log("a").head));
      CHECK(client->broken == 0);
    }
  }

  std::mt19937 random;
  std::array<std::unique_ptr<LawKeeper>, 12> clients;
  std::size_t received = 0;
  std::size_t gaps = 0;
  std::size_t broken = 0;
};

TEST_CASE("no turn of events breaks order, hides a gap or repeats a message") {
  std::size_t received = 0;
  std::size_t gaps = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Storm storm(seed);
    for (int lull = 0; lull < 30; ++lull) {
      for (int i = 0; i < 100; ++i) storm.turn();
      storm.settle();
      storm.check_all_at_head();
    }
    for (const auto& client : storm.clients) {
      if (client == nullptr || !client->has_started) continue;
      received += client->received;
      gaps += client->gaps;
    }
    CHECK(storm.broken == 0);
    received += storm.received;
    gaps += storm.gaps;
  }
  // The storm is one: without these nothing was shown.
  CHECK(received > 10'000);
  CHECK(gaps > 50);
}

TEST_CASE("the keeper of the laws notices a loss, a repeat, a swap and a gap told wrongly") {
  LawKeeper keeper;
  keeper.on_started({.at = {0, Epoch{1}}, .resumed = false, .gap = {}});
  keeper.send(SharedBytes("1"));
  CHECK(keeper.broken == 0);
  SUBCASE("loss") { keeper.send(SharedBytes("3")); }
  SUBCASE("repeat") { keeper.send(SharedBytes("1")); }
  SUBCASE("swap") {
    keeper.send(SharedBytes("3"));
    keeper.send(SharedBytes("2"));
  }
  SUBCASE("wrong gap") { keeper.on_gap({.from = {0, Epoch{1}}, .to = {5, Epoch{1}}}); }
  CHECK(keeper.broken > 0);
}

}  // namespace
}  // namespace tako::edge::testing
