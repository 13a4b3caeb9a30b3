// Takes targets apart.
#include "broker/api/route.h"

#include <utility>

#include "common/channel_name.h"
#include "common/limits.h"

namespace tako::broker {
namespace {

constexpr std::string_view kChannels = "/v1/channels";
constexpr std::string_view kSubjects = "/v1/subjects/";

Result<Resource> channel_resource(std::string_view suffix) {
  if (suffix == "messages") return Resource::Messages;
  if (suffix == "presence") return Resource::Presence;
  if (suffix == "stream") return Resource::Stream;
  if (suffix == "disconnect") return Resource::ChannelDisconnect;
  return fail(ErrorCode::NotFound);
}

// `path`: behind "/v1/channels/".
Result<Route> parse_channel_route(std::string_view path, LimitCounters& counters) {
  const std::size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) return fail(ErrorCode::NotFound);
  const auto resource = channel_resource(path.substr(slash + 1));
  if (!resource) return std::unexpected(resource.error());
  auto name = percent_decode(path.substr(0, slash));
  if (!name) return std::unexpected(name.error());
  if (name->size() > limits::kChannelNameMax) {
    ++counters.channel_name_max;
    return fail(ErrorCode::BadRequest, "a channel name has at most 200 characters");
  }
  return Route{.resource = *resource, .name = std::move(*name), .query = {}};
}

// `path`: behind "/v1/subjects/".
Result<Route> parse_subject_route(std::string_view path, LimitCounters& counters) {
  const std::size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos || path.substr(slash + 1) != "disconnect") {
    return fail(ErrorCode::NotFound);
  }
  auto subject = percent_decode(path.substr(0, slash));
  if (!subject) return std::unexpected(subject.error());
  if (subject->size() > limits::kSubjectMax) {
    ++counters.subject_max;
    return fail(ErrorCode::BadRequest,
                "a subject has at most " + std::to_string(limits::kSubjectMax) + " bytes");
  }
  return Route{.resource = Resource::SubjectDisconnect, .name = std::move(*subject), .query = {}};
}

Result<Route> parse_path(std::string_view path, LimitCounters& counters) {
  if (path == "/v1/definitions")
    return Route{.resource = Resource::Definitions, .name = {}, .query = {}};
  if (path == kChannels) return Route{.resource = Resource::Channels, .name = {}, .query = {}};
  if (path == "/v1/batch") return Route{.resource = Resource::Batch, .name = {}, .query = {}};
  if (path == "/v1/stats") return Route{.resource = Resource::Stats, .name = {}, .query = {}};
  if (path == "/healthz") return Route{.resource = Resource::Health, .name = {}, .query = {}};
  if (path == "/readyz") return Route{.resource = Resource::Ready, .name = {}, .query = {}};
  if (path.starts_with(kChannels) && path.substr(kChannels.size()).starts_with('/')) {
    return parse_channel_route(path.substr(kChannels.size() + 1), counters);
  }
  if (path.starts_with(kSubjects)) {
    return parse_subject_route(path.substr(kSubjects.size()), counters);
  }
  return fail(ErrorCode::NotFound);
}

}  // namespace

Result<Route> parse_route(std::string_view target, LimitCounters& counters) {
  const std::size_t question = target.find('?');
  auto route = parse_path(target.substr(0, question), counters);
  if (route && question != std::string_view::npos) route->query = target.substr(question + 1);
  return route;
}

std::string_view allowed_methods(Resource resource) {
  switch (resource) {
    case Resource::Definitions:
      return "GET, HEAD, PUT";
    case Resource::Messages:
      return "GET, HEAD, POST";
    case Resource::Batch:
    case Resource::ChannelDisconnect:
    case Resource::SubjectDisconnect:
      return "POST";
    case Resource::Stream:
      return "GET";
    case Resource::Channels:
    case Resource::Presence:
    case Resource::Stats:
    case Resource::Health:
    case Resource::Ready:
      break;
  }
  return "GET, HEAD";
}

bool allows(Resource resource, std::string_view method) {
  std::string_view rest = allowed_methods(resource);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    if (rest.substr(0, comma) == method) return true;
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 2);
  }
  return false;
}

}  // namespace tako::broker
