// HubFixture: a hub, a broker beside it, and a clock, for tests of the fan-out.
#pragma once

#include <string>

#include "common/clock.h"
#include "edge/fanout/hub.h"
#include "edge/fanout/testing/fake_broker.h"
#include "edge/fanout/testing/fake_subscriber.h"

namespace tako::edge::testing {

class HubFixture : private BrokerEvents {
 public:
  HubFixture() { broker.set_events(*this); }

  void join(FakeSubscriber& subscriber, const std::string& key, Join join = {}) {
    hub.join(subscriber, {.app = "default", .name = key, .key = key, .params_json = "{}"}, rules,
             join);
  }
  // Joins at the head, and lets the broker answer.
  void subscribe(FakeSubscriber& subscriber, const std::string& key, Join wanted = {}) {
    join(subscriber, key, wanted);
    broker.run();
  }
  void publish(const std::string& key, std::size_t count = 1, Draft draft = {}) {
    for (std::size_t i = 0; i < count; ++i) broker.publish_to(key, draft);
    broker.run();
  }
  [[nodiscard]] Position at(const std::string& key, std::uint64_t offset) {
    return {offset, broker.log(key).epoch};
  }
  [[nodiscard]] static Join from(Position position) {
    return {.cursor = Cursor{.from_oldest = false, .position = position}};
  }

  FakeClock clock;
  FakeBroker broker{clock};
  IdEncoder encoder;
  Encoders encoders{&encoder, &encoder, &encoder, &encoder};
  RuntimeLimits limits;
  LimitCounters limit_counters;
  FeedRules rules;
  ChannelHub hub{broker, clock, encoders, limits, limit_counters};

 private:
  void on_link_up() override { hub.on_link_up(); }
  void on_link_down() override { hub.on_link_down(); }
  void on_subscribed(ChannelNumber number, const Subscribed& subscribed) override {
    hub.on_subscribed(number, subscribed);
  }
  void on_delivery(ChannelNumber number, Delivery delivery) override {
    hub.on_delivery(number, std::move(delivery));
  }
  void on_presence(ChannelNumber, PresenceNews) override {}
  void on_definitions(std::string_view, std::shared_ptr<const DefinitionSet>) override {}
  std::uint32_t on_revocation(const Revocation&) override { return 0; }
  void on_webhook(WebhookBatch) override {}
};

using Frames = std::vector<std::string>;

}  // namespace tako::edge::testing
