// What one message costs on its way through the edge: encoding once, and handing it to each
// subscriber of its channel (sockets not included).
#include <memory>
#include <string>
#include <vector>

#include "common/check.h"
#include "edge/adapters/native_encoder.h"
#include "edge/fanout/testing/hub_fixture.h"
#include "tests/bench/bench.h"

namespace tako::edge {
namespace {

using testing::HubFixture;

// Keeps nothing: the cost of the outbox is not meant.
class CountingSink final : public FrameSink {
 public:
  void send(const SharedBytes& frame) override { bytes += frame.size(); }
  [[nodiscard]] bool has_room() const override { return true; }
  std::size_t bytes = 0;
};

class CountingSubscriber final : public Subscriber {
 public:
  CountingSubscriber() { set_sink(&sink); }
  void on_started(const Start& /*start*/) override {}
  void on_gap(const Gap& /*gap*/) override {}
  void on_ended(const Error& /*error*/) override {}
  CountingSink sink;
};

void measure_encoding(std::size_t data_bytes) {
  const NativeWsEncoder encoder(true);
  const ChannelIdentity channel{.app = "default",
                                .name = "chat",
                                .key = "chat?roomId=42",
                                .params_json = R"({"roomId":"42"})"};
  Message message;
  message.position = {.offset = 1'000, .epoch = {}};
  message.type = "msg";
  message.data = '"' + std::string(data_bytes, 'x') + '"';
  bench::measure("encode " + std::to_string(data_bytes) + " B as a frame of the rich dialect", 1,
                 [&] { return encoder.encode(message, channel).size(); });
}

void measure_delivery(std::size_t subscriber_count) {
  HubFixture fixture;
  fixture.broker.link_up();
  std::vector<std::unique_ptr<CountingSubscriber>> subscribers;
  for (std::size_t i = 0; i < subscriber_count; ++i) {
    subscribers.push_back(std::make_unique<CountingSubscriber>());
    fixture.hub.join(*subscribers.back(),
                     {.app = "default", .name = "chat", .key = "chat", .params_json = "{}"},
                     fixture.rules, {});
  }
  fixture.broker.run();
  bench::measure("deliver to one of " + std::to_string(subscriber_count) + " subscribers",
                 subscriber_count, [&] {
                   const std::size_t before = subscribers.back()->sink.bytes;
                   fixture.publish("chat");
                   fixture.broker.log("chat").messages.clear();
                   TAKO_CHECK(subscribers.back()->sink.bytes > before);
                   return before;
                 });
}

}  // namespace
}  // namespace tako::edge

int main() {
  for (const std::size_t bytes : {200, 1'000}) tako::edge::measure_encoding(bytes);
  for (const std::size_t count : {1, 100, 10'000}) tako::edge::measure_delivery(count);
}
