// Sends each request to what serves it.
#include "broker/api/app_api.h"

#include <algorithm>
#include <utility>

#include "broker/api/answer.h"
#include "broker/api/channels.h"
#include "broker/api/disconnect.h"
#include "broker/api/history.h"
#include "broker/api/message_body.h"
#include "broker/api/presence.h"
#include "common/json_text.h"
#include "common/limits.h"

namespace tako::broker {
namespace {

// Room for a message's JSON around its data, white space included.
constexpr std::size_t kEnvelopeBytes = 64 * limits::kKiB;

// {"definitions":[…],"version":n}
std::string with_version(std::string definitions_json, std::uint64_t version) {
  definitions_json.pop_back();
  return definitions_json + R"(,"version":)" + std::to_string(version) + "}";
}

std::string print_put(const DefinitionsPut& put) {
  std::string out = R"({"version":)" + std::to_string(put.version);
  for (std::size_t index = 0; index < put.pending.size(); ++index) {
    out += index == 0 ? R"(,"pending":[)" : ",";
    append_json_string(out, put.pending[index]);
  }
  return out + (put.pending.empty() ? "}" : "]}");
}

}  // namespace

AppApi::AppApi(const AppApiParts& parts)
    : parts_(parts),
      publish_(parts.definitions, parts.publisher, parts.limit_counters),
      started_ms_(parts.clock.monotonic_ms()) {}

void AppApi::handle(ApiRequest request, OnApiAnswer on_answer) {
  const auto route = parse_route(request.target, parts_.limit_counters);
  if (!route) {
    on_answer(error_answer(route.error()));
    return;
  }
  const Resource resource = route->resource;
  const bool is_local_only = resource == Resource::Stream || resource == Resource::Health ||
                             resource == Resource::Ready ||
                             (resource == Resource::Definitions && request.method == "PUT");
  if (is_local_only) {
    on_answer(error_answer(
        {.code = ErrorCode::NotFound, .detail = "this is served on the broker's app socket only"}));
    return;
  }
  dispatch(*route, request, std::move(on_answer));
}

void AppApi::handle_local(const ApiRequest& request, OnApiAnswer on_answer) {
  const auto route = parse_route(request.target, parts_.limit_counters);
  if (!route) {
    on_answer(error_answer(route.error()));
    return;
  }
  dispatch(*route, request, std::move(on_answer));
}

void AppApi::dispatch(const Route& route, const ApiRequest& request, OnApiAnswer on_answer) {
  if (!allows(route.resource, request.method)) {
    on_answer(refuse_method(route.resource));
    return;
  }
  if (!parts_.definitions.has_app(request.app)) {
    on_answer(error_answer({.code = ErrorCode::AppUnknown, .detail = {}}));
    return;
  }
  if (request.body.size() > body_bytes_max(route.resource, request.app)) {
    on_answer(refuse_body(route.resource, request.app));
    return;
  }
  const RuntimeLimits& limits = limits_of(request.app);
  switch (route.resource) {
    case Resource::Definitions:
      dispatch_definitions(request, limits, std::move(on_answer));
      return;
    case Resource::Channels:
      on_answer(channels_answer(route, request, parts_.channels));
      return;
    case Resource::Messages:
      if (request.method == "POST") {
        publish_.publish(route, request, limits, std::move(on_answer));
      } else {
        history_answer(route, request, parts_.channels, parts_.definitions, limits,
                       std::move(on_answer));
      }
      return;
    case Resource::Batch:
      publish_.publish_batch(request, limits, std::move(on_answer));
      return;
    case Resource::Stats:
      on_answer(stats_answer(request, {.channels = parts_.channels,
                                       .definitions = parts_.definitions,
                                       .publisher = parts_.publisher,
                                       .uptime_ms = parts_.clock.monotonic_ms() - started_ms_}));
      return;
    case Resource::Presence:
      on_answer(presence_answer(route, request, parts_.presence, parts_.definitions));
      return;
    case Resource::ChannelDisconnect:
    case Resource::SubjectDisconnect:
      disconnect_answer(route, request, parts_.definitions, parts_.revoker, parts_.limit_counters,
                        std::move(on_answer));
      return;
    case Resource::Stream:
    case Resource::Health:
    case Resource::Ready:
      break;
  }
  on_answer(error_answer({.code = ErrorCode::NotFound, .detail = {}}));
}

void AppApi::dispatch_definitions(const ApiRequest& request, const RuntimeLimits& limits,
                                  OnApiAnswer on_answer) {
  if (request.method == "PUT") {
    put_definitions(request, limits, std::move(on_answer));
    return;
  }
  const auto set = parts_.definitions.definitions(request.app);
  if (!set) {
    on_answer(error_answer(set.error()));
    return;
  }
  const std::uint64_t version = parts_.definitions.version(request.app);
  on_answer(json_answer(200, with_version((*set)->to_json(), version)));
}

void AppApi::put_definitions(const ApiRequest& request, const RuntimeLimits& limits,
                             OnApiAnswer on_answer) {
  const auto parsed = DefinitionSet::parse(request.body);
  if (!parsed) count_limit(parsed.error(), parts_.limit_counters);
  if (parsed && (*parsed)->all().size() > limits.definitions_max) {
    ++parts_.limit_counters.definitions_max;
    on_answer(error_answer(
        {.code = ErrorCode::DefinitionInvalid,
         .detail = "more than " + std::to_string(limits.definitions_max) + " definitions"}));
    return;
  }
  // What is refused is not saved; and what can't be saved is not put into force.
  if (parts_.store == nullptr || !parsed) {
    apply_definitions(request, std::move(on_answer));
    return;
  }
  parts_.store->save(request.app, request.body,
                     [this, request, on_answer = std::move(on_answer)](const Result<void>& saved) {
                       if (saved) return apply_definitions(request, on_answer);
                       on_answer(error_answer(saved.error()));
                     });
}

void AppApi::apply_definitions(const ApiRequest& request, OnApiAnswer on_answer) {
  parts_.definitions.put(
      request.app, request.body, [on_answer = std::move(on_answer)](Result<DefinitionsPut> put) {
        on_answer(put ? json_answer(200, print_put(*put)) : error_answer(std::move(put.error())));
      });
}

const RuntimeLimits& AppApi::limits_of(std::string_view app) const {
  const auto found = std::ranges::find(parts_.apps, app, &config::AppConfig::id);
  return found == parts_.apps.end() ? parts_.channels.limits() : found->limits;
}

std::size_t AppApi::body_bytes_max(Resource resource, std::string_view app) const {
  const RuntimeLimits& limits = limits_of(app);
  switch (resource) {
    case Resource::Messages:
      return limits.message_bytes_max / 3 * 4 + kEnvelopeBytes;  // as base64
    case Resource::Batch:
      return limits.batch_bytes_max;
    case Resource::Definitions:
      return limits.definitions_bytes_max;
    default:
      return kEnvelopeBytes;  // a body has no meaning there
  }
}

ApiAnswer AppApi::refuse_body(Resource resource, std::string_view app) {
  LimitCounters& counters = parts_.limit_counters;
  if (resource == Resource::Messages) ++counters.message_bytes_max;
  if (resource == Resource::Batch) ++counters.batch_bytes_max;
  if (resource == Resource::Definitions) ++counters.definitions_bytes_max;
  return error_answer({.code = ErrorCode::PayloadTooLarge,
                       .detail = "the body has more than " +
                                 std::to_string(body_bytes_max(resource, app)) + " bytes"});
}

ApiAnswer AppApi::refuse_method(Resource resource) const {
  return error_answer({.code = ErrorCode::MethodNotAllowed,
                       .detail = "this route has " + std::string(allowed_methods(resource))});
}

Result<std::vector<std::string>> put_known_definitions(const std::vector<config::AppConfig>& apps,
                                                       const DefinitionsStore* store,
                                                       DefinitionsRegistry& definitions) {
  std::vector<std::string> unread;
  for (const config::AppConfig& app : apps) {
    const bool is_stored = app.definitions_json.empty() && store != nullptr;
    std::string json = app.definitions_json;
    if (is_stored) {
      auto saved = store->load(app.id);
      if (!saved) return std::unexpected(std::move(saved.error()));
      json = std::move(*saved).value_or("");
    }
    if (json.empty()) continue;
    Result<void> outcome;
    definitions.put(
        app.id, json,
        [&outcome](Result<DefinitionsPut> put) {
          if (!put) outcome = std::unexpected(put.error());
        },
        is_stored ? DefinitionSource::Broker : DefinitionSource::App);
    if (outcome) continue;
    if (!is_stored) return std::unexpected(std::move(outcome.error()));
    unread.push_back("the stored definitions of app " + app.id +
                     " can't be read, its channels are unknown until it puts them again: " +
                     std::string(outcome.error().message()));
  }
  return unread;
}

}  // namespace tako::broker
