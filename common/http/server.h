// Server: listeners, the live HTTP connections behind them, their limit, and a graceful end.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/http/server_connection.h"
#include "common/result.h"
#include "common/uv/listener.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"

namespace tako::http {

struct ServerOptions {
  std::size_t connections_max;  // HTTP connections at once; more get 503 + Retry-After
  ServerTimeouts timeouts;
  // Judges a connection before anything is read, e.g. by a unix peer's uid; false: closed.
  std::function<bool(const uv::Stream&)> admit;
  ServerOptions();  // limits::kHttpConnectionsMax, the default timeouts, all admitted
};

class Server final : private ConnectionOwner {
 public:
  // `handler` outlives the server. Destroying the server closes every connection at once (streams
  // that were taken live on).
  Server(uv::Loop& loop, uv::TimerWheel& wheel, RequestHandler& handler,
         ServerOptions options = {});
  ~Server();

  // Listens and serves; may be called for several addresses. Returns the address as bound.
  [[nodiscard]] Result<uv::Address> listen(const uv::Address& address,
                                           const uv::ListenOptions& options = {});
  // Serves a socket that listens already (inherited, or handed over).
  uv::Address adopt(uv::Fd listening_socket);

  // Closes the listeners; connections go on.
  void stop_listening();
  // Connections wait in the kernel meanwhile.
  void pause_listening();
  void resume_listening();
  // Another process goes on with the sockets: as stop_listening(), and the files of unix ones stay.
  void leave_listening();
  // Closes the listeners and idle connections, lets requests in flight finish with
  // `Connection: close`, those on their way too, then calls back (at once, at the end of the turn,
  // when there are none).
  void drain(std::function<void()> on_drained);
  [[nodiscard]] bool is_draining() const override { return is_draining_; }

  // Connections that are between two requests, up to `count` of them, for another process.
  [[nodiscard]] std::vector<uv::Fd> take_idle(std::size_t count);
  // Such a connection, from another process.
  void adopt_idle(uv::Fd connection);

  [[nodiscard]] std::size_t connection_count() const noexcept { return connections_.size(); }
  [[nodiscard]] const ServerCounters& counters() const noexcept { return counters_; }
  // For handing them over.
  [[nodiscard]] const std::vector<std::unique_ptr<uv::Listener>>& listeners() const noexcept {
    return listeners_;
  }

 private:
  void on_connection(std::unique_ptr<uv::Stream> stream);
  // Null: there are too many already.
  ServerConnection* add(std::unique_ptr<uv::Stream> stream);
  void on_connection_over(ServerConnection& connection) override;
  void report_drained();

  uv::Loop& loop_;
  uv::TimerWheel& wheel_;
  RequestHandler& handler_;
  ServerOptions options_;
  ServerCounters counters_;
  std::vector<std::unique_ptr<uv::Listener>> listeners_;
  std::unordered_map<ServerConnection*, std::unique_ptr<ServerConnection>> connections_;
  std::function<void()> on_drained_;
  uv::TurnEndTask drained_task_;
  bool is_draining_ = false;
};

}  // namespace tako::http
