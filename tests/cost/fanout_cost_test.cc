// The law of the fan-out: per subscriber no allocation, no copy, one system call a turn. An edge as
// main.cc builds it, but for its broker and its app, and its clients on loopback.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/adapters/adapters.h"
#include "edge/server/testing/server_fixture.h"
#include "edge/session/testing/fake_edge.h"
#include "tests/cost/process_counts.h"

namespace tako::edge::testing {
namespace {

constexpr std::string_view kDefinitions = R"({"definitions":[
  {"name":"ws","auth":false,"transport":"ws"},{"name":"sse","auth":false,"transport":"sse"}]})";

struct Form {
  std::string_view name;
  WireForm wire;
  std::string channel;
  std::string request;
};

std::string upgrade(std::string_view subprotocol) {
  return "GET /_tako/channels/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(subprotocol) + "\r\n";
}

const Form kForms[] = {
    {"WebSocket, plain", WireForm::WsPlain, "ws", upgrade("")},
    {"WebSocket, rich", WireForm::WsRich, "ws", upgrade("Sec-WebSocket-Protocol: tako.v1\r\n")},
    {"SSE", WireForm::SseChunked, "sse", "GET /_tako/channels/sse HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"SSE, HTTP/1.0", WireForm::SsePlain, "sse",
     "GET /_tako/channels/sse HTTP/1.0\r\nHost: x\r\n\r\n"},
};

using Messages = std::vector<MessagePtr>;

// Clients of one form, subscribed and live, that have read what they got.
class CostBench {
 public:
  CostBench(Form form, std::size_t clients) : form_(std::move(form)) {
    broker_.set_events(events_);
    broker_.link_up();
    events_.on_definitions("default", DefinitionSet::parse(kDefinitions).value());
    const auto bound = server_.listen(uv::TcpAddress{"127.0.0.1", 0}, {});
    REQUIRE(bound.has_value());
    for (std::size_t i = 0; i < clients; ++i) {
      clients_.push_back(std::make_unique<RawClient>(std::get<uv::TcpAddress>(*bound).port));
      clients_.back()->send(form_.request);
    }
    REQUIRE(turns_.wait([&] {
      broker_.run();
      return sessions_.subscriptions_started == clients;
    }));
    static_cast<void>(read_all());
  }

  // Messages that follow the channel's head.
  Messages make(std::size_t count) {
    Messages messages;
    for (std::size_t i = 0; i < count; ++i) {
      messages.push_back(broker_.make_message(form_.channel, {.data = R"({"text":"hello"})"}));
      broker_.log(form_.channel).head = messages.back()->position.offset;
    }
    return messages;
  }
  // As the broker's deliveries, one each, in one loop turn, which goes on.
  void deliver(const Messages& messages) {
    const ChannelNumber number = broker_.subscriptions().begin()->first;
    for (const MessagePtr& message : messages) {
      events_.on_delivery(number, {.messages = {message}});
      due_ += clients_.size() * frame(*message).size();
    }
  }
  // Ends the turn, and others until the kernel has all; returns the writes of the busiest one.
  std::uint64_t end_turns() {
    std::uint64_t busiest = 0;
    std::uint64_t before = counters.writes;
    REQUIRE(turns_.wait([&] {  // Asked after each turn.
      busiest = std::max(busiest, counters.writes - before);
      before = counters.writes;
      return counters.bytes_sent == due_;
    }));
    return busiest;
  }
  // What each client has got since the last call.
  std::vector<std::string> read_all() {
    turns_.settle();
    std::vector<std::string> received;
    for (const auto& client : clients_) {
      client->poll();
      received.push_back(std::exchange(client->received, {}));
    }
    due_ = counters.bytes_sent;
    return received;
  }
  [[nodiscard]] const SharedBytes& frame(const Message& message) const {
    return message.frames[static_cast<std::size_t>(form_.wire)];
  }

  config::Config config = one_app();
  LimitCounters limit_counters;
  ServerSideCounters counters;

 private:
  [[nodiscard]] std::vector<ClientProtocol*> protocol_list() const {
    std::vector<ClientProtocol*> list;
    for (const auto& protocol : protocols_) list.push_back(protocol.get());
    return list;
  }

  Form form_;
  std::uint64_t due_ = 0;  // bytes_sent, when all has gone
  EdgeCounters sessions_;
  SeededRandom random_{1};
  uv::Loop loop_;
  Turns turns_{loop_};
  uv::LoopTimerWheel wheel_{loop_};
  FakeBroker broker_{loop_};
  ChannelHub hub_{broker_, loop_, client_encoders(), config.limits, limit_counters};
  PresenceHub presence_{broker_, loop_, client_presence_encoders(), config.limits, limit_counters};
  FakeAuthorizer authorizer_;
  DefinitionsDirectory definitions_;
  LinkGate gate_{broker_, loop_, random_, config.limits, limit_counters};
  EdgeBrokerEvents events_{hub_, presence_, definitions_, authorizer_, gate_};
  OriginPolicies origins_;
  EdgeServices services_{hub_,     presence_, broker_, authorizer_,   definitions_,   gate_,
                         origins_, loop_,     random_, config.limits, limit_counters, sessions_};
  std::vector<std::unique_ptr<ClientProtocol>> protocols_ = make_client_protocols(services_);
  EdgeServer server_{{loop_, wheel_.wheel(), random_, broker_, origins_, config, limit_counters,
                      counters, [](std::string_view) {}},
                     protocol_list()};
  std::vector<std::unique_ptr<RawClient>> clients_;
};

// What one turn's messages cost a warm edge, from the broker's words to the kernel.
test::ProcessCounts cost_of(const Form& form, std::size_t clients, std::size_t count) {
  CostBench bench(form, clients);
  for (int round = 0; round < 3; ++round) {
    bench.deliver(bench.make(count));
    static_cast<void>(bench.end_turns());
    static_cast<void>(bench.read_all());
  }
  const Messages messages = bench.make(count);
  const test::ProcessCounts before = *test::process_counts();
  bench.deliver(messages);
  static_cast<void>(bench.end_turns());
  const test::ProcessCounts after = *test::process_counts();
  return {after.allocations - before.allocations, after.sends - before.sends};
}

}  // namespace

TEST_CASE("what is allocated for a delivery is the same for 1 subscriber and for 200") {
  if (!test::process_counts()) {
    MESSAGE("not counted: malloc belongs to the sanitizer");
    return;
  }
  for (const Form& form : kForms) {
    for (const std::size_t messages : {1, 8, 100}) {  // 8 and 100 do not fit an outbox's inside.
      CAPTURE(form.name);
      CAPTURE(messages);
      const test::ProcessCounts one = cost_of(form, 1, messages);
      const test::ProcessCounts many = cost_of(form, 200, messages);
      CHECK(one.allocations >= messages);  // Each is encoded once: the counting works.
      CHECK(many.allocations == one.allocations);
      CHECK(one.sends == 1);
      CHECK(many.sends == 200);
    }
  }
}

TEST_CASE("the outboxes of all subscribers point to one buffer for each message and form") {
  constexpr std::size_t kClients = 20;
  for (const Form& form : kForms) {
    CAPTURE(form.name);
    CostBench bench(form, kClients);
    const Messages messages = bench.make(8);
    bench.deliver(messages);
    std::string all;
    for (const MessagePtr& message : messages) {
      CHECK(bench.frame(*message).use_count() == 1 + kClients);  // The message's own, and theirs.
      all += bench.frame(*message).view();
    }
    static_cast<void>(bench.end_turns());
    for (const MessagePtr& message : messages) CHECK(bench.frame(*message).use_count() == 1);
    for (const std::string& received : bench.read_all()) CHECK(received == all);
  }
}

TEST_CASE("messages of one turn cost each subscriber one gathered write") {
  constexpr std::size_t kClients = 20;
  for (const Form& form : kForms) {
    CAPTURE(form.name);
    CostBench bench(form, kClients);
    const ServerSideCounters before = bench.counters;
    bench.deliver(bench.make(8));
    CHECK(bench.counters.writes == before.writes);  // Not before the turn's end.
    CHECK(bench.end_turns() == kClients);
    CHECK(bench.counters.writes - before.writes == kClients);
    CHECK(bench.counters.frames_sent - before.frames_sent == 8 * kClients);
  }
}

TEST_CASE("more frames than one write takes go in the following turns, one write in each") {
  constexpr std::size_t kClients = 3;
  CostBench bench(kForms[0], kClients);
  const std::uint64_t before = bench.counters.writes;
  bench.deliver(bench.make(limits::kWritePiecesMax + 100));
  CHECK(bench.end_turns() == kClients);
  CHECK(bench.counters.writes - before == 2 * kClients);
  CHECK(bench.limit_counters.write_pieces_max == kClients);
}

}  // namespace tako::edge::testing
