// Judges a WebSocket opening handshake (RFC 6455 4.2.1) and builds its answer; no sockets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/http/headers.h"
#include "common/result.h"
#include "edge/session/client.h"

namespace tako::edge {

// The client wants a WebSocket: `websocket` is among the tokens of Upgrade. Any other Upgrade
// (`h2c`) is ignored, as RFC 9110 7.8 allows.
[[nodiscard]] bool asks_for_websocket(const ClientRequest& request);

// Errors: HandshakeInvalid (400, the text names the rule), VersionUnsupported (426).
[[nodiscard]] Result<void> check_websocket_handshake(const ClientRequest& request);

// base64(SHA-1(key + GUID)), RFC 6455 4.2.2.
[[nodiscard]] std::string make_accept_key(std::string_view key);

// The fields of the 101. `subprotocol`: one that the client offered, or empty.
[[nodiscard]] http::Headers websocket_response_headers(const ClientRequest& request,
                                                       std::string_view subprotocol);

// Elements of comma-separated header fields of this name, trimmed, empty ones left out. Linear in
// the size of the fields.
[[nodiscard]] std::vector<std::string_view> header_list(const ClientRequest& request,
                                                        std::string_view name);

}  // namespace tako::edge
