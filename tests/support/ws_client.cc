// RFC 6455 client framing, written here so that the product's own framing is not its own judge.
#include "tests/support/ws_client.h"

#include <array>
#include <utility>

namespace tako::test {
namespace {

constexpr std::array<unsigned char, 4> kMask{0x37, 0xfa, 0x21, 0x3d};

void append_big_endian(std::string& bytes, std::uint64_t value, int width) {
  for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) {
    bytes += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xffU);
  }
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

HttpRequest handshake_request(std::string target, const WsOptions& options) {
  HttpRequest request{.target = std::move(target)};
  request.headers = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}};
  if (!options.version.empty()) {
    request.headers.push_back({"Sec-WebSocket-Version", options.version});
  }
  if (!options.key.empty()) request.headers.push_back({"Sec-WebSocket-Key", options.key});
  if (!options.subprotocol.empty()) {
    request.headers.push_back({"Sec-WebSocket-Protocol", options.subprotocol});
  }
  request.headers.insert(request.headers.end(), options.headers.begin(), options.headers.end());
  return request;
}

}  // namespace

int WsFrame::close_code() const {
  if (payload.size() < 2) return 1005;
  return static_cast<int>(big_endian(std::string_view(payload).substr(0, 2)));
}

std::string WsFrame::close_reason() const {
  return payload.size() < 2 ? std::string() : payload.substr(2);
}

std::string encode_frame(const WsFrame& frame) {
  std::string bytes;
  bytes += static_cast<char>((frame.fin ? 0x80U : 0U) | static_cast<unsigned>(frame.rsv) << 4U |
                             frame.opcode);
  const unsigned mask_bit = frame.masked ? 0x80U : 0U;
  const std::size_t size = frame.payload.size();
  if (size < 126) {
    bytes += static_cast<char>(mask_bit | size);
  } else if (size < 65536) {
    bytes += static_cast<char>(mask_bit | 126U);
    append_big_endian(bytes, size, 2);
  } else {
    bytes += static_cast<char>(mask_bit | 127U);
    append_big_endian(bytes, size, 8);
  }
  if (!frame.masked) return bytes + frame.payload;
  for (const unsigned char byte : kMask) bytes += static_cast<char>(byte);
  for (std::size_t index = 0; index < size; ++index) {
    bytes += static_cast<char>(static_cast<unsigned char>(frame.payload[index]) ^
                               kMask[index % kMask.size()]);
  }
  return bytes;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload;
  append_big_endian(payload, code, 2);
  return payload + std::string(reason);
}

WsClient::WsClient(const Endpoint& endpoint, std::string target, const WsOptions& options)
    : stream_(Socket::connect(endpoint, options.receive_buffer)) {
  stream_.write(serialize(handshake_request(std::move(target), options), endpoint));
  auto head = stream_.read_head();
  if (!head) throw TestFailure("the connection was closed instead of a handshake");
  response_.status = head->status();
  response_.head = std::move(*head);
  if (is_open()) return;
  stream_.begin_body(Framing::of_response(response_.head, "GET"));
  response_.body = stream_.read_body();
}

void WsClient::send_close(std::uint16_t code, std::string_view reason) {
  send({.opcode = kWsClose, .payload = close_payload(code, reason)});
}

std::optional<WsFrame> WsClient::take_frame() {
  const std::string_view bytes(buffer_);
  if (bytes.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  std::size_t head = 2;
  std::uint64_t size = second & 0x7fU;
  if (size >= 126) {
    const std::size_t width = size == 126 ? 2 : 8;
    head += width;
    if (bytes.size() < head) return std::nullopt;
    size = big_endian(bytes.substr(2, width));
  }
  const bool masked = (second & 0x80U) != 0;
  if (masked) throw TestFailure("the server masked a frame (RFC 6455 5.1)");
  if (bytes.size() - head < size) return std::nullopt;
  WsFrame frame{.fin = (first & 0x80U) != 0,
                .rsv = static_cast<std::uint8_t>((first >> 4U) & 7U),
                .opcode = static_cast<std::uint8_t>(first & 15U),
                .masked = masked,
                .payload = buffer_.substr(head, size)};
  buffer_.erase(0, head + size);
  return frame;
}

std::optional<WsFrame> WsClient::next_frame(Duration bound) {
  if (!is_open()) {
    throw TestFailure("no WebSocket but " + response_.head.start_line + ": " + response_.body);
  }
  const Deadline deadline = deadline_in(bound);
  for (;;) {
    if (auto frame = take_frame()) return frame;
    const ReadResult result = stream_.read_raw(Duration(poll_timeout(deadline)));
    if (result.is_closed()) return std::nullopt;
    if (result.kind == ReadResult::Kind::Timeout) throw TestFailure("no WebSocket frame in time");
    buffer_ += result.bytes;
  }
}

WsFrame WsClient::next_data(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  for (;;) {
    auto frame = next_frame(Duration(poll_timeout(deadline)));
    if (!frame) throw TestFailure("the connection ended without a close frame");
    if (frame->opcode == kWsClose) {
      throw TestFailure("closed: " + std::to_string(frame->close_code()) + " " +
                        frame->close_reason());
    }
    if (frame->opcode == kWsPing) send({.opcode = kWsPong, .payload = frame->payload});
    if (!frame->is_control()) return std::move(*frame);
  }
}

WsEnd WsClient::wait_for_close(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  while (auto frame = next_frame(Duration(poll_timeout(deadline)))) {
    if (frame->opcode != kWsClose) continue;
    return {.code = frame->close_code(), .reason = frame->close_reason()};
  }
  return {};
}

bool WsClient::tcp_ends(Duration bound) {
  stream_.socket().offer(encode_frame({.opcode = kWsClose, .payload = close_payload(1000, "")}));
  return stream_.closed_by_peer(bound);
}

}  // namespace tako::test
