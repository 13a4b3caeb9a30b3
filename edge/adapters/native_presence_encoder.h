// The native protocol's wire forms of presence: control frames, and event blocks with the same
// data.
#pragma once

#include "edge/fanout/presence_encoder.h"

namespace tako::edge {

// {"type":"tako.presence"|"tako.occupancy","data":{…},"key"}
class NativeWsPresenceEncoder final : public PresenceEncoder {
 public:
  [[nodiscard]] SharedBytes list(const PresenceVersion& version, const PresenceMembers& members,
                                 const ChannelIdentity& channel) const override;
  [[nodiscard]] SharedBytes changes(const PresenceChanges& changes,
                                    const ChannelIdentity& channel) const override;
  [[nodiscard]] SharedBytes counts(const PresenceCounts& counts,
                                   const ChannelIdentity& channel) const override;
};

// `event: tako.presence` or `event: tako.occupancy`, and `data:`; no `id:`, a cursor stays.
class NativeSsePresenceEncoder final : public PresenceEncoder {
 public:
  explicit NativeSsePresenceEncoder(bool chunked) : chunked_(chunked) {}
  [[nodiscard]] SharedBytes list(const PresenceVersion& version, const PresenceMembers& members,
                                 const ChannelIdentity& channel) const override;
  [[nodiscard]] SharedBytes changes(const PresenceChanges& changes,
                                    const ChannelIdentity& channel) const override;
  [[nodiscard]] SharedBytes counts(const PresenceCounts& counts,
                                   const ChannelIdentity& channel) const override;

 private:
  bool chunked_;
};

}  // namespace tako::edge
