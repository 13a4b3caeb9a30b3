// Revocation: permissions that the app takes back, and for how long it bars who had them.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

namespace tako::broker {

// Applying it twice changes nothing: what was granted after `at_ms` stays.
struct Revocation {
  std::string app;
  std::string subject = {};  // empty: everybody, also on public channels
  std::string name = {};     // of the channel; empty: every channel
  std::string key = {};      // with `name`: of one channel; empty: every channel of the name
  bool reauthorize = false;  // the app is asked again; nothing is delivered until it answers
  std::int64_t at_ms = 0;    // monotonic; 0: nothing ends
  // Wall; 0: says nothing of a ban. In the past: the ban is lifted.
  std::int64_t banned_until_ms = 0;
  std::string reason = {};  // told to the client

  friend bool operator==(const Revocation&, const Revocation&) = default;
};

// What a ban is for: a later word on the same takes its place.
using BanScope = std::tuple<std::string, std::string, std::string, std::string>;
[[nodiscard]] inline BanScope ban_scope(const Revocation& revocation) {
  return {revocation.app, revocation.subject, revocation.name, revocation.key};
}

}  // namespace tako::broker
