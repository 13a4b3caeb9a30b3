// ChannelIdentity: which channel is meant.
#pragma once

#include <string>

namespace tako::broker {

// What an edge or the resolver (definitions_registry.h) says of a channel.
struct ChannelIdentity {
  std::string app;
  std::string name;         // on the wire, without params
  std::string key;          // `chat?roomId=42`
  std::string params_json;  // the partitioning params, for GET /v1/channels
};

}  // namespace tako::broker
