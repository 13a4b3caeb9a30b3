// Outbox: order, cut frames, accounts, and that no memory is kept while it is empty.
#include "edge/session/outbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tako::edge {
namespace {

std::string take_all(Outbox& outbox, std::size_t step, std::size_t pieces = 8) {
  std::string sent;
  while (!outbox.empty()) {
    std::vector<std::string_view> views(pieces);
    const std::size_t count = outbox.gather(views);
    std::string gathered;
    for (std::size_t i = 0; i < count; ++i) gathered += views[i];
    const std::size_t taken = std::min(step, gathered.size());
    sent += gathered.substr(0, taken);
    outbox.consume(taken);
  }
  return sent;
}

}  // namespace

TEST_CASE("frames leave in the order they came, wherever the kernel cuts them") {
  std::mt19937 random(7);
  for (const std::size_t step : {1U, 2U, 3U, 7U, 100U, 100'000U}) {
    OutboxPool pool;
    Outbox outbox(pool);
    std::string pushed;
    for (int i = 0; i < 200; ++i) {
      const std::string frame(1 + random() % 9, static_cast<char>('a' + i % 26));
      pushed += frame;
      outbox.push(SharedBytes(frame));
    }
    CHECK(outbox.bytes() == pushed.size());
    CHECK(take_all(outbox, step) == pushed);
    CHECK(outbox.empty());
    CHECK(pool.lent() == 0);
  }
}

TEST_CASE("pushing while sending keeps the order") {
  OutboxPool pool;
  Outbox outbox(pool);
  std::mt19937 random(11);
  std::string pushed;
  std::string sent;
  for (int i = 0; i < 5'000; ++i) {
    if (random() % 2 == 0) {
      const std::string frame = std::to_string(i) + ";";
      pushed += frame;
      outbox.push(SharedBytes(frame));
    }
    std::vector<std::string_view> views(2);
    const std::size_t count = outbox.gather(views);
    if (count == 0) continue;
    const std::size_t taken = random() % (views[0].size() + 1);
    sent += views[0].substr(0, taken);
    outbox.consume(taken);
  }
  sent += take_all(outbox, 5);
  CHECK(sent == pushed);
}

TEST_CASE("gather fills no more than it is given, and begins behind what was sent") {
  OutboxPool pool;
  Outbox outbox(pool);
  for (const char* frame : {"abc", "def", "ghi"}) outbox.push(SharedBytes(frame));
  outbox.consume(1);
  std::vector<std::string_view> views(2);
  REQUIRE(outbox.gather(views) == 2);
  CHECK(views[0] == "bc");
  CHECK(views[1] == "def");
}

TEST_CASE("a frame is shared, and let go when it is sent or cleared") {
  OutboxPool pool;
  Outbox outbox(pool);
  const SharedBytes frame("shared");
  for (int i = 0; i < 40; ++i) outbox.push(frame);
  CHECK(frame.use_count() == 41);
  outbox.consume(6);
  CHECK(frame.use_count() == 40);
  CHECK(pool.lent() == 2);
  outbox.clear();
  CHECK(frame.use_count() == 1);
  CHECK(outbox.bytes() == 0);
  CHECK(pool.lent() == 0);
  CHECK(pool.kept() == 2);
  outbox.push(frame);
  CHECK(outbox.bytes() == 6);
}

TEST_CASE("a pool keeps a chunk for each of many outboxes, and lets them go with their outboxes") {
  OutboxPool pool;
  const SharedBytes frame("burst");
  std::vector<std::unique_ptr<Outbox>> outboxes;
  for (int i = 0; i < 10'000; ++i) {
    outboxes.push_back(std::make_unique<Outbox>(pool));
    for (int pushed = 0; pushed < 8; ++pushed) outboxes.back()->push(frame);
  }
  CHECK(pool.lent() == outboxes.size());
  for (const auto& outbox : outboxes) outbox->clear();
  CHECK(pool.kept() == outboxes.size());  // The next burst finds them all.
  outboxes.clear();
  CHECK(pool.kept() < 5'000);
}

TEST_CASE("control bytes and pongs count until the frame is wholly sent") {
  OutboxPool pool;
  Outbox outbox(pool);
  outbox.push(SharedBytes("msg"));
  outbox.push(SharedBytes("ack!"), FrameKind::Control);
  outbox.push(SharedBytes("po"), FrameKind::Pong);
  CHECK(outbox.control_bytes() == 6);
  CHECK(outbox.pongs() == 1);
  outbox.consume(6);  // One byte of the ack is left.
  CHECK(outbox.control_bytes() == 6);
  outbox.consume(1);
  CHECK(outbox.control_bytes() == 2);
  outbox.consume(2);
  CHECK(outbox.control_bytes() == 0);
  CHECK(outbox.pongs() == 0);
}

TEST_CASE("what is not begun can be dropped, the rest of what was begun follows") {
  OutboxPool pool;
  Outbox outbox(pool);
  for (int i = 0; i < 50; ++i) outbox.push(SharedBytes(std::string_view("abcd")), FrameKind::Pong);
  SUBCASE("nothing was begun") {
    outbox.consume(8);
    outbox.drop_unsent(false);
    CHECK(outbox.empty());
  }
  SUBCASE("the third was") {
    outbox.consume(9);
    outbox.drop_unsent(false);
    CHECK(outbox.pongs() == 1);
    CHECK(outbox.is_begun());
    CHECK(take_all(outbox, 1) == "bcd");
  }
  SUBCASE("the first stays in any case") {
    outbox.drop_unsent(true);
    CHECK(take_all(outbox, 3) == "abcd");
  }
  CHECK(pool.lent() == 0);
  CHECK(outbox.control_bytes() == 0);
  CHECK(outbox.pongs() == 0);
}

TEST_CASE("the rest of a frame that another process began is no frame to be dropped") {
  OutboxPool pool;
  Outbox outbox(pool);
  outbox.push_rest(SharedBytes(std::string_view("cd")), FrameKind::Message);
  outbox.push(SharedBytes(std::string_view("next")));
  outbox.drop_unsent(false);
  CHECK(take_all(outbox, 8) == "cd");
  outbox.push(SharedBytes(std::string_view("next")));
  outbox.drop_unsent(false);
  CHECK(outbox.empty());
}

}  // namespace tako::edge
