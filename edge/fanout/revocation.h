// Revocation: permissions that the app has taken back, as the broker tells it.
#pragma once

#include <cstdint>
#include <string>

#include "edge/fanout/message.h"

namespace tako::edge {

// What was granted before `at_ms`. Applying it twice changes nothing: what was granted later stays.
struct Revocation {
  std::string app;
  std::string subject = {};  // empty: everybody, also on public channels
  std::string name = {};     // of the channel; empty: every channel
  std::string key = {};      // with `name`: of one channel; empty: every channel of the name
  bool reauthorize = false;  // the app is asked again; nothing is delivered until it answers
  std::int64_t at_ms = 0;    // monotonic, of the box; 0: nothing ends
  // Wall; 0: says nothing of a ban. In the past: the ban is lifted.
  std::int64_t banned_until_ms = 0;
  std::string reason = {};  // told to the client

  [[nodiscard]] bool covers(const ChannelIdentity& channel) const {
    return app == channel.app && (name.empty() || name == channel.name) &&
           (key.empty() || key == channel.key);
  }
  // Stands for revocations that the broker does not keep any more.
  [[nodiscard]] bool is_of_everything() const { return subject.empty() && name.empty(); }
};

}  // namespace tako::edge
