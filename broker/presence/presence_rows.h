// PresenceRows: what of presence outlives the broker, as rows of its state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/channel/channel_identity.h"
#include "broker/presence/presence_member.h"
#include "broker/state/state_store.h"

namespace tako::broker {

struct RecoveredMember {
  ChannelIdentity channel;
  PresenceMember member;
};

class PresenceRows {
 public:
  // `store` outlives this.
  explicit PresenceRows(StateStore& store) : store_(store) {}

  void put_member(const ChannelIdentity& channel, const PresenceMember& member);
  void erase_member(const ChannelIdentity& channel, std::string_view subject);
  void put_occupied(const ChannelIdentity& channel);
  void erase_occupied(const ChannelIdentity& channel);

  // At the start, once. A row that can't be read is passed over.
  [[nodiscard]] std::vector<RecoveredMember> members();
  [[nodiscard]] std::vector<ChannelIdentity> occupied();
  [[nodiscard]] bool is_durable() const { return store_.is_durable(); }

 private:
  StateStore& store_;
};

}  // namespace tako::broker
