// The client protocols that this edge speaks, as an explicit list, and their encoders.
#pragma once

#include <memory>
#include <vector>

#include "edge/fanout/encoder.h"
#include "edge/fanout/presence_encoder.h"
#include "edge/session/client.h"
#include "edge/session/services.h"

namespace tako::edge {

// One encoder per WireForm, for the hub. They live as long as the program.
[[nodiscard]] const Encoders& client_encoders();
// The same of presence, for its hub.
[[nodiscard]] const PresenceEncoders& client_presence_encoders();

// In the order in which they are asked for a path. Requests that no protocol owns go to the app.
// Destroy them before the services, and after the server has closed its connections.
[[nodiscard]] std::vector<std::unique_ptr<ClientProtocol>> make_client_protocols(
    EdgeServices& services);

}  // namespace tako::edge
