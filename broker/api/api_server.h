// ApiServer: the app API on a unix socket, HTTP/1.1 and JSON.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/api/app_api.h"
#include "broker/api/app_stream.h"
#include "common/config/admin.h"
#include "common/http/server.h"
#include "common/runtime_limits.h"

namespace tako::broker {

class ApiServer final : private http::RequestHandler {
 public:
  // References outlive the server; `parts` are those that `api` was made of.
  ApiServer(uv::Loop& loop, uv::TimerWheel& wheel, AppApi& api, const AppApiParts& parts,
            const RuntimeLimits& limits, ReadyCheck ready);

  // Listens with mode 0660. Errors: AddressInUse, ConfigInvalid.
  [[nodiscard]] Result<void> listen(const std::string& path);
  // Serves a socket that listens already, and whose file is not ours.
  uv::Address adopt(uv::Fd socket) { return server_.adopt(std::move(socket)); }
  // Streams end, requests in flight finish, then calls back.
  void drain(std::function<void()> on_drained);

  [[nodiscard]] const http::ServerCounters& counters() const noexcept { return server_.counters(); }
  [[nodiscard]] const AppStreams& streams() const noexcept { return streams_; }

 private:
  std::unique_ptr<http::Exchange> on_request(http::ServerConnection& connection,
                                             http::RequestHead head) override;
  // Which app the request is for, and whether this user may speak for it.
  [[nodiscard]] Result<std::string> find_app(const http::ServerConnection& connection,
                                             const http::RequestHead& head) const;
  [[nodiscard]] std::unique_ptr<http::Exchange> begin_call(http::ServerConnection& connection,
                                                           const http::RequestHead& head,
                                                           const Route& route, std::string app);
  [[nodiscard]] std::unique_ptr<http::Exchange> begin_stream(http::ServerConnection& connection,
                                                             const http::RequestHead& head,
                                                             const Route& route,
                                                             const std::string& app);

  AppApi& api_;
  AppApiParts parts_;
  const RuntimeLimits& limits_;
  ReadyCheck ready_;
  AppStreams streams_;
  http::Server server_;
};

}  // namespace tako::broker
