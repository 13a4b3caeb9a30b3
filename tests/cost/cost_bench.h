// CostBench: an edge as main.cc builds it, but for its broker and its app, and its clients on
// loopback: what one loop turn costs can be counted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/adapters/adapters.h"
#include "edge/server/testing/server_fixture.h"
#include "edge/session/testing/fake_edge.h"
#include "tests/cost/process_counts.h"

namespace tako::edge::testing {

inline constexpr std::string_view kCostDefinitions = R"({"definitions":[
  {"name":"ws","auth":false,"transport":"ws","presence":true},
  {"name":"sse","auth":false,"transport":"sse","presence":true}]})";

struct Form {
  std::string_view name;
  WireForm wire;
  std::string channel;
  std::string request;
};

inline std::string upgrade(std::string_view subprotocol, std::string_view query = "") {
  return "GET /_tako/channels/ws" + std::string(query) +
         " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(subprotocol) + "\r\n";
}

inline void must_hold(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

using Messages = std::vector<MessagePtr>;

// Clients of one form, subscribed and live, that have read what they got.
class CostBench {
 public:
  CostBench(Form form, std::size_t clients) : form_(std::move(form)) {
    broker_.set_events(events_);
    broker_.link_up();
    events_.on_definitions("default", DefinitionSet::parse(kCostDefinitions).value());
    const auto bound = server_.listen(uv::TcpAddress{"127.0.0.1", 0}, {});
    must_hold(bound.has_value(), "the edge listens");
    for (std::size_t i = 0; i < clients; ++i) {
      clients_.push_back(std::make_unique<RawClient>(std::get<uv::TcpAddress>(*bound).port));
      clients_.back()->send(form_.request);
    }
    const bool have_started = turns_.wait([&] {
      broker_.run();
      return sessions_.subscriptions_started == clients;
    });
    must_hold(have_started, "every client is subscribed");
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
  // As the broker's news of presence, in one loop turn, which goes on. `frame_bytes`: of what each
  // client is told.
  void tell(PresenceNews news, std::size_t frame_bytes) {
    broker_.tell_presence(form_.channel, std::move(news));
    due_ += clients_.size() * frame_bytes;
  }
  // Ends the turn, and others until the kernel has all; returns the writes of the busiest one.
  std::uint64_t end_turns() {
    std::uint64_t busiest = 0;
    std::uint64_t before = counters.writes;
    const bool is_sent = turns_.wait([&] {  // Asked after each turn.
      busiest = std::max(busiest, counters.writes - before);
      before = counters.writes;
      return counters.bytes_sent == due_;
    });
    must_hold(is_sent, "the kernel takes all that is told");
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
  [[nodiscard]] const Form& form() const { return form_; }
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
  Revocations revocations_{hub_, authorizer_, loop_, config.limits, limit_counters};
  NoWebhooks webhooks_;
  EdgeBrokerEvents events_{hub_,         presence_, definitions_, authorizer_,
                           revocations_, webhooks_, gate_};
  OriginPolicies origins_;
  FakeDispatcher dispatcher_;
  PublishLines publishes_{broker_, dispatcher_, revocations_.book(), config.limits, limit_counters};
  ClientRates rates_{loop_, config.limits, limit_counters, sessions_};
  EdgeServices services_{.hub = hub_,
                         .presence = presence_,
                         .broker = broker_,
                         .authorizer = authorizer_,
                         .revocations = revocations_,
                         .definitions = definitions_,
                         .gate = gate_,
                         .origins = origins_,
                         .clock = loop_,
                         .random = random_,
                         .limits = config.limits,
                         .limit_counters = limit_counters,
                         .counters = sessions_,
                         .publishes = publishes_,
                         .rates = rates_};
  std::vector<std::unique_ptr<ClientProtocol>> protocols_ = make_client_protocols(services_);
  EdgeServer server_{{loop_, wheel_.wheel(), random_, broker_, origins_, config, limit_counters,
                      counters, [](std::string_view) {}},
                     protocol_list()};
  std::vector<std::unique_ptr<RawClient>> clients_;
};

}  // namespace tako::edge::testing
