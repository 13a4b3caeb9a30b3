// PresenceWebhooks: tells apps who comes and goes.
#pragma once

#include "broker/presence/presence_events.h"
#include "broker/webhook/webhook_dispatch.h"

namespace tako::broker {

class PresenceWebhooks final : public PresenceEvents {
 public:
  explicit PresenceWebhooks(WebhookDispatch& webhooks) : webhooks_(webhooks) {}

  void on_member_entered(const ChannelIdentity& channel, const PresenceMember& member) override {
    webhooks_.member_entered(channel, member.subject, member.info, member.data);
  }
  void on_member_left(const ChannelIdentity& channel, const PresenceMember& member,
                      PresenceReason reason) override {
    webhooks_.member_left(channel, member.subject, to_string(reason));
  }
  void on_channel_occupied(const ChannelIdentity& channel) override {
    webhooks_.channel_occupied(channel);
  }
  void on_channel_vacated(const ChannelIdentity& channel) override {
    webhooks_.channel_vacated(channel);
  }

 private:
  WebhookDispatch& webhooks_;
};

}  // namespace tako::broker
