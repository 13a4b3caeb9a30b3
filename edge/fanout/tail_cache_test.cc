// The tail cache: what it keeps, and what its bounds take away.
#include "edge/fanout/tail_cache.h"

#include <doctest/doctest.h>

#include <memory>

namespace tako::edge {
namespace {

constexpr TailCache::Bounds kWide{.messages_max = 1'000, .bytes_max = SIZE_MAX, .oldest_ms = 0};

MessagePtr message(std::uint64_t offset, std::int64_t time_ms = 0, std::uint32_t batch_rest = 0) {
  auto made = std::make_shared<Message>();
  made->position = {offset, Epoch{1}};
  made->time_ms = time_ms;
  made->data = "x";
  made->batch_rest = batch_rest;
  return made;
}

TEST_CASE("it gives what follows an offset") {
  TailCache cache;
  for (std::uint64_t offset = 5; offset < 9; ++offset) cache.append(message(offset));
  CHECK(cache.first_offset() == 5);
  CHECK(cache.after(4).size() == 4);
  CHECK(cache.after(6).front()->position.offset == 7);
  CHECK(cache.after(8).empty());
}

TEST_CASE("each bound drops the oldest") {
  TailCache cache;
  for (std::uint64_t offset = 1; offset <= 4; ++offset) {
    cache.append(message(offset, static_cast<std::int64_t>(offset)));
  }
  TailCache::Bounds bounds = kWide;
  SUBCASE("count") {
    bounds.messages_max = 3;
    CHECK(cache.trim(bounds).by_count);
  }
  SUBCASE("bytes") {
    bounds.bytes_max = cache.bytes() - 1;
    CHECK(cache.trim(bounds).by_bytes);
  }
  SUBCASE("age") {
    bounds.oldest_ms = 2;
    const TailCache::Trimmed trimmed = cache.trim(bounds);
    CHECK_FALSE((trimmed.by_bytes || trimmed.by_count));
  }
  CHECK(cache.first_offset() == 2);
}

TEST_CASE("an atomic batch goes as a whole") {
  TailCache cache;
  cache.append(message(1, 0, 2));
  cache.append(message(2, 0, 1));
  cache.append(message(3, 0, 0));
  cache.append(message(4));
  TailCache::Bounds bounds = kWide;
  bounds.messages_max = 3;
  static_cast<void>(cache.trim(bounds));
  CHECK(cache.first_offset() == 4);
}

TEST_CASE("its bytes are those of what it keeps, frames included") {
  TailCache cache;
  const MessagePtr first = message(1);
  cache.append(first);
  const std::size_t bare = cache.bytes();
  CHECK(cache.holds(*first));
  CHECK_FALSE(cache.holds(*message(1)));
  first->frames[0] = SharedBytes("frame");
  cache.add_frame_bytes(5);
  CHECK(cache.bytes() == bare + 5);
  TailCache::Bounds bounds = kWide;
  bounds.messages_max = 0;
  static_cast<void>(cache.trim(bounds));
  CHECK(cache.empty());
  CHECK(cache.bytes() == 0);
}

TEST_CASE("it stays dense over many rounds of append and trim") {
  TailCache cache;
  TailCache::Bounds bounds = kWide;
  bounds.messages_max = 10;
  for (std::uint64_t offset = 1; offset <= 1'000; ++offset) {
    cache.append(message(offset));
    static_cast<void>(cache.trim(bounds));
    REQUIRE(cache.after(cache.first_offset() - 1).size() == cache.size());
    REQUIRE(cache.after(offset - 1).front()->position.offset == offset);
  }
  CHECK(cache.size() == 10);
}

}  // namespace
}  // namespace tako::edge
