// Translates between the link's items of presence and the edge's own types. Pure.
#pragma once

#include <optional>

#include "edge/fanout/broker_port.h"
#include "proto/link.pb.h"

namespace tako::edge {

// Of an item that is presence_list, presence_changes, presence_counts or presence_refused.
[[nodiscard]] ChannelNumber presence_channel_of(const proto::BrokerItem& item);
// Takes the item's strings.
[[nodiscard]] PresenceNews presence_news_from(proto::BrokerItem& item);

void fill(proto::PresenceOpen& out, ChannelNumber number, const ChannelIdentity& channel,
          const PresenceReport& report, const std::optional<PresenceVersion>& has);
void fill(proto::PresenceSession& out, ChannelNumber number, std::uint64_t session,
          const PresenceListing& listing);

}  // namespace tako::edge
