// AdminServer: /healthz, /readyz and /metrics of a process, on an address of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/config/metrics.h"
#include "common/http/server.h"
#include "common/result.h"

namespace tako {

// Why the process can't serve right now, for people; empty: it can.
using ReadyCheck = std::function<std::vector<std::string>()>;

//   GET /healthz  200 {"ok":true,"version":"0.1.0"}: the loop turns
//   GET /readyz   200 {"ready":true,"reasons":[]}, or 503 with why not
//   GET /metrics  200, Prometheus text
// No secrets, no names of channels or clients; nevertheless not for the outside.
class AdminServer final : private http::RequestHandler {
 public:
  // References outlive the server.
  AdminServer(uv::Loop& loop, uv::TimerWheel& wheel, const Metrics& metrics, ReadyCheck ready);

  // Errors: AddressInUse, ConfigInvalid. Returns the address as bound.
  [[nodiscard]] Result<uv::Address> listen(const uv::Address& address) {
    return server_.listen(address);
  }
  // Serves a socket that listens already.
  uv::Address adopt(uv::Fd socket) { return server_.adopt(std::move(socket)); }
  [[nodiscard]] const http::ServerCounters& counters() const noexcept { return server_.counters(); }
  // For its listeners, when another process goes on with them.
  [[nodiscard]] http::Server& server() noexcept { return server_; }

 private:
  std::unique_ptr<http::Exchange> on_request(http::ServerConnection& connection,
                                             http::RequestHead head) override;

  const Metrics& metrics_;
  ReadyCheck ready_;
  http::Server server_;
};

// The same answers for a server that has these routes among others (the app socket).
[[nodiscard]] http::Response health_response();
[[nodiscard]] http::Response ready_response(const std::vector<std::string>& reasons);

}  // namespace tako
