// Keeps and sends what a stream did not take at once.
#include "common/uv/send_queue.h"

#include <algorithm>

namespace tako::uv {

Result<void> SendQueue::send(Stream& stream, std::span<const std::string_view> pieces) {
  std::size_t taken = 0;
  if (empty()) {
    const Result<std::size_t> written = stream.write(pieces);
    if (!written) return std::unexpected(written.error());
    taken = *written;
  }
  for (std::string_view piece : pieces) {
    const std::size_t gone = std::min(taken, piece.size());
    taken -= gone;
    bytes_.append(piece.substr(gone));
  }
  if (!empty() && !stream.is_waiting_for_room()) stream.request_writable();
  return {};
}

Result<bool> SendQueue::flush(Stream& stream) {
  if (empty()) return false;
  const Result<std::size_t> written = stream.write(std::string_view(bytes_).substr(sent_));
  if (!written) return std::unexpected(written.error());
  sent_ += *written;
  if (empty()) {
    bytes_ = std::string();  // Gives the memory back: the next slow phase may be far away.
    sent_ = 0;
    return true;
  }
  if (sent_ > bytes_.size() / 2) {  // Moves each byte at most once more, on average.
    bytes_.erase(0, sent_);
    sent_ = 0;
  }
  stream.request_writable();
  return *written > 0;
}

}  // namespace tako::uv
