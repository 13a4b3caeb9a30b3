// Frames both ways: what is encoded parses, and nothing that an edge sends harms the broker.
#include "broker/edge_frames.h"

#include <doctest/doctest.h>

#include <array>

#include "broker/test_edge.h"

namespace tako::broker {
namespace {

TEST_CASE("spliced items parse as what the generated code would have printed") {
  std::vector<MessagePtr> records;
  for (std::uint64_t offset = 1; offset <= 3; ++offset) {
    records.push_back(std::make_shared<const StoredMessage>(
        MessageDraft{.type = "t", .data = std::string(100 * offset, 'x')},
        Position{offset, make_epoch(5)}, 7, 0));
  }
  proto::Messages messages;
  messages.set_channel(300);
  messages.mutable_window()->set_head(3);
  proto::FetchReply reply;
  reply.set_request(1ULL << 40U);
  reply.set_more_after(true);
  proto::BrokerItem control;
  control.mutable_control()->set_number(8);
  // A frame is its items, one behind the other.
  const std::string bytes = encode_messages(messages, records) +
                            encode_fetch_reply(reply, records) + encode_item(control) +
                            encode_messages(messages, {});
  proto::BrokerFrame frame;
  REQUIRE(frame.ParseFromString(bytes));
  REQUIRE(frame.items_size() == 4);
  CHECK(frame.items(0).messages().channel() == 300);
  CHECK(frame.items(0).messages().window().head() == 3);
  REQUIRE(frame.items(0).messages().records_size() == 3);
  CHECK(frame.items(0).messages().records(2).data() == std::string(300, 'x'));
  CHECK(frame.items(1).fetch_reply().request() == 1ULL << 40U);
  CHECK(frame.items(1).fetch_reply().more_after());
  CHECK(frame.items(1).fetch_reply().records(1).offset() == 2);
  CHECK(frame.items(2).control().number() == 8);
  CHECK(frame.items(3).messages().records_size() == 0);
}

TEST_CASE("cursors cross as they are; an epoch that no id could have is refused") {
  proto::Cursor cursor;
  cursor.set_offset(9);
  cursor.set_epoch(make_epoch(~0ULL).value);
  CHECK(decode_cursor(cursor).value() == Cursor{.position = {9, make_epoch(~0ULL)}});
  cursor.set_epoch(cursor.epoch() + 1);
  CHECK(decode_cursor(cursor).error().code == ErrorCode::BadRequest);
  cursor.set_from_oldest(true);
  CHECK(decode_cursor(cursor)->from_oldest);
}

TEST_CASE("bytes that are no frame are an error") {
  const std::string bytes = "\xff\xff\xff";
  CHECK(decode_edge_frame(std::as_bytes(std::span(bytes))).error().code ==
        ErrorCode::ProtocolError);
  CHECK(decode_edge_frame({}).value().items_size() == 0);
}

// Items of every kind with hostile numbers and names, and then the bytes of some broken.
class HostileEdge {
 public:
  explicit HostileEdge(std::uint64_t seed) : random_(seed) {}

  std::uint64_t known_epoch = 0;

  std::string frame() {
    proto::EdgeFrame frame;
    for (std::uint64_t i = 0; i <= random_.below(4); ++i) fill(*frame.add_items());
    std::string bytes = frame.SerializeAsString();
    if (random_.below(8) == 0)
      bytes[random_.below(bytes.size())] = static_cast<char>(random_.next());
    return bytes;
  }

 private:
  std::uint64_t number() {
    constexpr std::array<std::uint64_t, 6> kNumbers{0, 1, 2, 3, 1ULL << 40U, ~0ULL};
    return kNumbers.at(random_.below(kNumbers.size()));
  }
  std::string name() {
    constexpr std::array<const char*, 6> kNames{"chat", "feed", "brief:x", "", "no such", "nobody"};
    return kNames.at(random_.below(kNames.size()));
  }
  std::string app() { return random_.below(5) == 0 ? "nobody" : "default"; }
  void fill_cursor(proto::Cursor& cursor) {
    cursor.set_offset(number());
    cursor.set_epoch(random_.below(2) == 0 ? number() : known_epoch);
    cursor.set_from_oldest(random_.below(4) == 0);
  }
  void fill(proto::EdgeItem& item) {
    switch (random_.below(8)) {
      case 0:
        return item.mutable_unsubscribe()->set_channel(static_cast<std::uint32_t>(number()));
      case 1:
        item.mutable_occupancy()->set_channel(static_cast<std::uint32_t>(random_.below(30)));
        return item.mutable_occupancy()->set_subscribers(static_cast<std::uint32_t>(number()));
      case 2:
        return item.mutable_control_applied()->set_number(number());
      case 3:
        return fill(*item.mutable_fetch());
      case 4:
        return fill(*item.mutable_publish());
      case 5:
        return item.mutable_api_call()->set_request(number());
      case 6:
        return random_.below(20) == 0 ? item.mutable_hello()->set_edge_name("again") : void();
      default:
        return fill(*item.mutable_subscribe());
    }
  }
  void fill(proto::Subscribe& subscribe) {
    subscribe.set_channel(static_cast<std::uint32_t>(random_.below(1'000)));
    subscribe.set_app(app());
    subscribe.set_name(name());
    subscribe.set_key(random_.below(4) == 0 ? name() : subscribe.name());
    if (random_.below(2) == 0) fill_cursor(*subscribe.mutable_from());
  }
  void fill(proto::Fetch& fetch) {
    fetch.set_app(app());
    fetch.set_key(name());
    if (random_.below(2) == 0) fill_cursor(*fetch.mutable_after());
    if (random_.below(3) == 0) fill_cursor(*fetch.mutable_before());
    fetch.set_from_ms(static_cast<std::int64_t>(number()));
    fetch.set_to_ms(static_cast<std::int64_t>(number()));
    fetch.set_limit(static_cast<std::uint32_t>(number()));
    fetch.set_bytes_max(static_cast<std::uint32_t>(number()));
  }
  void fill(proto::Publish& publish) {
    publish.set_app(app());
    publish.set_name(name());
    publish.set_key(publish.name());
    publish.set_type(random_.below(5) == 0 ? "tako.x" : "t");
    publish.set_data(std::string(random_.below(300), 'x'));
    publish.set_encoding(static_cast<proto::Encoding>(random_.below(4)));
    publish.set_ephemeral(random_.below(3) == 0);
    publish.set_idempotency_key(random_.below(2) == 0 ? "k" : "");
  }

  SeededRandom random_;
};

TEST_CASE("whatever an edge sends, the broker lives, and forgets it when it is gone") {
  RuntimeLimits limits;
  limits.link_outbox_bytes_max = 30'000;
  limits.link_control_bytes_max = 3'000;
  limits.link_pending_requests_max = 20;
  LinkBench bench(limits);
  HostileEdge hostile(5);
  std::size_t ended = 0;
  for (int life = 0; life < 150; ++life) {
    TestEdge edge(bench);
    edge.hello("edge", static_cast<std::uint64_t>(life));
    hostile.known_epoch = bench.table.window("default", "chat").epoch.value;
    edge.is_reading = life % 3 != 0;
    for (int i = 0; i < 40 && edge.close_reason.empty(); ++i) {
      edge.say_bytes(hostile.frame());
      bench.clock.advance(3);
      bench.tick_around();
      if (i % 10 == 0) edge.items.clear();
    }
    ended += edge.close_reason.empty() ? 0U : 1U;
    bench.api.calls.clear();
  }
  CHECK(bench.edges.edges() == 0);
  CHECK(ended > 50);
  CHECK(ended < 150);
  bench.clock.advance(60'000);
  bench.tick_around();
  CHECK(bench.log->stats().messages <= 3);  // only feed's window of ten minutes is left
}

}  // namespace
}  // namespace tako::broker
