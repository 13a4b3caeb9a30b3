// PresenceFixture: a presence hub, a broker beside it, a clock, and clients that keep what they are
// told, for tests of presence.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "edge/fanout/presence_hub.h"
#include "edge/fanout/testing/fake_broker.h"
#include "edge/fanout/testing/fake_subscriber.h"

namespace tako::edge::testing {

using Words = std::vector<std::string>;

// As tests read it: "list 3 ann bob", "3>5 +cid ~ann -bob:left", "counts 4/2".
class WordEncoder final : public PresenceEncoder {
 public:
  [[nodiscard]] SharedBytes list(const PresenceVersion& version, const PresenceMembers& members,
                                 const ChannelIdentity& /*channel*/) const override {
    std::string text = "list " + std::to_string(version.number);
    for (const auto& [subject, member] : members) text += " " + subject;
    return encoded(text);
  }
  [[nodiscard]] SharedBytes changes(const PresenceChanges& changes,
                                    const ChannelIdentity& /*channel*/) const override {
    std::string text =
        std::to_string(changes.after.number) + ">" + std::to_string(changes.version.number);
    for (const PresenceChange& change : changes.changes) {
      text += change.action == PresenceAction::Enter    ? " +"
              : change.action == PresenceAction::Update ? " ~"
                                                        : " -";
      text += change.member.subject;
      if (change.action != PresenceAction::Leave) continue;
      text += ":" + std::string(to_string(change.reason));
    }
    return encoded(text);
  }
  [[nodiscard]] SharedBytes counts(const PresenceCounts& counts,
                                   const ChannelIdentity& /*channel*/) const override {
    return encoded("counts " + std::to_string(counts.connections) + "/" +
                   std::to_string(counts.subjects));
  }
  mutable std::size_t frames = 0;

 private:
  [[nodiscard]] SharedBytes encoded(const std::string& text) const {
    ++frames;
    return SharedBytes(text);
  }
};

class FakePresence final : public PresenceSubscriber {
 public:
  explicit FakePresence(std::string name = "") : subject(std::move(name)) {}
  [[nodiscard]] PresenceListing listing() const override {
    return {.subject = subject, .info = info, .data = data, .data_set_ms = 1};
  }
  void on_presence_refused(const Error& error) override { refused = error; }
  // What it was told since the last call.
  [[nodiscard]] Words take() { return std::exchange(sink.frames, {}); }

  FakeSink sink;
  std::string subject;
  std::string info;
  std::string data;
  std::optional<Error> refused;
};

class PresenceFixture : private BrokerEvents {
 public:
  PresenceFixture() {
    broker.set_events(*this);
    broker.link_up();
  }
  void join(FakePresence& client, PresenceJoin join = {}) {
    hub.join(client, {.app = "default", .name = "c", .key = "c", .params_json = "{}"}, join);
    client.set_sink(&client.sink);
    if (!client.subject.empty()) client.enter();
  }
  void watch(FakePresence& client, std::optional<std::uint64_t> has = {}) {
    std::optional<PresenceVersion> version;
    if (has) version = at(*has);
    join(client, {.form = WireForm::WsRich, .wish = PresenceWish::List, .has = version});
  }
  void tell(PresenceNews news) { broker.tell_presence("c", std::move(news)); }
  void tell_list(std::uint64_t number, const Words& subjects) {
    MemberList list{.version = at(number), .members = {}};
    for (const std::string& subject : subjects) list.members.push_back(member(subject));
    tell(std::move(list));
  }
  void tell_enter(std::uint64_t after, const std::string& subject) {
    tell(
        PresenceChanges{.after = at(after),
                        .version = at(after + 1),
                        .changes = {{.action = PresenceAction::Enter, .member = member(subject)}}});
  }
  void pass(std::int64_t ms) {
    clock.advance(ms);
    hub.tick();
  }
  [[nodiscard]] PresenceVersion at(std::uint64_t number) const { return {number, epoch}; }
  [[nodiscard]] static PresenceMember member(const std::string& subject) {
    return {.subject = subject, .info = {}, .data = {}, .since_ms = 1};
  }

  FakeClock clock;
  FakeBroker broker{clock};
  WordEncoder encoder;
  PresenceEncoders encoders{nullptr, &encoder, &encoder, &encoder};
  RuntimeLimits limits;
  LimitCounters limit_counters;
  Epoch epoch{1};
  PresenceHub hub{broker, clock, encoders, limits, limit_counters};

 private:
  void on_link_up() override { hub.on_link_up(); }
  void on_link_down() override { hub.on_link_down(); }
  void on_subscribed(ChannelNumber, const Subscribed&) override {}
  void on_delivery(ChannelNumber, Delivery) override {}
  std::uint32_t on_revocation(const Revocation&) override { return 0; }
  void on_webhook(WebhookBatch) override {}
  void on_presence(ChannelNumber number, PresenceNews news) override {
    hub.on_presence(number, std::move(news));
  }
  void on_definitions(std::string_view, std::shared_ptr<const DefinitionSet>) override {}
};

}  // namespace tako::edge::testing
