// HTTP head, then WebSocket frames or chunked SSE blocks.
#include "tests/laws/wire_reader.h"

#include <charconv>

#include "tests/support/wait.h"

namespace tako::test {
namespace {

constexpr std::size_t kCompactAbove = 64 * 1024;

void compact(std::string& buffer, std::size_t& used) {
  if (used == buffer.size()) {
    buffer.clear();
    used = 0;
  } else if (used > kCompactAbove) {
    buffer.erase(0, used);
    used = 0;
  }
}

std::string_view line_value(std::string_view block, std::string_view field) {
  std::size_t at = 0;
  while (at < block.size()) {
    const std::size_t end = std::min(block.find('\n', at), block.size());
    const std::string_view line = block.substr(at, end - at);
    if (line.starts_with(field)) return line.substr(field.size());
    at = end + 1;
  }
  return {};
}

}  // namespace

void WireReader::feed(std::string_view bytes, const OnItem& on_item) {
  buffer_ += bytes;
  bool go_on = true;
  if (!has_head_ && !take_head(on_item, go_on)) return;
  if (is_websocket_) {
    while (go_on && take_frame(on_item, go_on)) {
    }
  } else if (go_on && is_stream_) {
    while (take_chunk()) {
    }
    while (go_on && take_block(on_item, go_on)) {
    }
  }
  if (!go_on) return;
  compact(buffer_, used_);
  compact(events_, events_used_);
}

bool WireReader::take_head(const OnItem& on_item, bool& go_on) {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string head = buffer_.substr(0, end);
  int status = 0;
  std::from_chars(head.data() + 9, head.data() + 12, status);
  is_chunked_ = head.find("chunked") != std::string::npos;
  is_stream_ = head.find("text/event-stream") != std::string::npos;
  // With `_events=1` a temporary refusal is a stream that is over at once, and has a length.
  const bool is_over = is_stream_ && head.find("Content-Length") != std::string::npos;
  if (is_over && status == 200) status = 503;
  has_head_ = true;
  used_ = end + 4;
  go_on = on_item({.kind = WireItem::Kind::Head, .status = status, .id = {}, .text = {}});
  return go_on;
}

bool WireReader::take_frame(const OnItem& on_item, bool& go_on) {
  const std::string_view rest = std::string_view(buffer_).substr(used_);
  if (rest.size() < 2) return false;
  const auto byte = [rest](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  const unsigned opcode = byte(0) & 0x0fU;
  std::size_t length = byte(1) & 0x7fU;
  const std::size_t extra = length == 126 ? 2U : length == 127 ? 8U : 0U;
  if (rest.size() < 2 + extra) return false;
  if (extra != 0) length = 0;
  for (std::size_t i = 0; i < extra; ++i) length = length << 8U | byte(2 + i);
  if (rest.size() < 2 + extra + length) return false;
  const std::string_view payload = rest.substr(2 + extra, length);
  used_ += 2 + extra + length;
  if (opcode == 8) {
    const int code = length < 2 ? 1005
                                : static_cast<unsigned char>(payload[0]) * 256 +
                                      static_cast<unsigned char>(payload[1]);
    go_on = on_item({.kind = WireItem::Kind::Close, .status = code, .id = {}, .text = payload});
  } else if (opcode == 1) {
    const bool is_message = payload.starts_with(R"({"id":)");
    go_on = on_item({.kind = is_message ? WireItem::Kind::Message : WireItem::Kind::Control,
                     .status = 0,
                     .id = is_message ? string_member(payload, "id") : std::string_view(),
                     .text = payload});
  } else if (opcode != 9) {
    throw TestFailure("unexpected frame with opcode " + std::to_string(opcode));
  }
  return true;
}

bool WireReader::take_chunk() {
  const std::string_view rest = std::string_view(buffer_).substr(used_);
  if (!is_chunked_) throw TestFailure("an event stream on HTTP/1.1 must be chunked");
  const std::size_t line = rest.find("\r\n");
  if (line == std::string_view::npos) return false;
  std::size_t size = 0;
  std::from_chars(rest.data(), rest.data() + line, size, 16);
  if (size == 0 || rest.size() < line + 2 + size + 2) return false;
  events_ += rest.substr(line + 2, size);
  used_ += line + 2 + size + 2;
  return true;
}

bool WireReader::take_block(const OnItem& on_item, bool& go_on) {
  const std::size_t end = events_.find("\n\n", events_used_);
  if (end == std::string::npos) return false;
  const std::string_view block = std::string_view(events_).substr(events_used_, end - events_used_);
  events_used_ = end + 2;
  const std::string_view data = line_value(block, "data: ");
  WireItem item{
      .kind = WireItem::Kind::Message, .status = 0, .id = line_value(block, "id: "), .text = data};
  if (block.find("event: ") != std::string_view::npos || block.find("retry: ") == 0) {
    item.kind = WireItem::Kind::Control;
    item.text = block;
  } else if (data.empty() && !item.id.empty()) {
    item.kind = WireItem::Kind::Opening;
  } else if (data.empty()) {
    return true;  // A comment.
  }
  go_on = on_item(item);
  return true;
}

std::string_view string_member(std::string_view json, std::string_view name) {
  const std::string key = '"' + std::string(name) + R"(":")";
  const std::size_t at = json.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + key.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

std::uint64_t number_member(std::string_view json, std::string_view name) {
  const std::string key = '"' + std::string(name) + "\":";
  const std::size_t at = json.find(key);
  std::uint64_t value = 0;
  if (at == std::string_view::npos) return value;
  std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
  return value;
}

}  // namespace tako::test
