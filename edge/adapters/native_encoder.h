// NativeEncoders: the native protocol's wire forms of a message: WebSocket frames and event blocks.
#pragma once

#include "edge/fanout/encoder.h"

namespace tako::edge {

// WsPlain and WsRich: a text frame with the message's JSON (rich: with the channel's key).
// SseChunked and SsePlain: `id:`, `data:`, a blank line; no `id:` for an ephemeral message.
class NativeWsEncoder final : public Encoder {
 public:
  explicit NativeWsEncoder(bool with_key) : with_key_(with_key) {}
  [[nodiscard]] SharedBytes encode(const Message& message,
                                   const ChannelIdentity& channel) const override;

 private:
  bool with_key_;
};

class NativeSseEncoder final : public Encoder {
 public:
  explicit NativeSseEncoder(bool chunked) : chunked_(chunked) {}
  [[nodiscard]] SharedBytes encode(const Message& message,
                                   const ChannelIdentity& channel) const override;

 private:
  bool chunked_;
};

// An event block as the connection's body framing needs it.
[[nodiscard]] SharedBytes make_sse_block(std::string_view block, bool chunked);

}  // namespace tako::edge
