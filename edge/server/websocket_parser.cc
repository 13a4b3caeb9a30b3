// Splits the stream at frame borders and hands data frames to wslay, one frame at a time.
#include "edge/server/websocket_parser.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "common/utf8.h"
#include "edge/server/websocket_frame.h"

namespace tako::edge {

struct WebSocketParser::Callbacks {
  static ssize_t on_read(wslay_event_context_ptr context, uint8_t* buffer, size_t size,
                         int /*flags*/, void* user_data) noexcept {
    auto& parser = *static_cast<WebSocketParser*>(user_data);
    const std::size_t taken = std::min(size, parser.wslay_input_.size());
    if (taken == 0) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    std::memcpy(buffer, parser.wslay_input_.data(), taken);
    parser.wslay_input_ = parser.wslay_input_.subspan(taken);
    return static_cast<ssize_t>(taken);
  }

  static void on_message(wslay_event_context_ptr /*context*/,
                         const wslay_event_on_msg_recv_arg* message, void* user_data) noexcept {
    const auto* bytes = reinterpret_cast<const char*>(message->msg);
    static_cast<WebSocketParser*>(user_data)->deliver(Opcode(message->opcode),
                                                      {bytes, message->msg_length});
  }
};

void WebSocketParser::FreeContext::operator()(wslay_event_context* context) const noexcept {
  wslay_event_context_free(context);
}

WebSocketParser::WebSocketParser(const FrameLimits& limits) : scanner_(limits) {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = &Callbacks::on_read;
  callbacks.on_msg_recv_callback = &Callbacks::on_message;
  wslay_event_context_ptr context = nullptr;
  TAKO_CHECK(wslay_event_context_server_init(&context, &callbacks, this) == 0);
  context_.reset(context);
  // The scanner refuses first; this is the second lock on the door.
  wslay_event_config_set_max_recv_msg_length(context, limits.message_bytes_max);
}

WebSocketParser::~WebSocketParser() = default;

bool WebSocketParser::feed(std::span<const std::byte> bytes, WebSocketEvents& events) {
  events_ = &events;
  while (!bytes.empty() && !is_stopped_) {
    const std::size_t used = payload_left_ == 0 ? read_header(bytes) : read_payload(bytes);
    remember(bytes.first(used));
    bytes = bytes.subspan(used);
  }
  events_ = nullptr;
  return !is_stopped_;
}

// Whole messages leave nothing here, so that bytes are copied only where a read was cut, or while a
// message comes in fragments.
void WebSocketParser::remember(std::span<const std::byte> bytes) {
  const bool is_frame_over = payload_left_ == 0 && scanner_.is_whole();
  if (is_frame_over && scanner_.is_at_boundary()) {
    unparsed_.clear();
    frame_begin_ = 0;
    return;
  }
  unparsed_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!is_frame_over) return;
  if (scanner_.is_control()) unparsed_.resize(frame_begin_);
  frame_begin_ = unparsed_.size();
}

std::size_t WebSocketParser::read_header(std::span<const std::byte> bytes) {
  const FrameScanner::Step step = scanner_.next(bytes);
  if (step.violation) {
    violate(step.violation);
  } else if (step.is_whole) {
    payload_left_ = scanner_.payload_length();
    if (!scanner_.is_control()) {
      feed_wslay(scanner_.raw());
    } else if (payload_left_ == 0) {
      end_control_frame();
    }
  }
  return step.consumed;
}

std::size_t WebSocketParser::read_payload(std::span<const std::byte> bytes) {
  bytes =
      bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size())));
  payload_left_ -= bytes.size();
  if (!scanner_.is_control()) {
    feed_wslay(bytes);
    return bytes.size();
  }
  const std::array<std::byte, 4> mask = scanner_.mask();
  for (const std::byte value : bytes) {
    control_ += static_cast<char>(value ^ mask[control_.size() % mask.size()]);
  }
  if (payload_left_ == 0) end_control_frame();
  return bytes.size();
}

void WebSocketParser::end_control_frame() {
  const std::string payload = std::exchange(control_, {});
  if (scanner_.opcode() == Opcode::Ping) {
    is_stopped_ = !events_->on_ping(payload);
  } else if (scanner_.opcode() == Opcode::Pong) {
    is_stopped_ = !events_->on_pong(payload);
  } else {
    end_close_frame(payload);
  }
}

void WebSocketParser::end_close_frame(std::string_view payload) {
  std::uint16_t code = 0;
  if (!payload.empty()) {
    code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8U |
                                      static_cast<unsigned char>(payload[1]));
    payload.remove_prefix(2);
    if (!is_valid_close_code(code)) {
      return violate(
          {.code = ErrorCode::ProtocolError, .rule = "close code that must not be sent"});
    }
    if (!is_valid_utf8(payload))
      return violate({.code = ErrorCode::InvalidUtf8, .rule = "close reason not UTF-8"});
  }
  is_stopped_ = true;
  events_->on_close(code, payload);
}

// One frame's bytes at most, so that a receiver who has enough is asked after each message.
void WebSocketParser::feed_wslay(std::span<const std::byte> bytes) {
  wslay_input_ = bytes;
  const int result = wslay_event_recv(context_.get());
  if (is_stopped_) return;
  if (result != 0) return violate({.code = ErrorCode::ProtocolError, .rule = "frame refused"});
  // The header has passed the scanner: what wslay can still object to is the text.
  if (wslay_event_get_read_enabled(context_.get()) == 0) {
    violate({.code = ErrorCode::InvalidUtf8, .rule = "text not UTF-8"});
  }
}

void WebSocketParser::violate(const FrameViolation& violation) {
  is_stopped_ = true;
  events_->on_violation(violation);
}

void WebSocketParser::deliver(Opcode opcode, std::string_view message) noexcept {
  is_stopped_ = opcode == Opcode::Text ? !events_->on_text(message) : !events_->on_binary(message);
}

bool WebSocketParserPool::feed(std::unique_ptr<WebSocketParser>& kept,
                               std::span<const std::byte> bytes, WebSocketEvents& events) {
  std::unique_ptr<WebSocketParser> parser = std::move(kept);
  if (parser == nullptr) parser = std::move(spare_);
  if (parser == nullptr) parser = std::make_unique<WebSocketParser>(limits_);
  if (!parser->feed(bytes, events)) return false;
  if (!parser->is_at_boundary()) {
    kept = std::move(parser);
  } else if (spare_ == nullptr) {
    spare_ = std::move(parser);
  }
  return true;
}

}  // namespace tako::edge
