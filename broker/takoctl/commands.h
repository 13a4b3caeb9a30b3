// takoctl's commands: each asks the app API and prints what it says.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "broker/takoctl/api_client.h"
#include "broker/takoctl/request.h"

namespace tako::takoctl {

// kExitNobodyThere: at the socket; or no log in the folder.
enum ExitCode : int { kExitOk = 0, kExitRefused = 1, kExitUsage = 2, kExitNobodyThere = 3 };

struct Terminal {
  std::ostream& out;
  std::ostream& errors;
};

// `reply` as JSON, or the error with its hint. Every command returns an ExitCode.
[[nodiscard]] int run_publish(ApiClient& client, const ChannelRef& channel,
                              const PublishWords& words, const std::string& idempotency_key,
                              Terminal terminal);
[[nodiscard]] int run_channels(ApiClient& client, bool as_json, Terminal terminal);
[[nodiscard]] int run_definitions(ApiClient& client, Terminal terminal);
[[nodiscard]] int run_put_definitions(ApiClient& client, const std::string& file,
                                      Terminal terminal);
// All members, a page at a time; as a table with the counts below it, or a page of JSON per line.
[[nodiscard]] int run_presence(ApiClient& client, const ChannelRef& channel, bool as_json,
                               Terminal terminal);
[[nodiscard]] int run_disconnect(ApiClient& client, const DisconnectWords& words,
                                 Terminal terminal);
[[nodiscard]] int run_stats(ApiClient& client, Terminal terminal);

}  // namespace tako::takoctl
