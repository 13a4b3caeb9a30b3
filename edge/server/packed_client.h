// PackedClient: a client between two processes: what it is, and its socket, which nobody touches.
#pragma once

#include <memory>
#include <vector>

#include "common/uv/socket.h"
#include "edge/session/client.h"

namespace tako::edge {

// Moves only. Destroyed, it closes this process's copies of the sockets and nothing more.
class PackedClient {
 public:
  PackedClient();
  explicit PackedClient(proto::ClientRecord&& record);
  PackedClient(PackedClient&&) noexcept;
  PackedClient& operator=(PackedClient&&) noexcept;
  ~PackedClient();

  [[nodiscard]] proto::ClientRecord& record() noexcept { return *record_; }
  [[nodiscard]] const proto::ClientRecord& record() const noexcept { return *record_; }

  // The client's; then, of a tunnel, the app's.
  std::vector<uv::Fd> sockets;
  // What will go on with it, once EdgeServer::accept() has made it.
  std::unique_ptr<ClientHandler> handler;

 private:
  std::unique_ptr<proto::ClientRecord> record_;
};

// How many sockets belong to such a client; 0: this version does not know it.
[[nodiscard]] std::size_t sockets_of(const proto::ClientRecord& record);

}  // namespace tako::edge
