// Answers the operator's three questions.
#include "common/config/admin.h"

#include <utility>

#include "common/config/version.h"
#include "common/json_text.h"

namespace tako {
namespace {

// Prometheus asks every few seconds; a handful of askers is many.
constexpr std::size_t kAdminConnectionsMax = 64;

http::ServerOptions options() {
  http::ServerOptions result;
  result.connections_max = kAdminConnectionsMax;
  return result;
}

}  // namespace

AdminServer::AdminServer(uv::Loop& loop, uv::TimerWheel& wheel, const Metrics& metrics,
                         ReadyCheck ready)
    : metrics_(metrics), ready_(std::move(ready)), server_(loop, wheel, *this, options()) {}

std::unique_ptr<http::Exchange> AdminServer::on_request(http::ServerConnection& connection,
                                                        http::RequestHead head) {
  const std::string_view path = head.path();
  const bool is_known = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!is_known) {
    connection.respond_error(
        {ErrorCode::NotFound, "this address has /healthz, /readyz and /metrics", 0});
  } else if (head.method != "GET" && head.method != "HEAD") {
    http::Response refusal = http::error_response({ErrorCode::MethodNotAllowed, "", 0});
    refusal.headers.set("Allow", "GET, HEAD");
    connection.respond(refusal);
  } else if (path == "/healthz") {
    connection.respond(health_response());
  } else if (path == "/readyz") {
    connection.respond(ready_response(ready_()));
  } else {
    http::Response response{200, {}, metrics_.text()};
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    connection.respond(response);
  }
  return nullptr;
}

http::Response health_response() {
  return http::json_response(200,
                             R"({"ok":true,"version":)" + json_string(config::version()) + "}");
}

http::Response ready_response(const std::vector<std::string>& reasons) {
  std::string body =
      reasons.empty() ? R"({"ready":true,"reasons":[)" : R"({"ready":false,"reasons":[)";
  for (std::size_t index = 0; index < reasons.size(); ++index) {
    if (index > 0) body += ',';
    append_json_string(body, reasons[index]);
  }
  return http::json_response(reasons.empty() ? 200 : 503, body + "]}");
}

}  // namespace tako
