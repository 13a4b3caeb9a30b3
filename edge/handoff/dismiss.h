// Tells an edge to leave that has no successor: a worker beyond those that there are now.
#pragma once

#include <string>

namespace tako::edge {

// `socket_path`: its handoff socket. False: nobody listens there. Blocks for a moment; no loop.
[[nodiscard]] bool dismiss_edge(const std::string& socket_path);

}  // namespace tako::edge
