// WebSocketConnection: a live WebSocket: input through a lent parser, pongs, the close handshake.
#pragma once

#include <memory>

#include "edge/server/client_socket.h"

namespace tako::edge {

// While idle it holds neither parser nor buffer: this object, its stream and its handler.
class WebSocketConnection final : public ClientSocket, private WebSocketEvents {
 public:
  WebSocketConnection(ClientContext& context, std::unique_ptr<uv::Stream> stream,
                      std::unique_ptr<ClientHandler> handler);
  ~WebSocketConnection() override;

  void keepalive() override;

 private:
  void on_input(std::span<const std::byte> bytes) override;
  [[nodiscard]] SharedBytes make_goodbye(ErrorCode code, std::string_view reason) override;
  [[nodiscard]] bool is_ready_to_end() const override { return is_input_over_; }
  void save_input(proto::ConnectionRecord& record) const override;
  void restore_input(const proto::ConnectionRecord& record) override;

  bool on_text(std::string_view message) override;
  bool on_binary(std::string_view message) override;
  bool on_ping(std::string_view payload) override;
  bool on_pong(std::string_view payload) override;
  void on_close(std::uint16_t code, std::string_view reason) override;
  void on_violation(const FrameViolation& violation) override;

  std::unique_ptr<WebSocketParser> parser_;  // While a frame or a message is incomplete.
  bool is_input_over_ = false;  // The client's close frame has come, or what can't be parsed on.
};

static_assert(sizeof(WebSocketConnection) <= 288, "part of what an idle connection costs");

}  // namespace tako::edge
