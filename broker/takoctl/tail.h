// `takoctl tail`: follows a channel, one JSON line per message, across broken connections.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "broker/takoctl/commands.h"

namespace tako::takoctl {

struct TailOptions {
  ChannelRef channel;
  std::string after;  // cursor; "": live only
  // Waits before a reconnect; false ends the tail. Replaced in tests.
  std::function<bool(std::chrono::milliseconds)> wait;
};

// Runs until the server refuses, or `wait` says no. Messages go to `out`; gaps, breaks and resumes
// are told on `errors`. Nobody there at the very start is an error; later it is waited for.
[[nodiscard]] int run_tail(ApiClient& client, const TailOptions& options, Terminal terminal);

}  // namespace tako::takoctl
