// The list. A new protocol is one line in each of these two functions.
#include "edge/adapters/adapters.h"

#include "edge/adapters/native_encoder.h"
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

std::vector<std::unique_ptr<ClientProtocol>> make_client_protocols(EdgeServices& services) {
  std::vector<std::unique_ptr<ClientProtocol>> protocols;
  protocols.push_back(std::make_unique<NativeProtocol>(services));
  return protocols;
}

}  // namespace tako::edge
