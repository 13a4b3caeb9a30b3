// What the reverse proxy changes in a request's and a response's head; no sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/http/client_connection.h"
#include "common/http/message.h"
#include "edge/server/forwarded.h"

namespace tako::edge {

// The header that proves to the app that the edge itself calls; never let through either way.
inline constexpr std::string_view kInternalToken = "X-Tako-Internal-Token";

// The request as the app gets it: end-to-end fields as they came, Host too, forwarded headers of
// our own. Only `Upgrade: websocket` is passed on: an app that took `h2c` would be reachable past
// every check of this edge.
[[nodiscard]] http::ClientRequest make_upstream_request(http::RequestHead head,
                                                        const ClientOrigin& origin);

// The fields of the app's answer that go on to the client.
[[nodiscard]] http::Headers make_downstream_headers(const http::ResponseHead& head);

// The length that the app's answer tells: of its body, or, to HEAD and with 304, of the one that it
// would have had.
[[nodiscard]] std::optional<std::uint64_t> told_length(const http::ResponseHead& head);

// Does this request ask for a WebSocket in a way that may be passed on?
[[nodiscard]] bool is_tunnel_request(const http::RequestHead& head);

}  // namespace tako::edge
