// A WebSocket client that can also misbehave: it builds any frame and shows every frame it gets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/http_client.h"

namespace tako::test {

inline constexpr std::uint8_t kWsContinuation = 0;
inline constexpr std::uint8_t kWsText = 1;
inline constexpr std::uint8_t kWsBinary = 2;
inline constexpr std::uint8_t kWsClose = 8;
inline constexpr std::uint8_t kWsPing = 9;
inline constexpr std::uint8_t kWsPong = 10;

// The example of RFC 6455 1.3, and its answer.
inline constexpr std::string_view kWsKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view kWsAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct WsFrame {
  bool fin = true;
  std::uint8_t rsv = 0;  // Three bits: 4 is RSV1.
  std::uint8_t opcode = kWsText;
  bool masked = true;  // Of frames received: whether the server masked (it must not).
  std::string payload = {};

  [[nodiscard]] bool is_control() const { return opcode >= kWsClose; }
  // Of a close frame; 1005 when it carries no code (RFC 6455 7.1.5).
  [[nodiscard]] int close_code() const;
  [[nodiscard]] std::string close_reason() const;
  [[nodiscard]] Json json() const { return Json::parse(payload); }
};

// The frame as bytes (RFC 6455 5.2).
[[nodiscard]] std::string encode_frame(const WsFrame& frame);
[[nodiscard]] std::string close_payload(std::uint16_t code, std::string_view reason);

struct WsOptions {
  Headers headers = {};
  std::string subprotocol = {};
  int receive_buffer = 0;
  std::string key = std::string(kWsKey);
  std::string version = "13";
};

// How the server ended the connection.
struct WsEnd {
  int code = 1006;  // 1006: without a close frame.
  std::string reason;
};

class WsClient {
 public:
  // Connects and does the handshake; a refusal is in response(), with is_open() false.
  WsClient(const Endpoint& endpoint, std::string target, const WsOptions& options = {});

  [[nodiscard]] bool is_open() const { return response_.status == 101; }
  [[nodiscard]] const HttpResponse& response() const { return response_; }
  [[nodiscard]] int status() const { return response_.status; }

  void send(const WsFrame& frame) { stream_.write(encode_frame(frame)); }
  void send_text(std::string_view text) { send({.payload = std::string(text)}); }
  void send_raw(std::string_view bytes) { stream_.write(bytes); }
  void send_close(std::uint16_t code, std::string_view reason = "");

  // The next frame of any kind; nullopt at the end of the connection. Pings are not answered.
  [[nodiscard]] std::optional<WsFrame> next_frame(Duration bound = kPatience);
  // The next data frame. Pings are answered and passed over; throws at a close or the end.
  [[nodiscard]] WsFrame next_data(Duration bound = kPatience);
  // The next text frame as JSON.
  [[nodiscard]] Json next_json(Duration bound = kPatience) { return next_data(bound).json(); }
  // Reads on until the server closes; data frames before are dropped.
  [[nodiscard]] WsEnd wait_for_close(Duration bound = kPatience);
  // Answers the server's close and waits for the end of the connection.
  [[nodiscard]] bool tcp_ends(Duration bound = kPatience);

  [[nodiscard]] HttpStream& stream() { return stream_; }
  [[nodiscard]] Socket& socket() { return stream_.socket(); }

 private:
  [[nodiscard]] std::optional<WsFrame> take_frame();

  HttpStream stream_;
  HttpResponse response_;
  std::string buffer_;
};

}  // namespace tako::test
