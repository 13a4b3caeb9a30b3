// Frames of the link: however the stream is cut, the same frames come out, and none too large.
//
// Input: a byte for the cuts, a byte that says after how many frames the receiver stops, the
// stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/check.h"
#include "common/ipc/frame_decoder.h"
#include "common/limits.h"

namespace {

using Bytes = std::span<const std::byte>;
using tako::ipc::FrameDecoder;
using tako::ipc::kFrameHeaderBytes;

struct Decoded {
  std::vector<std::string> frames;
  bool is_refused = false;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// The plain reading of a whole stream, to compare with.
Decoded read_whole(std::string_view stream) {
  Decoded decoded;
  while (stream.size() >= kFrameHeaderBytes) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kFrameHeaderBytes; ++i) {
      length = length << 8U | static_cast<unsigned char>(stream[i]);
    }
    decoded.is_refused = length > tako::limits::kLinkFrameBytesMax;
    if (decoded.is_refused || stream.size() - kFrameHeaderBytes < length) break;
    decoded.frames.emplace_back(stream.substr(kFrameHeaderBytes, length));
    stream.remove_prefix(kFrameHeaderBytes + length);
  }
  return decoded;
}

Decoded decode(Bytes bytes, std::size_t cut, std::size_t stop_after) {
  FrameDecoder decoder;
  Decoded decoded;
  bool is_stopped = false;
  const auto on_frame = [&](Bytes frame) {
    TAKO_CHECK(!is_stopped);
    decoded.frames.emplace_back(reinterpret_cast<const char*>(frame.data()), frame.size());
    is_stopped = decoded.frames.size() == stop_after;
    return !is_stopped;
  };
  while (!bytes.empty() && !is_stopped && !decoded.is_refused) {
    const Bytes first = bytes.first(std::min(cut, bytes.size()));
    const std::vector<std::byte> piece(first.begin(), first.end());
    decoded.is_refused = !decoder.feed(piece, on_frame).has_value();
    bytes = bytes.subspan(first.size());
    if (!is_stopped) {
      TAKO_CHECK(decoder.buffered_bytes() <= tako::limits::kLinkFrameBytesMax + kFrameHeaderBytes);
    }
  }
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes bytes = std::as_bytes(std::span(data, size)).subspan(2);
  const std::string_view stream(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Decoded expected = read_whole(stream);
  constexpr std::size_t kNever = 0;
  for (const std::size_t cut : {std::size_t{1}, std::size_t{2} + data[0], bytes.size() + 1}) {
    TAKO_CHECK(decode(bytes, cut, kNever) == expected);
  }
  const std::size_t stop_after = data[1];
  const Decoded stopped = decode(bytes, bytes.size() + 1, stop_after);
  if (stop_after > 0 && expected.frames.size() >= stop_after) {
    TAKO_CHECK(stopped.frames.size() == stop_after);
  }
  std::string again;
  for (const std::string& frame : expected.frames) tako::ipc::append_frame(again, frame);
  TAKO_CHECK(stream.starts_with(again));
  return 0;
}
