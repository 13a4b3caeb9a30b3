// Tells a person what the server refused, or that nobody is there.
#pragma once

#include <string>

#include "broker/takoctl/api_client.h"
#include "broker/takoctl/commands.h"

namespace tako::takoctl {

// Both return the exit code.
int report_refusal(const ApiReply& reply, Terminal terminal);
int report_nobody(const std::string& why, Terminal terminal);

}  // namespace tako::takoctl
