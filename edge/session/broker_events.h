// EdgeBrokerEvents: passes what the broker says to the hub, the directory and those who wait.
#pragma once

#include "edge/fanout/hub.h"
#include "edge/fanout/presence_hub.h"
#include "edge/session/authorizer.h"
#include "edge/session/definitions_directory.h"
#include "edge/session/link_gate.h"
#include "edge/session/revocations.h"
#include "edge/session/webhooks.h"

namespace tako::edge {

class EdgeBrokerEvents final : public BrokerEvents {
 public:
  EdgeBrokerEvents(ChannelHub& hub, PresenceHub& presence, DefinitionsDirectory& definitions,
                   Authorizer& authorizer, Revocations& revocations, Webhooks& webhooks,
                   LinkGate& gate)
      : hub_(hub),
        presence_(presence),
        definitions_(definitions),
        authorizer_(authorizer),
        revocations_(revocations),
        webhooks_(webhooks),
        gate_(gate) {}

  void on_link_up() override;
  void on_link_down() override {
    hub_.on_link_down();
    presence_.on_link_down();
  }
  void on_subscribed(ChannelNumber number, const Subscribed& subscribed) override {
    hub_.on_subscribed(number, subscribed);
  }
  void on_delivery(ChannelNumber number, Delivery delivery) override {
    hub_.on_delivery(number, std::move(delivery));
  }
  void on_presence(ChannelNumber number, PresenceNews news) override {
    presence_.on_presence(number, std::move(news));
  }
  // New definitions: no kept answer of the app holds any more, live subscriptions are judged again.
  void on_definitions(std::string_view app,
                      std::shared_ptr<const DefinitionSet> definitions) override;
  std::uint32_t on_revocation(const Revocation& revocation) override {
    return revocations_.apply(revocation);
  }
  void on_webhook(WebhookBatch batch) override { webhooks_.post(std::move(batch)); }

  // Every 100 ms or so.
  void tick();

 private:
  ChannelHub& hub_;
  PresenceHub& presence_;
  DefinitionsDirectory& definitions_;
  Authorizer& authorizer_;
  Revocations& revocations_;
  Webhooks& webhooks_;
  LinkGate& gate_;
};

}  // namespace tako::edge
