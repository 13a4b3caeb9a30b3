// WsRefusal: a WebSocket that is upgraded only to be closed with a code that a browser can read.
#pragma once

#include "edge/session/client.h"

namespace tako::edge {

class WsRefusal final : public ClientHandler {
 public:
  explicit WsRefusal(ErrorCode code) : code_(code) {}
  void on_open(ClientConnection& connection) override { connection.close(code_); }
  void on_text(std::string_view) override {}
  void on_binary(std::string_view) override {}
  void on_room() override {}
  void on_deadline() override {}
  void on_drain(std::int64_t) override {}
  void on_closed() override {}

 private:
  ErrorCode code_;
};

}  // namespace tako::edge
