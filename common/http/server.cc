// Accepts connections, bounds them, and lets them end.
#include "common/http/server.h"

#include <utility>

#include "common/limits.h"

namespace tako::http {

ServerOptions::ServerOptions() : connections_max(limits::kHttpConnectionsMax) {}

Server::Server(uv::Loop& loop, uv::TimerWheel& wheel, RequestHandler& handler,
               ServerOptions options)
    : loop_(loop),
      wheel_(wheel),
      handler_(handler),
      options_(std::move(options)),
      drained_task_(loop, [this] { report_drained(); }) {}

Server::~Server() {
  listeners_.clear();
  is_draining_ = true;
  connections_.clear();
}

Result<uv::Address> Server::listen(const uv::Address& address, const uv::ListenOptions& options) {
  Result<uv::Fd> socket = uv::open_listening_socket(address, options);
  if (!socket) return std::unexpected(socket.error());
  uv::Address bound = adopt(*std::move(socket));
  listeners_.back()->own_file();
  return bound;
}

uv::Address Server::adopt(uv::Fd listening_socket) {
  listeners_.push_back(std::make_unique<uv::Listener>(
      loop_, std::move(listening_socket), counters_.listening,
      [this](std::unique_ptr<uv::Stream> stream) { on_connection(std::move(stream)); }));
  return listeners_.back()->address();
}

void Server::stop_listening() { listeners_.clear(); }

void Server::on_connection(std::unique_ptr<uv::Stream> stream) {
  if (options_.admit && !options_.admit(*stream)) return;
  ++counters_.connections;
  const std::size_t count = connections_.size();
  const bool is_refused = count >= options_.connections_max;
  if (is_refused) ++counters_.connections_refused;
  // Telling it politely needs a connection too; of those there is a bound as well.
  if (count >= options_.connections_max + limits::kHttpRefusingMax) {
    ++counters_.connections_untold;
    return;
  }
  ConnectionOwner& owner = *this;  // Here, where the private base is known.
  auto connection = std::make_unique<ServerConnection>(std::move(stream), wheel_, handler_, owner,
                                                       options_.timeouts, counters_);
  ServerConnection& added = *connection;
  connections_.emplace(&added, std::move(connection));
  if (!is_refused) return;
  Error error{ErrorCode::LimitReached};
  error.retry_after_ms = limits::kHttpRetryAfterMs;
  added.refuse_connection(error);
}

void Server::on_connection_over(ServerConnection& connection) {
  connections_.erase(&connection);
  if (on_drained_ && connections_.empty()) drained_task_.schedule();
}

void Server::drain(std::function<void()> on_drained) {
  is_draining_ = true;
  on_drained_ = std::move(on_drained);
  stop_listening();
  for (const auto& [address, connection] : connections_) connection->close_if_idle();
  if (connections_.empty()) drained_task_.schedule();
}

void Server::report_drained() {
  if (!connections_.empty()) return;
  if (const auto on_drained = std::exchange(on_drained_, nullptr)) on_drained();
}

}  // namespace tako::http
