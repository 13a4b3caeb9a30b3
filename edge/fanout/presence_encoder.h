// PresenceEncoder: turns what is told of presence into the wire bytes of one form, once for all.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>

#include "common/shared_bytes.h"
#include "edge/fanout/encoder.h"
#include "edge/fanout/presence.h"

namespace tako::edge {

// A channel's members, by subject.
using PresenceMembers = std::map<std::string, PresenceMember, std::less<>>;

// Pure, as Encoder.
class PresenceEncoder {
 public:
  virtual ~PresenceEncoder() = default;
  [[nodiscard]] virtual SharedBytes list(const PresenceVersion& version,
                                         const PresenceMembers& members,
                                         const ChannelIdentity& channel) const = 0;
  [[nodiscard]] virtual SharedBytes changes(const PresenceChanges& changes,
                                            const ChannelIdentity& channel) const = 0;
  [[nodiscard]] virtual SharedBytes counts(const PresenceCounts& counts,
                                           const ChannelIdentity& channel) const = 0;
};

// One per WireForm, by its number; null where the form has no word for presence. They outlive the
// hub.
using PresenceEncoders = std::array<const PresenceEncoder*, kWireForms>;

// Frames made so far, one slot per WireForm.
using FrameSet = std::array<SharedBytes, kWireForms>;

}  // namespace tako::edge
