// What the log still holds at the end of a run, read as one more subscriber.
#pragma once

#include <string>
#include <vector>

#include "tests/laws/history.h"
#include "tests/support/socket.h"

namespace tako::test {

// Reads each channel from its oldest retained message to its head, page by page, over the app API.
// `targets`: per channel, `room/messages?r=1`.
[[nodiscard]] std::vector<SubscriptionHistory> read_archive(
    const Endpoint& app_socket, const std::vector<std::string>& targets);

}  // namespace tako::test
