// EventStreamConnection: a live event stream: blocks out, and an eye on the client's leaving.
#pragma once

#include <memory>

#include "edge/server/client_socket.h"

namespace tako::edge {

// The frames that it is given are in the stream's form already: chunks, or bare blocks for
// HTTP/1.0, whose body ends with the connection. It holds no HTTP parser: the connection is never
// used for another request.
class EventStreamConnection final : public ClientSocket {
 public:
  EventStreamConnection(ClientContext& context, std::unique_ptr<uv::Stream> stream,
                        std::unique_ptr<ClientHandler> handler, bool is_chunked);
  ~EventStreamConnection() override;

  void keepalive() override;

 private:
  // Nothing is expected of the client any more; what it sends is dropped.
  void on_input(std::span<const std::byte> /*bytes*/) override {}
  [[nodiscard]] SharedBytes make_goodbye(ErrorCode code, std::string_view reason) override;
  [[nodiscard]] bool is_ready_to_end() const override { return true; }

  bool is_chunked_;
};

}  // namespace tako::edge
