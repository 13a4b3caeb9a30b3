// The list. A new protocol is one line in each of these functions.
#include "edge/adapters/adapters.h"

#include "edge/adapters/native_encoder.h"
#include "edge/adapters/native_presence_encoder.h"
#include "edge/adapters/native_routes.h"

namespace tako::edge {

const Encoders& client_encoders() {
  static const NativeWsEncoder ws_plain(false);
  static const NativeWsEncoder ws_rich(true);
  static const NativeSseEncoder sse_chunked(true);
  static const NativeSseEncoder sse_plain(false);
  static const Encoders encoders = {&ws_plain, &ws_rich, &sse_chunked, &sse_plain};
  return encoders;
}

const PresenceEncoders& client_presence_encoders() {
  static const NativeWsPresenceEncoder ws_rich;
  static const NativeSsePresenceEncoder sse_chunked(true);
  static const NativeSsePresenceEncoder sse_plain(false);
  static const PresenceEncoders encoders = {nullptr, &ws_rich, &sse_chunked, &sse_plain};
  return encoders;
}

std::vector<std::unique_ptr<ClientProtocol>> make_client_protocols(EdgeServices& services) {
  std::vector<std::unique_ptr<ClientProtocol>> protocols;
  protocols.push_back(std::make_unique<NativeProtocol>(services));
  return protocols;
}

}  // namespace tako::edge
