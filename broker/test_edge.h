// TestEdge: the edge's end of a link in a test: speaks frames, and reads as fast as it is told to.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "broker/channel/api_handler.h"
#include "broker/channel/test_broker.h"
#include "broker/edge_link.h"
#include "broker/edge_registry.h"

namespace tako::broker {

// Keeps calls until the test answers them.
class HeldApi final : public ApiHandler {
 public:
  struct Call {
    ApiRequest request;
    OnApiAnswer answer;
  };
  void handle(ApiRequest request, OnApiAnswer on_answer) override {
    calls.push_back({std::move(request), std::move(on_answer)});
  }
  std::vector<Call> calls;
};

struct LinkBench : TestBroker {
  // `durable`: the state that outlives this broker; null: none does.
  explicit LinkBench(RuntimeLimits changed = {}, StateStore* durable = nullptr)
      : TestBroker(changed), state(durable == nullptr ? no_state : *durable) {}

  std::ostringstream lines;
  Log line_log{{.level = LogLevel::Debug}, lines};
  HeldApi api;
  NoStateStore no_state;
  StateStore& state;
  PresenceTable presence{{.definitions = registry,
                          .state = state,
                          .clock = clock,
                          .random = random,
                          .limits = limits,
                          .limit_counters = counters}};
  WebhookDispatch webhooks{registry, state, clock, random, limits, counters};
  EdgeRegistry edges{{.table = table,
                      .publisher = publisher,
                      .definitions = registry,
                      .control = control,
                      .presence = presence,
                      .webhooks = webhooks,
                      .api = api,
                      .log = line_log,
                      .limits = limits,
                      .limit_counters = counters}};
};

// The scripted FrameSink: `is_reading` false is an edge whose socket is full.
class TestEdge final : public FrameSink {
 public:
  explicit TestEdge(LinkBench& bench) : link_(std::make_unique<EdgeLink>(bench.edges, *this)) {}

  void send(std::string frame) override {
    CHECK(close_reason.empty());
    CHECK(frame.size() <= limits::kLinkFrameBytesMax);
    pending_ += frame.size();
    queued_.push_back(std::move(frame));
    if (is_reading) deliver();
  }
  [[nodiscard]] std::size_t pending_bytes() const override { return pending_; }
  void schedule_flush() override { is_flush_scheduled = true; }
  void close(std::string_view reason) override {
    CHECK(close_reason.empty());
    close_reason = reason;
  }

  // Ends loop turns until nothing is left to do.
  void turn() {
    while (std::exchange(is_flush_scheduled, false)) link_->flush();
  }
  // The edge reads on, and the link hears of the room.
  void read_on() {
    is_reading = true;
    while (!queued_.empty()) {
      deliver();
      link_->flush();
    }
    turn();
  }
  // Takes one frame, and stops again.
  void read_one() {
    REQUIRE_FALSE(queued_.empty());
    take_front();
    link_->flush();
  }

  void say(const proto::EdgeFrame& frame) { say_bytes(frame.SerializeAsString()); }
  void say_bytes(const std::string& bytes) {
    link_->on_frame(std::as_bytes(std::span(bytes)));
    turn();
  }
  void hello(const std::string& name = "edge", std::uint64_t instance = 1) {
    proto::EdgeFrame frame;
    proto::Hello& hello = *frame.add_items()->mutable_hello();
    hello.set_version_min(1);
    hello.set_version_max(1);
    hello.set_edge_name(name);
    hello.set_instance(instance);
    say(frame);
  }
  void subscribe(std::uint32_t number, const std::string& name,
                 const std::optional<Position>& from = {}) {
    proto::EdgeFrame frame;
    proto::Subscribe& subscribe = *frame.add_items()->mutable_subscribe();
    subscribe.set_channel(number);
    subscribe.set_app("default");
    subscribe.set_name(name);
    subscribe.set_key(name);
    subscribe.set_params_json("{}");
    if (from) {
      subscribe.mutable_from()->set_offset(from->offset);
      subscribe.mutable_from()->set_epoch(from->epoch.value);
    }
    say(frame);
  }
  void unsubscribe(std::uint32_t number) {
    proto::EdgeFrame frame;
    frame.add_items()->mutable_unsubscribe()->set_channel(number);
    say(frame);
  }
  void publish(std::uint64_t request, const std::string& name, const std::string& data,
               const std::string& key = {}) {
    proto::EdgeFrame frame;
    proto::Publish& publish = *frame.add_items()->mutable_publish();
    publish.set_request(request);
    publish.set_app("default");
    publish.set_name(name);
    publish.set_key(name);
    publish.set_type("t");
    publish.set_data(data);
    publish.set_subject("ann");
    publish.set_connection("c1");
    publish.set_idempotency_key(key);
    say(frame);
  }
  void fetch(std::uint64_t request, const std::string& name, const Position& after,
             std::uint32_t limit = 100) {
    proto::EdgeFrame frame;
    proto::Fetch& fetch = *frame.add_items()->mutable_fetch();
    fetch.set_request(request);
    fetch.set_app("default");
    fetch.set_name(name);
    fetch.set_key(name);
    fetch.mutable_after()->set_offset(after.offset);
    fetch.mutable_after()->set_epoch(after.epoch.value);
    fetch.set_limit(limit);
    say(frame);
  }

  // What came, oldest first.
  [[nodiscard]] proto::BrokerItem next() {
    REQUIRE_FALSE(items.empty());
    proto::BrokerItem item = std::move(items.front());
    items.pop_front();
    return item;
  }
  // The data of all messages of `number` that came, in order; other items stay.
  [[nodiscard]] std::string data_of(std::uint32_t number) {
    std::string joined;
    std::erase_if(items, [&](const proto::BrokerItem& item) {
      if (!item.has_messages() || item.messages().channel() != number) return false;
      for (const proto::Record& record : item.messages().records()) joined += record.data() + ' ';
      return true;
    });
    return joined;
  }
  [[nodiscard]] EdgeLink& link() { return *link_; }
  void drop_link() { link_.reset(); }

  bool is_reading = true;
  bool is_flush_scheduled = false;
  std::string close_reason;
  std::deque<proto::BrokerItem> items;
  std::size_t frames = 0;

 private:
  void deliver() {
    while (!queued_.empty()) take_front();
  }
  void take_front() {
    proto::BrokerFrame frame;
    REQUIRE(frame.ParseFromString(queued_.front()));
    pending_ -= queued_.front().size();
    queued_.pop_front();
    ++frames;
    for (proto::BrokerItem& item : *frame.mutable_items()) items.push_back(std::move(item));
  }

  std::deque<std::string> queued_;
  std::size_t pending_ = 0;
  std::unique_ptr<EdgeLink> link_;
};

}  // namespace tako::broker
