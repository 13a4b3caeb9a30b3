// A connection of the rich dialect as it moves to another process.
#include <algorithm>
#include <utility>

#include "edge/adapters/native_ws_rich.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

void save_channel(const RichChannel& channel, proto::RichChannelRecord& record) {
  channel.subscription.save(*record.mutable_subscription());
  record.set_ref(channel.ref);
  record.set_is_first(channel.is_first);
  record.set_has_reauth_notice(channel.subscription.permission().awaits_client());
  for (const RichChannel::HeldAck& held : channel.held_acks) {
    proto::HeldAckRecord& ack = *record.add_held_acks();
    ack.set_ref(held.ref);
    ack.set_offset(held.id.offset);
    ack.set_epoch(held.id.epoch.value);
  }
}

void save_upgrade(const ClientRequest& upgrade, proto::UpgradeRecord& record) {
  record.set_host(upgrade.host);
  record.set_ip(upgrade.ip);
  record.set_method(upgrade.method);
  for (const auto& [name, value] : upgrade.headers) {
    proto::HeaderRecord& header = *record.add_headers();
    header.set_name(name);
    header.set_value(value);
  }
}

}  // namespace

ClientRequest restored_upgrade(const proto::ClientRecord& record) {
  const proto::UpgradeRecord& from = record.web_socket().upgrade();
  ClientRequest upgrade;
  upgrade.app = record.app();
  upgrade.method = from.method();
  upgrade.host = from.host();
  upgrade.ip = from.ip();
  upgrade.is_websocket = true;
  for (const proto::HeaderRecord& header : from.headers()) {
    upgrade.headers.emplace_back(header.name(), header.value());
  }
  return upgrade;
}

bool NativeWsRich::is_settled() const {
  if (publisher_ != nullptr && publisher_->pending() != 0) return false;
  return std::ranges::all_of(channels_,
                             [](const auto& channel) { return channel->subscription.can_move(); });
}

void NativeWsRich::save_channels(proto::WebSocketRecord& record) const {
  record.set_is_rich(true);
  record.set_connection_id(id_);
  save_upgrade(upgrade_, *record.mutable_upgrade());
  for (const auto& channel : channels_) save_channel(*channel, *record.add_channels());
}

// All are there before the first is restored: one that ends must not look like the last one.
void NativeWsRich::restore_channels(const proto::WebSocketRecord& record) {
  id_ = record.connection_id();
  std::vector<RichChannel*> restored;
  for (const proto::RichChannelRecord& from : record.channels()) {
    RichChannel& channel =
        *channels_.emplace_back(std::make_unique<RichChannel>(services(), *this));
    channel.ref = from.ref();
    channel.is_first = from.is_first();
    channel.has_started = true;
    for (const proto::HeldAckRecord& ack : from.held_acks()) {
      channel.held_acks.push_back({ack.ref(), {ack.offset(), Epoch{ack.epoch()}}});
    }
    restored.push_back(&channel);
  }
  for (int i = 0; i < record.channels_size() && is_open(); ++i) {
    RichChannel& channel = *restored[static_cast<std::size_t>(i)];
    channel.subscription.restore(record.channels(i).subscription(),
                                 {.operation = Operation::Connect, .form = form()}, connection());
  }
}

}  // namespace tako::edge
