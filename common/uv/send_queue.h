// SendQueue: the bytes that a stream's kernel buffer did not take, in order, for one connection.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/uv/stream.h"

namespace tako::uv {

// For connections that have no outbox of shared frames (HTTP). Costs nothing while the peer keeps
// up: bytes go straight to the socket, and only what is left over is copied.
class SendQueue {
 public:
  // Sends the pieces behind what is queued. Error: the connection is gone.
  // When something stays queued, the stream's on_writable() is asked for; call flush() then.
  [[nodiscard]] Result<void> send(Stream& stream, std::span<const std::string_view> pieces);
  [[nodiscard]] Result<void> send(Stream& stream, std::string_view bytes) {
    return send(stream, {&bytes, 1});
  }
  // Writes what is queued, as far as there is room. True when bytes moved: progress.
  [[nodiscard]] Result<bool> flush(Stream& stream);

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - sent_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  std::string bytes_;
  std::size_t sent_ = 0;  // Bytes at the front that are gone already.
};

}  // namespace tako::uv
