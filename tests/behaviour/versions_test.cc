// Edges and brokers of neighbouring versions on one link: the real program against a peer that the
// test plays, a version older or newer.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"
#include "tests/support/link_peer.h"
#include "tests/support/service_manager.h"

using namespace tako::test;

namespace {

constexpr std::uint32_t kOfTomorrow = 99;  // a field, or an item, that nobody knows today
constexpr std::uint64_t kOldest = 1;       // of the link's versions that are spoken here
constexpr std::uint64_t kNewest = 2;
constexpr std::uint64_t kEpoch = 7;
constexpr std::uint64_t kControlStream = 5;

// ---- An edge that the test plays, against the real broker.

ProtoMessage hello(std::uint64_t version_min, std::uint64_t version_max) {
  return ProtoMessage()
      .number(1, version_min)
      .number(2, version_max)
      .bytes(3, "played")
      .number(4, 77);
}

ProtoMessage newer_hello() {
  return hello(kOldest, kNewest + 1)
      .bytes(7, "0.9.0")
      .bytes(kOfTomorrow, "more to say")
      .number(98, 5);
}

ProtoMessage subscribe_to_wire() {
  return ProtoMessage()
      .number(1, 3)
      .bytes(2, "default")
      .bytes(3, "wire")
      .bytes(4, "wire")
      .bytes(5, "{}");
}

// Links as that edge and expects one message of `wire` through it.
void check_served(Cluster& tako, const ProtoMessage& greeting, std::uint64_t version) {
  LinkPeer edge = LinkPeer::dial(tako.link_path());
  edge.say(EdgeSays::Hello, greeting);
  const LinkItem welcome = edge.next(BrokerSays::Welcome);
  CHECK(welcome.number(1) == version);
  const LinkItem control = edge.next(BrokerSays::Control);
  CHECK(control.bytes(2).find("wire") != std::string::npos);
  // What only a newer edge says: an item, a field of the frame, a field of a known item.
  edge.say(kOfTomorrow, ProtoMessage().number(1, 1));
  edge.send_frame(ProtoMessage().bytes(kOfTomorrow, "?"));
  edge.say(EdgeSays::Subscribe, subscribe_to_wire().number(kOfTomorrow, 1));
  CHECK(edge.next(BrokerSays::Subscribed).number(1) == 3);
  tako.publish("wire", "t", "42");
  const LinkItem messages = edge.next(BrokerSays::Messages);
  CHECK(messages.number(1) == 3);
  CHECK(messages.bytes(2).find("42") != std::string::npos);
}

// ---- A broker that the test plays, against the real edge.

// An edge without a broker, and the socket where the test is one.
struct PlayedBroker {
  PlayedBroker() : tako({.starts_broker = false}), socket("unix:" + tako.link_path()) {}

  // The edge's next link, with its Hello taken.
  LinkPeer accept() {
    LinkPeer edge(socket.accept());
    CHECK(edge.next(EdgeSays::Hello).number(2) == kNewest);
    return edge;
  }
  void welcome(LinkPeer& edge, std::uint64_t version, const ProtoMessage& more_of_welcome = {}) {
    ProtoMessage welcome;
    welcome.number(1, version).number(2, kControlStream).number(3, 1);
    const ProtoMessage whole = ProtoMessage(welcome).bytes(kOfTomorrow, more_of_welcome.wire());
    edge.say(BrokerSays::Welcome, more_of_welcome.wire().empty() ? welcome : whole);
  }
  static void define(LinkPeer& edge, const std::string& definitions) {
    const ProtoMessage set = ProtoMessage()
                                 .bytes(1, "default")
                                 .number(2, 1)
                                 .bytes(3, "{\"definitions\":" + definitions + "}");
    edge.say(BrokerSays::Control, ProtoMessage().number(1, 1).message(2, set));
  }
  [[nodiscard]] std::string why_not_ready() const {
    return http_get(tako.edge_admin(), "/readyz").body;
  }

  Cluster tako;
  ListeningSocket socket;
};

constexpr std::string_view kWire = R"([{"name":"wire","auth":false,"transport":"ws"}])";

void answer_subscribe(LinkPeer& edge, std::uint64_t unknown_field) {
  const std::uint64_t channel = edge.next(EdgeSays::Subscribe).number(1);
  const ProtoMessage window = ProtoMessage().number(1, kEpoch).number(3, 1);
  ProtoMessage subscribed;
  subscribed.number(1, channel).message(2, window);
  if (unknown_field != 0) subscribed.number(kOfTomorrow, unknown_field);
  edge.say(BrokerSays::Subscribed, subscribed);
  ProtoMessage record;
  record.number(1, 1).number(2, kEpoch).number(3, 1'700'000'000'000).bytes(4, "t").bytes(5, "42");
  if (unknown_field != 0) record.bytes(kOfTomorrow, "a field of tomorrow");
  edge.say(BrokerSays::Messages, ProtoMessage().number(1, channel).message(2, record));
}

void check_client_served(PlayedBroker& broker, LinkPeer& edge, std::uint64_t unknown_field) {
  broker.tako.wait_until_ready();
  WsClient client(broker.tako.edge(), channel_path("wire"));
  answer_subscribe(edge, unknown_field);
  CHECK(client.next_json()["data"].number() == 42);
}

}  // namespace

TEST_CASE(
    "a newer edge and this broker meet at what both speak; what it says more is passed over") {
  Cluster tako(with_definitions());
  check_served(tako, newer_hello(), kNewest);
  CHECK(metric(tako.broker_admin(), "tako_broker_links_refused_total") == 0);
}

TEST_CASE("an older edge, which says less, is served as before") {
  Cluster tako(with_definitions());
  check_served(tako, hello(kOldest, kOldest), kOldest);
}

TEST_CASE("an edge out of the broker's range is refused clearly, and the others go on") {
  Cluster tako(with_definitions());
  for (const auto& [min, max] : {std::pair{3, 4}, {0, 0}, {3, 1}}) {
    CAPTURE(min);
    LinkPeer edge = LinkPeer::dial(tako.link_path());
    edge.say(EdgeSays::Hello, hello(std::uint64_t(min), std::uint64_t(max)).bytes(7, "9.9.9"));
    const LinkItem refused = edge.next();
    REQUIRE(refused.is(BrokerSays::Refused));
    CHECK(refused.bytes(1).find("the edge (9.9.9) speaks version ") != std::string::npos);
    CHECK(refused.bytes(1).find(": upgrade the ") != std::string::npos);
    CHECK(refused.number(2) == 1);
    CHECK(edge.closed_by_peer());
  }
  CHECK(metric(tako.broker_admin(), "tako_broker_links_refused_total") == 3);
  tako.broker().wait_for_text("edge=played");
  tako.broker().wait_for_text("speaks version 3 to 4: upgrade the broker");
  WsClient client(tako.edge(), channel_path("wire"));
  settle(client);
  tako.publish("wire", "t", "1");
  CHECK(client.next_json()["data"].number() == 1);
}

TEST_CASE("this edge serves behind a newer broker, and passes over what that says more") {
  PlayedBroker broker;
  LinkPeer edge = broker.accept();
  broker.welcome(edge, kNewest, ProtoMessage().number(1, 1));
  edge.say(kOfTomorrow, ProtoMessage().bytes(1, "an item of tomorrow"));
  edge.send_frame(ProtoMessage().bytes(kOfTomorrow, "a field of tomorrow's frame"));
  // Its definitions know more too; one of them is all new, and its channels are closed here.
  PlayedBroker::define(edge, R"([{"name":"*","auth":false,"transport":"ws"},
      {"name":"wire","auth":false,"transport":"ws","priority":"high","handlers":{"ask":"later"}},
      {"name":"secret","auth":"mutual-tls"}])");
  check_client_served(broker, edge, 1);
  WsClient secret(broker.tako.edge(), channel_path("secret"));
  CHECK(secret.wait_for_close().code == 4404);
  broker.tako.edge_process().wait_for_text("upgrade the edge: secret");
}

TEST_CASE("this edge serves behind an older broker, which says less") {
  PlayedBroker broker;
  LinkPeer edge = broker.accept();
  broker.welcome(edge, kOldest);
  PlayedBroker::define(edge, std::string(kWire));
  check_client_served(broker, edge, 0);
}

TEST_CASE("behind a broker without presence nothing of it is promised") {
  PlayedBroker broker;
  LinkPeer edge = broker.accept();
  broker.welcome(edge, kOldest);
  PlayedBroker::define(edge, R"([{"name":"wire","auth":false,"transport":"ws","presence":true}])");
  broker.tako.wait_until_ready();
  WsClient client(broker.tako.edge(), channel_path("wire", "_presence=list"),
                  {.subprotocol = "tako.v1"});
  answer_subscribe(edge, 0);
  CHECK(expect(client, "tako.ready")["data"]["presence"].is_null());
  CHECK(client.next_json()["data"].number() == 42);
}

TEST_CASE("a broker out of reach for this version is told on readyz, and tried again slowly") {
  PlayedBroker broker;
  {
    LinkPeer edge = broker.accept();
    edge.say(BrokerSays::Refused, ProtoMessage().bytes(1, "speaks 4 to 5: upgrade").number(2, 1));
    CHECK(edge.closed_by_peer());
  }
  const auto refused_at = std::chrono::steady_clock::now();
  wait_until("readyz to tell", [&] {
    return broker.why_not_ready().find("speaks 4 to 5: upgrade") != std::string::npos;
  });
  CHECK(metric(broker.tako.edge_admin(), "tako_edge_links_refused_total") == 1);
  broker.tako.edge_process().wait_for_text("the broker refused this edge: speaks 4 to 5");
  // Once the broker is one that it can speak to, the edge finds it by itself.
  LinkPeer edge = broker.accept();
  CHECK(std::chrono::steady_clock::now() - refused_at > std::chrono::seconds(2));
  broker.welcome(edge, kOldest);
  PlayedBroker::define(edge, std::string(kWire));
  check_client_served(broker, edge, 0);
}

TEST_CASE("a welcome in a version that the edge does not speak is no link") {
  PlayedBroker broker;
  LinkPeer edge = broker.accept();
  edge.say(BrokerSays::Welcome,
           ProtoMessage().number(1, kNewest + 1).number(2, 1).bytes(4, "0.9.0"));
  CHECK(edge.closed_by_peer());
  wait_until("readyz to tell", [&] {
    return broker.why_not_ready().find("the broker (0.9.0) speaks version 3 of the link") !=
           std::string::npos;
  });
  CHECK(http_get(broker.tako.edge_admin(), "/readyz").status == 503);
}
