// Finds route, user and app of a request on the unix socket, and begins its exchange.
#include "broker/api/api_server.h"

#include <algorithm>
#include <utility>

#include "broker/api/answer.h"
#include "broker/api/api_exchange.h"
#include "common/ascii.h"
#include "common/params.h"

namespace tako::broker {
namespace {

http::ServerOptions options(const RuntimeLimits& limits) {
  using std::chrono::milliseconds;
  http::ServerOptions result;
  result.connections_max = limits.http_connections_max;
  result.timeouts.head = milliseconds(limits.http_head_ms);
  result.timeouts.idle = milliseconds(limits.http_idle_ms);
  result.timeouts.body = milliseconds(limits.http_body_progress_ms);
  result.timeouts.write = milliseconds(limits.http_write_progress_ms);
  return result;
}

std::unique_ptr<http::Exchange> refuse(http::ServerConnection& connection, const Error& error) {
  connection.respond(to_response(error_answer(error)));
  return nullptr;
}

std::unique_ptr<http::Exchange> refuse_method(http::ServerConnection& connection, const AppApi& api,
                                              Resource resource) {
  http::Response response = to_response(api.refuse_method(resource));
  response.headers.set("Allow", std::string(allowed_methods(resource)));
  connection.respond(response);
  return nullptr;
}

// Last-Event-ID (the last element of a list), else `last_message_id`; nullopt: live only.
Result<std::optional<Cursor>> find_cursor(const http::RequestHead& head,
                                          const std::vector<QueryPair>& pairs) {
  std::string_view text;
  if (const auto header = head.headers.find("last-event-id")) {
    const std::size_t comma = header->rfind(',');
    text = ascii::trimmed(comma == std::string_view::npos ? *header : header->substr(comma + 1));
  }
  if (const std::string* value = query_value(pairs, "last_message_id");
      text.empty() && value != nullptr) {
    text = *value;
  }
  if (text.empty()) return std::optional<Cursor>();
  const auto cursor = parse_cursor(text);
  if (!cursor) return std::unexpected(cursor.error());
  return std::optional(*cursor);
}

}  // namespace

ApiServer::ApiServer(uv::Loop& loop, uv::TimerWheel& wheel, AppApi& api, const AppApiParts& parts,
                     const RuntimeLimits& limits, ReadyCheck ready)
    : api_(api),
      parts_(parts),
      limits_(limits),
      ready_(std::move(ready)),
      server_(loop, wheel, *this, options(limits)) {}

Result<void> ApiServer::listen(const std::string& path) {
  const auto bound = server_.listen(uv::UnixAddress{path}, {.unix_mode = 0660});
  if (!bound) return std::unexpected(bound.error());
  return {};
}

void ApiServer::drain(std::function<void()> on_drained) {
  for (AppStream* stream : streams_.open) stream->end();
  server_.drain(std::move(on_drained));
}

std::unique_ptr<http::Exchange> ApiServer::on_request(http::ServerConnection& connection,
                                                      http::RequestHead head) {
  const auto route = parse_route(head.target, parts_.limit_counters);
  if (!route) return refuse(connection, route.error());
  const Resource resource = route->resource;
  if (!allows(resource, head.method)) return refuse_method(connection, api_, resource);
  if (resource == Resource::Health) {
    connection.respond(health_response());
    return nullptr;
  }
  if (resource == Resource::Ready) {
    connection.respond(ready_response(ready_()));
    return nullptr;
  }
  auto app = find_app(connection, head);
  if (!app) return refuse(connection, app.error());
  return resource == Resource::Stream ? begin_stream(connection, head, *route, *app)
                                      : begin_call(connection, head, *route, std::move(*app));
}

Result<std::string> ApiServer::find_app(const http::ServerConnection& connection,
                                        const http::RequestHead& head) const {
  const auto named = head.headers.find("tako-app");
  if (!named && parts_.apps.size() > 1) {
    return fail(ErrorCode::AppUnknown, "there is more than one app: name it in Tako-App");
  }
  std::string id = named ? std::string(*named) : parts_.apps.front().id;
  const auto app = std::ranges::find(parts_.apps, id, &config::AppConfig::id);
  if (app == parts_.apps.end()) return fail(ErrorCode::AppUnknown);
  if (app->socket_uids.empty()) return id;
  const auto peer = connection.credentials();
  if (peer && std::ranges::find(app->socket_uids, peer->uid) != app->socket_uids.end()) return id;
  return fail(ErrorCode::Forbidden, "socket_uids of this app does not name user id " +
                                        (peer ? std::to_string(peer->uid) : "(unknown)"));
}

std::unique_ptr<http::Exchange> ApiServer::begin_call(http::ServerConnection& connection,
                                                      const http::RequestHead& head,
                                                      const Route& route, std::string app) {
  const bool is_too_large = head.body == http::BodyFraming::Length &&
                            head.content_length > api_.body_bytes_max(route.resource, app);
  if (is_too_large) {
    connection.respond(to_response(api_.refuse_body(route.resource, app)));
    return nullptr;
  }
  // HEAD is answered like GET; the connection leaves the body out.
  ApiRequest request{
      .app = std::move(app),
      .method = head.method == "HEAD" ? "GET" : head.method,
      .target = head.target,
      .idempotency_key = std::string(head.headers.find("idempotency-key").value_or("")),
      .body = {}};
  return std::make_unique<ApiExchange>(connection, api_, route.resource, std::move(request));
}

std::unique_ptr<http::Exchange> ApiServer::begin_stream(http::ServerConnection& connection,
                                                        const http::RequestHead& head,
                                                        const Route& route,
                                                        const std::string& app) {
  if (streams_.open.size() >= limits_.app_streams_max) {
    ++parts_.limit_counters.app_streams_max;
    return refuse(connection, {.code = ErrorCode::LimitReached,
                               .detail = "too many streams on the app socket"});
  }
  const auto channel = parts_.definitions.resolve_query(app, route.name, route.query);
  if (!channel) return refuse(connection, channel.error());
  const auto pairs = split_query(route.query);
  if (!pairs) return refuse(connection, pairs.error());
  const auto cursor = find_cursor(head, *pairs);
  if (!cursor) return refuse(connection, cursor.error());
  const std::string* events = query_value(*pairs, "_events");
  const bool tells_gaps = events != nullptr && *events == "1";
  const ReplayWindow window = parts_.channels.window(app, channel->key);
  if (*cursor && !tells_gaps && resume_at(**cursor, window).gap) {
    return refuse(connection, {.code = ErrorCode::ReplayTooOld, .detail = {}});
  }
  const Definition* definition = parts_.definitions.find(app, route.name);
  return std::make_unique<AppStream>(
      connection, parts_.channels,
      AppStreamRequest{.channel = *channel,
                       .from = *cursor,
                       .keepalive_ms = definition->keepalive_interval_ms,
                       .tells_gaps = tells_gaps},
      streams_);
}

}  // namespace tako::broker
