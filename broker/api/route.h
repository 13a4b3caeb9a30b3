// Routes of the app API: which resource a target names, and what may be done with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/limit_counters.h"
#include "common/result.h"

namespace tako::broker {

enum class Resource : std::uint8_t {
  Definitions,        // /v1/definitions
  Channels,           // /v1/channels
  Messages,           // /v1/channels/<name>/messages
  Presence,           // /v1/channels/<name>/presence
  Stream,             // /v1/channels/<name>/stream
  ChannelDisconnect,  // /v1/channels/<name>/disconnect
  SubjectDisconnect,  // /v1/subjects/<subject>/disconnect
  Batch,              // /v1/batch
  Stats,              // /v1/stats
  Health,             // /healthz
  Ready,              // /readyz
};

struct Route {
  Resource resource = Resource::Health;
  std::string name;   // of the channel, decoded, not yet checked to be a name; or the subject
  std::string query;  // raw, behind `?`
};

// `target`: path and query, raw. Errors: NotFound; BadRequest for broken escapes, or a name or a
// subject that is too long to be one.
[[nodiscard]] Result<Route> parse_route(std::string_view target, LimitCounters& counters);

// For the Allow header: "GET, HEAD".
[[nodiscard]] std::string_view allowed_methods(Resource resource);
// HEAD is asked for like GET.
[[nodiscard]] bool allows(Resource resource, std::string_view method);

}  // namespace tako::broker
