// The edge's end of the link against a scripted broker on a real socket.
#include "edge/broker_link.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

#include "common/ipc/link_listener.h"
#include "common/ipc/link_version.h"

using namespace tako;
using namespace tako::edge;

namespace {

constexpr std::chrono::seconds kPatience{20};

// Speaks the broker's side; a test scripts what it answers.
struct ScriptedBroker : ipc::LinkObserver {
  std::unique_ptr<ipc::LinkListener> listener;
  std::unique_ptr<ipc::Link> link;
  std::vector<proto::EdgeItem> seen;
  int links = 0;
  std::uint32_t version = 2;  // of the link, as it chooses

  ScriptedBroker(uv::Loop& loop, const std::string& path) {
    auto made = ipc::LinkListener::listen(loop, path, [this](std::unique_ptr<ipc::Link> accepted) {
      ++links;
      link = std::move(accepted);
      link->start(*this);
    });
    REQUIRE(made.has_value());
    listener = std::move(*made);
  }
  void on_frame(std::span<const std::byte> bytes) override {
    proto::EdgeFrame frame;
    REQUIRE(frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    for (const auto& item : frame.items()) seen.push_back(item);
  }
  void on_drained() override {}
  void on_closed(const Error&) override { link.reset(); }

  void send(const proto::BrokerFrame& frame) { send_bytes(frame.SerializeAsString()); }
  void send_bytes(std::string_view bytes) {
    link->send(bytes);
    link->flush();
  }
  void welcome(std::uint64_t stream, std::uint64_t head) {
    proto::BrokerFrame frame;
    auto& welcome = *frame.add_items()->mutable_welcome();
    welcome.set_version(version);
    welcome.set_control_stream(stream);
    welcome.set_control_head(head);
    send(frame);
  }
  void define(std::uint64_t number, const std::string& json) {
    proto::BrokerFrame frame;
    auto& control = *frame.add_items()->mutable_control();
    control.set_number(number);
    control.mutable_definitions()->set_app("default");
    control.mutable_definitions()->set_json(json);
    send(frame);
  }
  [[nodiscard]] const proto::EdgeItem* find(proto::EdgeItem::ItemCase kind) const {
    for (auto it = seen.rbegin(); it != seen.rend(); ++it) {
      if (it->item_case() == kind) return &*it;
    }
    return nullptr;
  }
};

struct Events : BrokerEvents, BrokerLink::Listener {
  int ups = 0;
  int downs = 0;
  std::vector<std::string> definitions;
  std::vector<Delivery> deliveries;
  std::vector<std::pair<ChannelNumber, PresenceNews>> presence;
  std::vector<Revocation> revocations;
  std::vector<WebhookBatch> webhooks;
  std::vector<Subscribed> subscribed;
  std::vector<std::string> states;
  std::vector<std::string> warnings;
  void on_link_up() override { ++ups; }
  void on_link_down() override { ++downs; }
  void on_subscribed(ChannelNumber, const Subscribed& answer) override {
    subscribed.push_back(answer);
  }
  void on_delivery(ChannelNumber, Delivery delivery) override {
    deliveries.push_back(std::move(delivery));
  }
  void on_presence(ChannelNumber number, PresenceNews news) override {
    presence.emplace_back(number, std::move(news));
  }
  void on_webhook(WebhookBatch batch) override { webhooks.push_back(std::move(batch)); }
  std::uint32_t on_revocation(const Revocation& revocation) override {
    revocations.push_back(revocation);
    return 3;
  }
  void on_definitions(std::string_view, std::shared_ptr<const DefinitionSet> set) override {
    definitions.push_back(set->to_json());
  }
  void on_link_state(bool is_linked, std::string_view detail) override {
    states.push_back((is_linked ? "up: " : "down: ") + std::string(detail));
  }
  void on_link_warning(std::string_view text) override { warnings.emplace_back(text); }
};

struct Bench {
  std::string folder = (std::filesystem::temp_directory_path() / "tako-blink-XXXXXX").string();
  std::string path;
  uv::Loop loop;
  SeededRandom random{1};
  RuntimeLimits limits;
  LimitCounters counters;
  Events events;
  std::unique_ptr<ScriptedBroker> broker;
  std::unique_ptr<BrokerLink> edge;

  explicit Bench(bool with_broker = true) {
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    path = folder + "/l.sock";
    if (with_broker) broker = std::make_unique<ScriptedBroker>(loop, path);
    edge = std::make_unique<BrokerLink>(loop, random, limits, counters, path, "edge-1");
    edge->start(events, events);
  }
  ~Bench() {
    edge.reset();
    broker.reset();
    std::filesystem::remove_all(folder);
  }
  template <typename Condition>
  void wait(Condition condition) {
    REQUIRE(loop.run_until(condition, kPatience));
  }
  void link_up() {
    wait([&] { return broker->find(proto::EdgeItem::kHello) != nullptr; });
    broker->welcome(7, 0);
    wait([&] { return edge->is_linked(); });
  }
};

const ChannelIdentity kChannel{"default", "chat", "chat?r=1", R"({"r":"1"})"};

}  // namespace

TEST_CASE(
    "the edge greets with its version range and is linked once the control stream is applied") {
  Bench bench;
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kHello) != nullptr; });
  const auto& hello = bench.broker->find(proto::EdgeItem::kHello)->hello();
  CHECK(hello.version_min() == ipc::kLinkVersions.min);
  CHECK(hello.version_max() == ipc::kLinkVersions.max);
  CHECK(hello.edge_name() == "edge-1");

  bench.broker->welcome(7, 2);
  bench.broker->define(1, R"({"definitions":[{"name":"a","auth":false}]})");
  bench.wait([&] { return bench.events.definitions.size() == 1; });
  CHECK_FALSE(bench.edge->is_linked());  // Number 2 is still to come.
  bench.broker->define(2, R"({"definitions":[]})");
  bench.wait([&] { return bench.edge->is_linked(); });
  CHECK(bench.events.ups == 1);
  bench.wait([&] {
    const auto* applied = bench.broker->find(proto::EdgeItem::kControlApplied);
    return applied != nullptr && applied->control_applied().number() == 2;
  });
}

TEST_CASE("messages and answers reach those who asked") {
  Bench bench;
  bench.link_up();
  bench.edge->subscribe(3, kChannel, Cursor{.from_oldest = false, .position = {5, {9}}});
  std::optional<PublishAck> ack;
  bench.edge->publish({.channel = kChannel, .type = "t", .data = "1"},
                      [&](Result<PublishAck> answer) { ack = answer.value(); });
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kPublish) != nullptr; });
  CHECK(bench.broker->find(proto::EdgeItem::kSubscribe)->subscribe().from().offset() == 5);

  proto::BrokerFrame frame;
  auto& reply = *frame.add_items()->mutable_publish_reply();
  reply.set_request(bench.broker->find(proto::EdgeItem::kPublish)->publish().request());
  reply.set_offset(6);
  reply.set_epoch(9);
  auto& messages = *frame.add_items()->mutable_messages();
  messages.set_channel(3);
  auto& record = *messages.add_records();
  record.set_offset(6);
  record.set_epoch(9);
  record.set_type("t");
  record.set_data("1");
  bench.broker->send(frame);
  bench.wait([&] { return ack.has_value() && bench.events.deliveries.size() == 1; });
  CHECK(ack->position == Position{6, {9}});
  CHECK(bench.events.deliveries[0].messages.at(0)->data == "1");
}

TEST_CASE("presence goes both ways with a broker that has it, and behind its goodbye no more") {
  Bench bench;
  CHECK_FALSE(bench.edge->has_presence());
  bench.link_up();
  CHECK(bench.edge->takes_presence());
  bench.edge->presence_open(3, kChannel, {.connections = 1, .wants_list = true}, std::nullopt);
  bench.edge->presence_session(3, 7, {.subject = "ann"});
  bench.edge->presence_gone(3, 7, PresenceEnd::Left);
  bench.edge->presence_close(3);
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kPresenceClose) != nullptr; });
  CHECK(bench.broker->find(proto::EdgeItem::kPresenceOpen)->presence_open().wants_list());
  CHECK(bench.broker->find(proto::EdgeItem::kPresenceSession)->presence_session().session() == 7);
  CHECK(bench.broker->find(proto::EdgeItem::kPresenceGone)->presence_gone().reason() ==
        proto::PRESENCE_LEFT);
  proto::BrokerFrame frame;
  frame.add_items()->mutable_presence_counts()->set_channel(3);
  frame.add_items()->mutable_leaving();
  bench.broker->send(frame);
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kLeaveSeen) != nullptr; });
  REQUIRE(bench.events.presence.size() == 1);
  CHECK(bench.events.presence[0].first == 3);
  CHECK_FALSE(bench.edge->takes_presence());
  CHECK(bench.edge->has_presence());
}

TEST_CASE("a broker of the link's first version is told nothing of presence") {
  Bench bench;
  bench.broker->version = 1;
  bench.link_up();
  CHECK_FALSE(bench.edge->takes_presence());
  CHECK_FALSE(bench.edge->has_presence());
  bench.edge->presence_open(3, kChannel, {.connections = 1}, std::nullopt);
  bench.edge->subscribe(1, kChannel, std::nullopt);
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kSubscribe) != nullptr; });
  CHECK(bench.broker->find(proto::EdgeItem::kPresenceOpen) == nullptr);
}

TEST_CASE("a page with its end is not asked of a broker that would leave the end out") {
  for (const std::uint32_t version : {1U, 2U}) {
    CAPTURE(version);
    Bench bench;
    bench.broker->version = version;
    bench.link_up();
    std::optional<Result<FetchPage>> page;
    bench.edge->fetch({.channel = kChannel, .before = Cursor{}, .with_before = true},
                      [&](Result<FetchPage> answer) { page = answer; });
    CHECK_FALSE(page.has_value());  // Later, as every reply.
    if (version == 1) {
      bench.wait([&] { return page.has_value(); });
      CHECK(page->error().code == ErrorCode::NotImplemented);
      CHECK(bench.broker->find(proto::EdgeItem::kFetch) == nullptr);
    } else {
      bench.wait([&] { return bench.broker->find(proto::EdgeItem::kFetch) != nullptr; });
      CHECK(bench.broker->find(proto::EdgeItem::kFetch)->fetch().with_before());
    }
  }
}

TEST_CASE("revocations are applied in their turn, and the broker hears whom they met") {
  Bench bench;
  bench.link_up();
  proto::BrokerFrame frame;
  proto::Control& control = *frame.add_items()->mutable_control();
  control.set_number(5);
  control.mutable_revocation()->set_app("default");
  control.mutable_revocation()->set_subject("ann");
  control.mutable_revocation()->set_at_ms(77);
  control.mutable_revocation()->set_reason("why");
  bench.broker->send(frame);
  bench.wait([&] {
    const proto::EdgeItem* applied = bench.broker->find(proto::EdgeItem::kControlApplied);
    return applied != nullptr && applied->control_applied().number() == 5;
  });
  REQUIRE(bench.events.revocations.size() == 1);
  CHECK(bench.events.revocations[0].subject == "ann");
  CHECK(bench.events.revocations[0].at_ms == 77);
  CHECK(bench.events.revocations[0].reason == "why");
  CHECK(bench.broker->find(proto::EdgeItem::kControlApplied)->control_applied().subscriptions() ==
        3);
}

TEST_CASE("a batch for an app is passed on, and its answer back") {
  Bench bench;
  bench.link_up();
  proto::BrokerFrame frame;
  proto::WebhookBatch& batch = *frame.add_items()->mutable_webhook_batch();
  batch.set_lease(9);
  batch.set_app("default");
  batch.set_body("{}");
  bench.broker->send(frame);
  bench.wait([&] { return !bench.events.webhooks.empty(); });
  CHECK(bench.events.webhooks[0].body == "{}");
  bench.edge->webhook_done(9, 204, "");
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kWebhookDone) != nullptr; });
  const proto::WebhookDone done = bench.broker->find(proto::EdgeItem::kWebhookDone)->webhook_done();
  CHECK(done.lease() == 9);
  CHECK(done.status() == 204);
}

TEST_CASE("after a lost link the edge dials again and repeats what is safe to repeat") {
  Bench bench;
  bench.link_up();
  std::optional<Result<FetchPage>> page;
  bench.edge->fetch({.channel = kChannel}, [&](Result<FetchPage> answer) { page = answer; });
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kFetch) != nullptr; });
  bench.broker->seen.clear();
  bench.broker->link.reset();
  bench.wait([&] { return bench.events.downs == 1; });
  CHECK(bench.edge->unlinked_since_ms() > 0);
  bench.link_up();
  CHECK(bench.events.ups == 2);
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kFetch) != nullptr; });
  CHECK_FALSE(page.has_value());
}

TEST_CASE("behind the broker's goodbye nothing is sent; it waits, and goes to the next broker") {
  Bench bench;
  bench.link_up();
  const auto publish = [&](std::string data, std::optional<Result<PublishAck>>& answer) {
    bench.edge->publish({.channel = kChannel, .type = "t", .data = std::move(data)},
                        [&answer](Result<PublishAck> ack) { answer = std::move(ack); });
  };
  const auto published = [&] {
    std::string all;
    for (const proto::EdgeItem& item : bench.broker->seen) {
      if (item.has_publish()) all += item.publish().data();
      if (item.has_leave_seen()) all += '|';
    }
    return all;
  };
  std::optional<Result<PublishAck>> before;
  std::optional<Result<PublishAck>> behind;
  publish("1", before);
  proto::BrokerFrame frame;
  frame.add_items()->mutable_leaving();
  bench.broker->send(frame);
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kLeaveSeen) != nullptr; });
  CHECK(bench.edge->restart_until_ms() > bench.loop.monotonic_ms());
  publish("2", behind);
  bench.edge->subscribe(1, kChannel, std::nullopt);
  proto::BrokerFrame last;
  last.add_items()->mutable_publish_reply()->set_request(1);
  bench.broker->send(last);
  bench.wait([&] { return before.has_value(); });
  CHECK(before->has_value());
  CHECK(published() == "1|");
  CHECK(bench.broker->find(proto::EdgeItem::kSubscribe) == nullptr);
  bench.broker->seen.clear();
  bench.broker->link.reset();
  bench.wait([&] { return bench.events.downs == 1; });
  CHECK_FALSE(behind.has_value());  // It was never sent, so it is not in doubt.
  bench.link_up();
  bench.wait([&] { return published() == "2"; });
}

TEST_CASE("garbage from the broker ends the link, not the edge") {
  Bench bench;
  bench.link_up();
  bench.broker->send_bytes("\xff\xff\xff garbage");
  bench.wait([&] { return bench.events.downs == 1; });
  CHECK(bench.edge->counters().malformed_frames == 1);
  bench.broker->seen.clear();
  bench.link_up();
}

TEST_CASE("a broker that reads nothing is given up at the bound, and linked again when it reads") {
  Bench bench;
  bench.limits.link_backlog_bytes_max = 64 * 1024;
  bench.link_up();
  ChannelIdentity channel = kChannel;
  channel.key.append(8'000, 'x');
  // One loop serves both ends here, so within one turn the broker can't read.
  ChannelNumber number = 0;
  for (; number < 100; ++number) bench.edge->subscribe(number, channel, std::nullopt);
  bench.wait([&] { return bench.events.downs == 1; });
  CHECK(bench.events.states.back() == "down: the broker does not read");
  CHECK(bench.counters.link_backlog_bytes_max == 1);
  bench.wait([&] { return bench.broker->links == 2; });
  bench.broker->seen.clear();
  bench.link_up();
  CHECK(bench.events.ups == 2);
}

TEST_CASE("a broker that is not there yet is waited for; requests meanwhile fail clearly") {
  Bench bench(false);
  std::optional<Error> error;
  bench.edge->fetch({.channel = kChannel}, [&](Result<FetchPage> page) { error = page.error(); });
  bench.wait([&] { return error.has_value(); });
  CHECK(error->code == ErrorCode::Unavailable);
  bench.broker = std::make_unique<ScriptedBroker>(bench.loop, bench.path);
  bench.link_up();
}

TEST_CASE("a refusal is told and tried again later") {
  Bench bench;
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kHello) != nullptr; });
  proto::BrokerFrame frame;
  frame.add_items()->mutable_refused()->set_reason("version 9 needed");
  bench.broker->send(frame);
  bench.wait([&] { return bench.edge->counters().links_refused == 1; });
  CHECK(bench.events.states.back().find("version 9 needed") != std::string::npos);
  bench.wait([&] { return bench.broker->links >= 2; });
}

TEST_CASE(
    "a refusal for the version waits longer, and says what to upgrade until the link stands") {
  Bench bench;
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kHello) != nullptr; });
  proto::BrokerFrame frame;
  frame.add_items()->mutable_refused()->set_reason("upgrade the edge");
  frame.mutable_items(0)->mutable_refused()->set_is_version(true);
  bench.broker->send(frame);
  bench.wait([&] { return bench.edge->counters().links_refused == 1; });
  CHECK(bench.edge->refusal() == "the broker refused this edge: upgrade the edge");
  const std::int64_t refused_ms = bench.loop.monotonic_ms();
  bench.wait([&] { return bench.broker->links >= 2; });
  CHECK(bench.loop.monotonic_ms() - refused_ms >= 2'400);
  CHECK_FALSE(bench.edge->refusal().empty());
  bench.broker->welcome(9, 0);
  bench.wait([&] { return bench.edge->is_linked(); });
  CHECK(bench.edge->refusal().empty());
}

TEST_CASE("a welcome in a version that the edge does not speak is no link") {
  Bench bench;
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kHello) != nullptr; });
  proto::BrokerFrame frame;
  frame.add_items()->mutable_welcome()->set_version(ipc::kLinkVersions.max + 1);
  bench.broker->send(frame);
  bench.wait([&] { return bench.edge->counters().links_refused == 1; });
  CHECK_FALSE(bench.edge->is_linked());
  CHECK(bench.edge->refusal().ends_with("upgrade the edge"));
}

TEST_CASE(
    "definitions of a newer broker are applied as far as they are understood, and it is told") {
  Bench bench;
  bench.wait([&] { return bench.broker->find(proto::EdgeItem::kHello) != nullptr; });
  bench.broker->welcome(9, 1);
  bench.broker->define(
      1, R"({"definitions":[{"name":"a","fresh":1},{"name":"b","transport":"quic"}]})");
  bench.wait([&] { return bench.edge->is_linked(); });
  CHECK(bench.events.definitions.size() == 1);
  REQUIRE(bench.events.warnings.size() == 1);
  CHECK(bench.events.warnings.front().ends_with("upgrade the edge: b"));
}
