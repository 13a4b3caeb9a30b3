// Frames come out whole and in order, however the stream is cut.
#include "common/ipc/frame_decoder.h"

#include <doctest/doctest.h>

#include <vector>

#include "common/limits.h"

using tako::ipc::append_frame;
using tako::ipc::FrameDecoder;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

struct Collector {
  std::vector<std::string> frames;
  FrameDecoder::OnFrame callback() {
    return [this](std::span<const std::byte> frame) {
      frames.emplace_back(reinterpret_cast<const char*>(frame.data()), frame.size());
      return true;
    };
  }
};

}  // namespace

TEST_CASE("frames come out the same for every way to cut the stream") {
  std::string stream;
  const std::vector<std::string> sent = {"", "a", std::string(300, 'x'), "", "last"};
  for (const std::string& payload : sent) append_frame(stream, payload);
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    FrameDecoder decoder;
    Collector got;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      REQUIRE(decoder.feed(bytes_of(std::string_view(stream).substr(at, step)), got.callback()));
    }
    CHECK(got.frames == sent);
    CHECK(decoder.buffered_bytes() == 0);
  }
}

TEST_CASE("an announced length above the limit is refused before anything is kept for it") {
  const std::string header = "\xff\xff\xff\xff";
  for (std::size_t step : {std::size_t{1}, header.size()}) {
    FrameDecoder decoder;
    Collector got;
    tako::Result<void> result;
    for (std::size_t at = 0; at < header.size() && result; at += step) {
      result = decoder.feed(bytes_of(std::string_view(header).substr(at, step)), got.callback());
    }
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().limit == &tako::LimitCounters::link_frame_bytes_max);
    CHECK(decoder.buffered_bytes() <= header.size());
  }
}

TEST_CASE("a receiver that stops is not given the following frame") {
  std::string stream;
  append_frame(stream, "one");
  append_frame(stream, "two");
  FrameDecoder decoder;
  int count = 0;
  REQUIRE(decoder.feed(bytes_of(stream), [&](auto) {
    ++count;
    return false;
  }));
  CHECK(count == 1);
}
