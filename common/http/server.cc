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

void Server::pause_listening() {
  for (const auto& listener : listeners_) listener->pause();
}

void Server::resume_listening() {
  for (const auto& listener : listeners_) listener->resume();
}

void Server::leave_listening() {
  for (const auto& listener : listeners_) listener->keep_file();
  stop_listening();
}

void Server::on_connection(std::unique_ptr<uv::Stream> stream) {
  if (options_.admit && !options_.admit(*stream)) return;
  ++counters_.connections;
  const bool is_refused = connections_.size() >= options_.connections_max;
  if (is_refused) ++counters_.connections_refused;
  ServerConnection* added = add(std::move(stream));
  if (!is_refused || added == nullptr) return;
  Error error{ErrorCode::LimitReached};
  error.retry_after_ms = limits::kHttpRetryAfterMs;
  added->refuse_connection(error);
}

// Telling it politely needs a connection too; of those there is a bound as well.
ServerConnection* Server::add(std::unique_ptr<uv::Stream> stream) {
  if (connections_.size() >= options_.connections_max + limits::kHttpRefusingMax) {
    ++counters_.connections_untold;
    return nullptr;
  }
  ConnectionOwner& owner = *this;  // Here, where the private base is known.
  auto connection = std::make_unique<ServerConnection>(std::move(stream), wheel_, handler_, owner,
                                                       options_.timeouts, counters_);
  ServerConnection* added = connection.get();
  connections_.emplace(added, std::move(connection));
  return added;
}

std::vector<uv::Fd> Server::take_idle(std::size_t count) {
  std::vector<uv::Fd> taken;
  for (const auto& [address, connection] : connections_) {
    if (taken.size() >= count) break;
    if (auto stream = connection->take_if_idle()) taken.push_back(stream->release());
  }
  return taken;
}

void Server::adopt_idle(uv::Fd connection) {
  auto stream = std::make_unique<uv::Stream>(loop_, std::move(connection));
  if (ServerConnection* added = add(std::move(stream))) added->note_kept();
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
