// Frames to the handler while the connection is open; RFC 6455 5.5 and 7 for the rest.
#include "edge/server/websocket_connection.h"

#include <utility>

#include "edge/server/websocket_frame.h"

namespace tako::edge {
namespace {

constexpr std::uint16_t kCloseNormal = 1000;  // RFC 6455 7.4.1

// What a browser's script sees as the reason: one word for each close code, also where several
// errors share it, or the phrase that a code of RFC 6455 has had in this protocol. Two say more
// than the word of their code: what is to be done about them is something else.
std::string_view default_reason(const ErrorInfo& info) {
  if (info.code == ErrorCode::MessageRejected || info.code == ErrorCode::Revoked) return info.name;
  switch (info.close_code) {
    case 1000:
    case 1003:
    case 1012:
      return info.message;
    case 4401:
      return error_info(ErrorCode::AuthFrameMissing).name;
    case 4403:
      return info.code == ErrorCode::Revoked ? info.name
                                             : error_info(ErrorCode::VerifyRejected).name;
    case 4415:
      return error_info(ErrorCode::MessageMalformed).name;
    case 4503:
      return error_info(ErrorCode::Unavailable).name;
    default:
      return info.name;
  }
}

}  // namespace

WebSocketConnection::WebSocketConnection(ClientContext& context, std::unique_ptr<uv::Stream> stream,
                                         std::unique_ptr<ClientHandler> handler)
    : ClientSocket(context, std::move(stream), std::move(handler)) {
  ++context.counters.websockets_open;
}

WebSocketConnection::~WebSocketConnection() { --context().counters.websockets_open; }

void WebSocketConnection::keepalive() {
  if (state() == State::Open) push(make_ping_frame(), FrameKind::Control);
}

SharedBytes WebSocketConnection::make_goodbye(ErrorCode code, std::string_view reason) {
  const ErrorInfo& info = error_info(code);
  const std::uint16_t number =
      info.close_code == 0 ? error_info(ErrorCode::Internal).close_code : info.close_code;
  return make_close_frame(number, reason.empty() ? default_reason(info) : reason);
}

void WebSocketConnection::on_input(std::span<const std::byte> bytes) {
  if (is_input_over_) return;
  if (!context().parsers.feed(parser_, bytes, *this)) is_input_over_ = true;
}

bool WebSocketConnection::on_text(std::string_view message) {
  if (state() == State::Open) {
    ++context().counters.messages_received;
    handler().on_text(message);
  }
  return state() != State::Over;  // While closing, only the client's close frame matters.
}

bool WebSocketConnection::on_binary(std::string_view message) {
  if (state() == State::Open) {
    ++context().counters.messages_received;
    handler().on_binary(message);
  }
  return state() != State::Over;
}

bool WebSocketConnection::on_ping(std::string_view payload) {
  if (state() != State::Open) return true;
  const std::size_t most = context().limits.pongs_pending_max;
  // One read may bring more pings than that: unread is only what the kernel does not take.
  if (outbox().pongs() >= most) write_now();
  if (state() != State::Open) return false;  // The write found it broken.
  if (outbox().pongs() < most) {
    push(make_pong_frame(payload), FrameKind::Pong);
  } else {
    ++context().limit_counters.pongs_pending_max;
    close(ErrorCode::TooSlow);
  }
  return true;
}

bool WebSocketConnection::on_pong(std::string_view /*payload*/) { return true; }

void WebSocketConnection::on_close(std::uint16_t code, std::string_view /*reason*/) {
  is_input_over_ = true;
  if (state() == State::Open) {
    if (code == kCloseNormal || code == 0) handler().on_goodbye();
    begin_closing(make_close_frame(code, {}));
  }
  reconsider_end();
}

void WebSocketConnection::on_violation(const FrameViolation& violation) {
  is_input_over_ = true;
  ++context().counters.protocol_violations;
  if (violation.code == ErrorCode::MessageTooBig) {
    LimitCounters& limits = context().limit_counters;
    ++(violation.is_fragment_count ? limits.fragments_max : limits.client_message_bytes_max);
  }
  close(violation.code, violation.rule);
  reconsider_end();
}

}  // namespace tako::edge
