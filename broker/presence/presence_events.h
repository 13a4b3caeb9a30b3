// PresenceEvents: whoever has to know at once when members and clients come and go.
#pragma once

#include "broker/channel/channel_identity.h"
#include "broker/presence/presence_member.h"

namespace tako::broker {

// Called when it happens, batches or not, once for each: a member that comes back within its grace
// has not left. None of them may call the table back.
class PresenceEvents {
 public:
  virtual void on_member_entered(const ChannelIdentity& channel, const PresenceMember& member) = 0;
  virtual void on_member_left(const ChannelIdentity& channel, const PresenceMember& member,
                              PresenceReason reason) = 0;
  // The first client came, the last went and the grace is over. Only of channels whose edges count
  // for them: with presence, or whose app wants to know.
  virtual void on_channel_occupied(const ChannelIdentity& channel) = 0;
  virtual void on_channel_vacated(const ChannelIdentity& channel) = 0;

 protected:
  ~PresenceEvents() = default;
};

}  // namespace tako::broker
