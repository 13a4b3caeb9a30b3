// Cuts frames out of whatever pieces the stream brings.
#include "common/ipc/frame_decoder.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/limits.h"

namespace tako::ipc {
namespace {

std::size_t read_length(const char* header) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kFrameHeaderBytes; ++i) {
    length = length << 8U | static_cast<unsigned char>(header[i]);
  }
  return length;
}

Result<std::size_t> frame_length(std::string_view header) {
  const std::size_t length = read_length(header.data());
  if (length > limits::kLinkFrameBytesMax) {
    return fail_at(&LimitCounters::link_frame_bytes_max, ErrorCode::ProtocolError,
                   "link frame of " + std::to_string(length) + " bytes exceeds the limit");
  }
  return length;
}

}  // namespace

void append_frame(std::string& out, std::string_view payload) {
  TAKO_CHECK(payload.size() <= limits::kLinkFrameBytesMax);
  for (std::size_t i = kFrameHeaderBytes; i-- > 0;) {
    out += static_cast<char>(payload.size() >> (8 * i) & 0xffU);
  }
  out += payload;
}

Result<void> FrameDecoder::feed(std::span<const std::byte> bytes, const OnFrame& on_frame) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!rest.empty()) {
    if (partial_.empty() && rest.size() >= kFrameHeaderBytes) {
      const auto length = frame_length(rest);
      if (!length) return std::unexpected(length.error());
      if (rest.size() - kFrameHeaderBytes >= *length) {
        const std::string_view frame = rest.substr(kFrameHeaderBytes, *length);
        rest.remove_prefix(kFrameHeaderBytes + *length);
        if (!on_frame(std::as_bytes(std::span(frame)))) return {};
        continue;
      }
    }
    const std::size_t have = partial_.size();
    std::size_t wanted = kFrameHeaderBytes;
    if (have >= kFrameHeaderBytes) {
      const auto length = frame_length(partial_);
      if (!length) return std::unexpected(length.error());
      wanted += *length;
    }
    const std::size_t take = std::min(wanted - have, rest.size());
    partial_.append(rest.substr(0, take));
    rest.remove_prefix(take);
    if (partial_.size() < kFrameHeaderBytes) continue;
    const auto length = frame_length(partial_);
    if (!length) return std::unexpected(length.error());
    if (partial_.size() < kFrameHeaderBytes + *length) continue;
    const std::string frame = std::exchange(partial_, {});
    if (!on_frame(std::as_bytes(std::span(frame).subspan(kFrameHeaderBytes)))) return {};
  }
  return {};
}

}  // namespace tako::ipc
