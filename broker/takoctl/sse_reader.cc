// Splits an event stream into lines and fields.
#include "broker/takoctl/sse_reader.h"

#include <utility>

namespace tako::takoctl {

void SseReader::feed(std::string_view bytes) {
  while (true) {
    const std::size_t end = bytes.find('\n');
    partial_ += bytes.substr(0, end);
    if (end == std::string_view::npos) return;
    const std::string line = std::exchange(partial_, {});
    take_line(line);
    bytes.remove_prefix(end + 1);
  }
}

void SseReader::reset() {
  partial_.clear();
  block_ = {};
  has_fields_ = false;
}

void SseReader::take_line(std::string_view line) {
  if (line.empty()) {
    const SseBlock block = std::exchange(block_, {});
    if (std::exchange(has_fields_, false)) on_block_(block);
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "id") block_.id = value;
  if (name == "event") block_.event = value;
  if (name == "data") block_.data += value;
  has_fields_ = has_fields_ || !name.empty();
}

}  // namespace tako::takoctl
