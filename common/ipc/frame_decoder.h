// Cuts a byte stream into frames: u32 big-endian length, then that many bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"

namespace tako::ipc {

inline constexpr std::size_t kFrameHeaderBytes = 4;
// What an emptied buffer of frames keeps of its capacity; a burst's is given back.
inline constexpr std::size_t kFrameBufferKeptBytes = std::size_t{1} << 20U;

// Appends the length header and the payload. `payload` is at most limits::kLinkFrameBytesMax.
void append_frame(std::string& out, std::string_view payload);

class FrameDecoder {
 public:
  // Returns false to stop (the receiver is gone); the decoder is not touched after that.
  using OnFrame = std::function<bool(std::span<const std::byte>)>;

  // Gives every frame that is complete; keeps the begun rest. A frame that lies whole in `bytes`
  // is given without a copy. Errors: ProtocolError when an announced length exceeds
  // limits::kLinkFrameBytesMax, before anything is allocated for it.
  [[nodiscard]] Result<void> feed(std::span<const std::byte> bytes, const OnFrame& on_frame);
  [[nodiscard]] std::size_t buffered_bytes() const { return partial_.size(); }

 private:
  std::string partial_;  // header and bytes of the frame that was begun
};

}  // namespace tako::ipc
