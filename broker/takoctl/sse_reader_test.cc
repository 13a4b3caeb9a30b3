// Event streams in pieces of any size give the same blocks.
#include "broker/takoctl/sse_reader.h"

#include <doctest/doctest.h>

#include <vector>

namespace tako::takoctl {
namespace {

constexpr std::string_view kStream =
    "id: 0-a\n\n"
    ": keepalive\n\n"
    "id: 1-a\ndata: {\"x\":1}\n\n"
    "id: 9-a\nevent: tako.gap\ndata: {\"from\":\"1-a\"}\n\n"
    "data: no id\n\n"
    "id: cut off\nda";

std::vector<SseBlock> read_in_pieces_of(std::size_t size) {
  std::vector<SseBlock> blocks;
  SseReader reader([&](const SseBlock& block) { blocks.push_back(block); });
  for (std::size_t at = 0; at < kStream.size(); at += size) reader.feed(kStream.substr(at, size));
  return blocks;
}

TEST_CASE("blocks are found however the bytes are cut") {
  for (std::size_t size = 1; size <= kStream.size(); ++size) {
    CAPTURE(size);
    const auto blocks = read_in_pieces_of(size);
    REQUIRE(blocks.size() == 4);
    CHECK(blocks[0].id == "0-a");
    CHECK(blocks[0].data.empty());
    CHECK(blocks[1].data == R"({"x":1})");
    CHECK(blocks[2].event == "tako.gap");
    CHECK(blocks[2].id == "9-a");
    CHECK(blocks[3].id.empty());
    CHECK(blocks[3].data == "no id");
  }
}

TEST_CASE("what a broken connection left unfinished is no block") {
  std::vector<SseBlock> blocks;
  SseReader reader([&](const SseBlock& block) { blocks.push_back(block); });
  reader.feed("id: 1-a\ndata: half");
  reader.reset();
  reader.feed("data: whole\n\n");
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0].id.empty());
  CHECK(blocks[0].data == "whole");
}

}  // namespace
}  // namespace tako::takoctl
