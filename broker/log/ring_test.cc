// The ring against a deque, and what it costs when empty.
#include "broker/log/ring.h"

#include <doctest/doctest.h>

#include <deque>

#include "broker/log/stored_message.h"
#include "common/random.h"

namespace tako::broker {
namespace {

MessagePtr message(std::uint64_t offset) {
  return std::make_shared<const StoredMessage>(MessageDraft{.type = "t", .data = "1"},
                                               Position{offset, Epoch{1}}, 0, 0);
}

TEST_CASE("pushes and pops in any order give what a deque gives") {
  SeededRandom random(7);
  Ring<MessagePtr> ring;
  std::deque<MessagePtr> model;
  std::uint64_t offset = 0;
  for (int step = 0; step < 5'000; ++step) {
    // Phases that grow and phases that shrink, so that both resizes happen with a wrapped ring.
    const bool grows = (step / 500) % 2 == 0;
    if (model.empty() || random.below(10) < (grows ? 7U : 3U)) {
      model.push_back(message(++offset));
      ring.push_back(model.back());
    } else {
      model.pop_front();
      ring.pop_front();
    }
    REQUIRE(ring.size() == model.size());
    if (model.empty()) continue;
    REQUIRE(ring.front() == model.front());
    REQUIRE(ring.back() == model.back());
    const std::size_t middle = model.size() / 2;
    REQUIRE(ring[middle] == model[middle]);
  }
}

TEST_CASE("what was popped is no longer held") {
  Ring<MessagePtr> ring;
  const MessagePtr kept = message(1);
  ring.push_back(kept);
  CHECK(kept.use_count() == 2);
  ring.pop_front();
  CHECK(kept.use_count() == 1);
  CHECK(ring.empty());
}

static_assert(sizeof(Ring<MessagePtr>) <= 24);

}  // namespace
}  // namespace tako::broker
