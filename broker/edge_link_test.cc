// One edge's link: greeting, subscriptions, answers, control, and its ends.
#include "broker/edge_link.h"

#include <doctest/doctest.h>

#include "broker/test_edge.h"

namespace tako::broker {
namespace {

TEST_CASE("an edge is welcomed, and given the definitions up to the head of the control stream") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello("e1");
  const proto::BrokerItem welcome = edge.next();
  REQUIRE(welcome.has_welcome());
  CHECK(welcome.welcome().version() == 1);
  CHECK(welcome.welcome().control_stream() == 77);
  CHECK(welcome.welcome().control_head() == 1);
  const proto::BrokerItem control = edge.next();
  REQUIRE(control.has_control());
  CHECK(control.control().number() == 1);
  CHECK(control.control().definitions().app() == "default");
  CHECK(control.control().definitions().version() == 1);
  CHECK(control.control().definitions().json() ==
        bench.registry.definitions("default").value()->to_json());
  CHECK(edge.items.empty());
  CHECK(edge.frames == 1);  // one frame for all of the turn
  CHECK(bench.edges.edges() == 1);
}

TEST_CASE("an edge that links again is sent only what it missed") {
  LinkBench bench;
  bench.registry.put("other", R"({"definitions":[]})", [](const Result<DefinitionsPut>&) {});
  TestEdge edge(bench);
  proto::EdgeFrame frame;
  proto::Hello& hello = *frame.add_items()->mutable_hello();
  hello.set_version_min(1);
  hello.set_version_max(3);
  hello.set_edge_name("e1");
  hello.set_instance(1);
  hello.set_control_stream(77);
  hello.set_control_applied(1);
  edge.say(frame);
  CHECK(edge.next().welcome().control_head() == 2);
  CHECK(edge.next().control().number() == 2);
  CHECK(edge.items.empty());

  TestEdge stranger(bench);  // It counts in the stream of an earlier broker.
  hello.set_control_stream(76);
  hello.set_instance(2);
  stranger.say(frame);
  CHECK(stranger.items.size() == 3);
}

TEST_CASE("versions that don't meet, and edges without a name, are refused with the reason") {
  LinkBench bench;
  for (const auto& [min, max] : {std::pair{3U, 4U}, std::pair{0U, 0U}}) {
    TestEdge edge(bench);
    proto::EdgeFrame frame;
    frame.add_items()->mutable_hello()->set_version_min(min);
    frame.mutable_items(0)->mutable_hello()->set_version_max(max);
    frame.mutable_items(0)->mutable_hello()->set_edge_name("e");
    edge.say(frame);
    CHECK(edge.next().refused().reason().find("version 1") != std::string::npos);
    CHECK_FALSE(edge.close_reason.empty());
  }
  TestEdge nameless(bench);
  nameless.hello("");
  CHECK(nameless.next().has_refused());
  CHECK(bench.edges.edges() == 0);
  CHECK(bench.edges.counters().refused_total == 3);
}

TEST_CASE("more edges than the bound are refused, counted") {
  RuntimeLimits limits;
  limits.link_edges_max = 1;
  LinkBench bench(limits);
  TestEdge first(bench);
  first.hello("e1", 1);
  {
    TestEdge second(bench);
    second.hello("e2", 2);
    CHECK(second.next().has_refused());
    CHECK(bench.counters.link_edges_max == 1);
  }
  TestEdge again(bench);  // The same process once more: its older link makes way.
  again.hello("e1", 1);
  CHECK(again.next().has_welcome());
  CHECK(first.close_reason.find("again") != std::string::npos);
  CHECK(bench.edges.edges() == 1);
}

TEST_CASE("what comes before hello, twice, or as nonsense ends the link") {
  LinkBench bench;
  TestEdge hasty(bench);
  hasty.subscribe(1, "chat");
  CHECK_FALSE(hasty.close_reason.empty());
  CHECK(bench.table.size() == 0);
  TestEdge twice(bench);
  twice.hello();
  twice.hello();
  CHECK_FALSE(twice.close_reason.empty());
  TestEdge nonsense(bench);
  nonsense.hello();
  nonsense.say_bytes("\xff\xff\xff\xff");
  CHECK_FALSE(nonsense.close_reason.empty());
  CHECK(bench.edges.counters().protocol_errors_total == 3);
  nonsense.subscribe(1, "chat");  // Deaf from then on.
  CHECK(bench.table.size() == 0);
}

TEST_CASE("an item that this version doesn't know is passed over") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  // EdgeFrame.items{ field 15: 1 }, then a subscribe.
  proto::EdgeFrame frame;
  frame.add_items()->mutable_unsubscribe()->set_channel(9);
  edge.say_bytes(std::string("\x0a\x02\x78\x01", 4) + frame.SerializeAsString());
  CHECK(edge.close_reason.empty());
  edge.subscribe(1, "chat");
  CHECK(edge.next().has_subscribed());
}

TEST_CASE("a subscriber starts at the head and gets what is published, in one frame per turn") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  bench.publish("chat", "old");
  edge.items.clear();
  edge.subscribe(4, "chat");
  const proto::Subscribed subscribed = edge.next().subscribed();
  CHECK(subscribed.channel() == 4);
  CHECK(subscribed.error() == 0);
  CHECK(subscribed.window().head() == 1);
  CHECK(subscribed.window().oldest() == 1);
  CHECK(subscribed.starts_after() == 1);
  CHECK_FALSE(subscribed.gap());
  edge.subscribe(5, "feed");
  edge.items.clear();
  const std::size_t frames = edge.frames;
  bench.publish("chat", "1");
  bench.publish("feed", "f");
  bench.publish("chat", "2");
  CHECK(edge.items.empty());
  edge.turn();
  CHECK(edge.frames == frames + 1);
  REQUIRE(edge.items.size() == 2);  // a run of chat, and feed
  const proto::Messages chat = edge.items[0].messages();
  REQUIRE(chat.records_size() == 2);
  CHECK(chat.records(0).offset() == 2);
  CHECK(chat.records(0).data() == "1");
  CHECK(chat.records(1).offset() == 3);
  CHECK_FALSE(chat.has_window());
  CHECK(edge.items[1].messages().channel() == 5);
}

TEST_CASE("a relinking edge goes on at its cursor, or is told the gap") {
  LinkBench bench;
  const Position first = bench.publish("chat", "1")->position;
  bench.publish("chat", "2");
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  edge.subscribe(1, "chat", first);
  const proto::Subscribed subscribed = edge.next().subscribed();
  CHECK(subscribed.starts_after() == 1);
  CHECK_FALSE(subscribed.gap());
  CHECK(edge.data_of(1) == "2 ");
  edge.subscribe(2, "chat", Position{1, make_epoch(first.epoch.value + 1)});
  const proto::Subscribed lost = edge.next().subscribed();
  CHECK(lost.gap());
  CHECK(lost.gap_reason() == static_cast<std::uint32_t>(GapReason::HistoryLost));
  CHECK(lost.starts_after() == 2);
  CHECK(edge.items.empty());
}

TEST_CASE("a subscription that can't be is refused by itself, and the link goes on") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  proto::EdgeFrame frame;
  proto::Subscribe& subscribe = *frame.add_items()->mutable_subscribe();
  const auto error = [&] {
    edge.say(frame);
    return error_code_from_number(edge.next().subscribed().error());
  };
  subscribe.set_channel(1);
  subscribe.set_app("nobody");
  subscribe.set_name("chat");
  subscribe.set_key("chat");
  CHECK(error() == ErrorCode::AppUnknown);
  subscribe.set_app("default");
  subscribe.set_key("feed");
  CHECK(error() == ErrorCode::BadRequest);
  subscribe.set_key("chat?" + std::string(limits::kChannelKeyBytesMax, 'x'));
  CHECK(error() == ErrorCode::ParamsInvalid);
  subscribe.set_key("chat");
  subscribe.mutable_from()->set_epoch(1ULL << 60U);
  CHECK(error() == ErrorCode::BadRequest);
  CHECK(edge.close_reason.empty());
  CHECK(bench.table.size() == 0);
  edge.subscribe(1, "chat");  // The number was never taken.
  CHECK(edge.next().subscribed().error() == 0);
}

TEST_CASE("channels of one edge are bounded, counted") {
  RuntimeLimits limits;
  limits.feeds_max = 2;
  LinkBench bench(limits);
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.subscribe(2, "feed");
  edge.items.clear();
  edge.subscribe(3, "brief:x");
  CHECK(error_code_from_number(edge.next().subscribed().error()) == ErrorCode::LimitReached);
  CHECK(bench.counters.feeds_max == 1);
  edge.unsubscribe(2);
  edge.subscribe(3, "brief:x");
  CHECK(edge.next().subscribed().error() == 0);
}

TEST_CASE("a channel number that is in use ends the link") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.subscribe(1, "feed");
  CHECK_FALSE(edge.close_reason.empty());
}

TEST_CASE("after unsubscribe nothing more comes, and the number may be used again") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  bench.publish("chat", "1");  // Marked, not sent yet.
  edge.unsubscribe(1);
  edge.turn();
  CHECK(edge.items.empty());
  edge.unsubscribe(1);  // Of a number that is not in use: no harm.
  edge.subscribe(1, "feed");
  bench.publish("chat", "2");
  bench.publish("feed", "f");
  edge.turn();
  CHECK(edge.data_of(1) == "f ");
}

TEST_CASE("occupancy is summed over edges, and an edge that dies takes its part along") {
  LinkBench bench;
  TestEdge one(bench);
  one.hello("one", 1);
  TestEdge two(bench);
  two.hello("two", 2);
  const auto tell = [](TestEdge& edge, std::uint32_t subscribers) {
    proto::EdgeFrame frame;
    frame.add_items()->mutable_occupancy()->set_channel(1);
    frame.mutable_items(0)->mutable_occupancy()->set_subscribers(subscribers);
    edge.say(frame);
  };
  one.subscribe(1, "chat");
  two.subscribe(1, "chat");
  CHECK(bench.table.find("default", "chat")->subscribers() == 0);
  tell(one, 3);
  tell(two, 4);
  CHECK(bench.table.find("default", "chat")->subscribers() == 7);
  tell(one, 1);
  CHECK(bench.table.find("default", "chat")->subscribers() == 5);
  one.drop_link();
  CHECK(bench.table.find("default", "chat")->subscribers() == 4);
  CHECK(bench.edges.edges() == 1);
  two.drop_link();
  CHECK(bench.table.size() == 0);
  CHECK(bench.lines.str().find("edge gone") != std::string::npos);
}

TEST_CASE("a client's publish is answered with its place, and a repeated key with the first") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.subscribe(1, "chat");
  edge.items.clear();
  edge.publish(11, "chat", R"("hi")", "k");
  const proto::PublishReply first = edge.items.front().publish_reply();
  CHECK(first.request() == 11);
  CHECK(first.error() == 0);
  CHECK(first.offset() == 1);
  CHECK_FALSE(first.repeated_key());
  const proto::Record record = edge.items.back().messages().records(0);
  CHECK(record.subject() == "ann");
  CHECK(record.connection() == "c1");
  CHECK(record.offset() == first.offset());
  CHECK(record.epoch() == first.epoch());
  edge.items.clear();
  edge.publish(12, "chat", R"("hi")", "k");
  const proto::PublishReply again = edge.next().publish_reply();
  CHECK(again.repeated_key());
  CHECK(again.offset() == 1);
  CHECK(edge.items.empty());
  CHECK_FALSE(bench.publish("chat", R"("hi")", "k")->repeated);  // the app's keys are its own
}

TEST_CASE("a refused publish says why, and when to come back") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  edge.publish(1, "nobody", "1");
  const proto::PublishReply unknown = edge.next().publish_reply();
  CHECK(error_code_from_number(unknown.error()) == ErrorCode::ChannelUnknown);
  CHECK(unknown.retry_after_ms() == 0);
  proto::EdgeFrame frame;
  frame.add_items()->mutable_publish()->set_encoding(static_cast<proto::Encoding>(7));
  edge.say(frame);
  CHECK(error_code_from_number(edge.next().publish_reply().error()) == ErrorCode::BadRequest);
}

TEST_CASE("requests under way are bounded; the bound is told, and lifts when answers go out") {
  RuntimeLimits limits;
  limits.link_pending_requests_max = 2;
  LinkBench bench(limits);
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  bench.cluster.is_holding = true;
  for (std::uint64_t request : {1U, 2U, 3U}) edge.publish(request, "chat", "x");
  const proto::PublishReply refused = edge.next().publish_reply();
  CHECK(refused.request() == 3);
  CHECK(error_code_from_number(refused.error()) == ErrorCode::LimitReached);
  CHECK(refused.retry_after_ms() > 0);
  edge.fetch(4, "chat", {});
  CHECK(error_code_from_number(edge.next().fetch_reply().error()) == ErrorCode::LimitReached);
  proto::EdgeFrame frame;
  frame.add_items()->mutable_api_call()->set_request(5);
  edge.say(frame);
  CHECK(edge.next().api_reply().status() == 503);
  CHECK(bench.counters.link_pending_requests_max == 3);
  bench.cluster.let_through();
  edge.turn();
  CHECK(edge.items.size() == 2);
  edge.items.clear();
  bench.cluster.is_holding = false;
  edge.publish(6, "chat", "x");
  CHECK(edge.next().publish_reply().offset() == 3);
}

TEST_CASE("an app's call is passed on as it is, and its answer back") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  proto::EdgeFrame frame;
  proto::ApiCall& call = *frame.add_items()->mutable_api_call();
  call.set_request(9);
  call.set_app("default");
  call.set_method("POST");
  call.set_target("/v1/channels/chat/messages");
  call.set_idempotency_key("k");
  call.set_body("{}");
  edge.say(frame);
  REQUIRE(bench.api.calls.size() == 1);
  CHECK(bench.api.calls[0].request.target == "/v1/channels/chat/messages");
  CHECK(bench.api.calls[0].request.idempotency_key == "k");
  CHECK(edge.items.empty());
  bench.api.calls[0].answer({.status = 201, .body = R"({"id":"1-x"})"});
  edge.turn();
  const proto::ApiReply reply = edge.next().api_reply();
  CHECK(reply.request() == 9);
  CHECK(reply.status() == 201);
  CHECK(reply.body() == R"({"id":"1-x"})");
}

TEST_CASE("an answer that no frame could carry is an error instead") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  proto::EdgeFrame frame;
  frame.add_items()->mutable_api_call()->set_request(1);
  edge.say(frame);
  bench.api.calls[0].answer({.status = 200, .body = std::string(limits::kLinkFrameBytesMax, 'x')});
  edge.turn();
  CHECK(edge.next().api_reply().status() == 413);
  CHECK(bench.counters.link_frame_bytes_max == 1);
}

TEST_CASE("answers for an edge that is gone go nowhere") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  proto::EdgeFrame frame;
  frame.add_items()->mutable_api_call()->set_request(1);
  edge.say(frame);
  bench.cluster.is_holding = true;
  edge.publish(2, "chat", "kept");
  edge.drop_link();
  bench.api.calls[0].answer({.status = 200, .body = "{}"});
  bench.cluster.let_through();
  CHECK(bench.table.window("default", "chat").head == 1);  // stored all the same
}

TEST_CASE("a fetch is answered with a page, its window and what lies around it") {
  LinkBench bench;
  const Position first = bench.publish("chat", "1")->position;
  for (const char* data : {"2", "3", "4"}) bench.publish("chat", data);
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  edge.fetch(7, "chat", first, 2);
  const proto::FetchReply page = edge.next().fetch_reply();
  CHECK(page.request() == 7);
  REQUIRE(page.records_size() == 2);
  CHECK(page.records(0).data() == "2");
  CHECK(page.more_after());
  CHECK(page.more_before());
  CHECK(page.window().head() == 4);
  edge.fetch(8, "chat", {9, first.epoch});
  const proto::FetchReply gap = edge.next().fetch_reply();
  CHECK(gap.gap());
  CHECK(gap.gap_reason() == static_cast<std::uint32_t>(GapReason::AheadOfHead));
  CHECK(gap.records_size() == 0);
  edge.fetch(9, "chat", {1, Epoch{1ULL << 50U}});
  CHECK(error_code_from_number(edge.next().fetch_reply().error()) == ErrorCode::BadRequest);
  edge.fetch(10, "chat?roomId=1", {0, first.epoch});
  CHECK(edge.next().fetch_reply().records_size() == 0);
  CHECK(bench.table.size() == 1);
}

TEST_CASE("new definitions reach linked edges at once, and the put waits for their word") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello("e1");
  edge.items.clear();
  std::optional<DefinitionsPut> done;
  bench.registry.put("default", R"({"definitions":[]})",
                     [&](const Result<DefinitionsPut>& put) { done = put.value(); });
  edge.turn();
  CHECK(edge.next().control().definitions().version() == 2);
  CHECK_FALSE(done.has_value());
  const auto applied = [&](std::uint64_t number) {
    proto::EdgeFrame frame;
    frame.add_items()->mutable_control_applied()->set_number(number);
    edge.say(frame);
  };
  applied(1);
  CHECK_FALSE(done.has_value());
  applied(2);
  REQUIRE(done.has_value());
  CHECK(done->version == 2);
  CHECK(done->pending.empty());
  applied(99);  // What was not sent yet can't have been applied.
  bench.registry.put("default", R"({"definitions":[{"name":"a","auth":false}]})",
                     [&](const Result<DefinitionsPut>& put) { done = put.value(); });
  CHECK(done->version == 2);
  bench.clock.advance(bench.limits.definitions_apply_wait_ms);
  bench.control.tick();
  CHECK(done->version == 3);
  CHECK(done->pending == std::vector<std::string>{"e1"});
}

TEST_CASE("a broker that ends answers all it was sent before the edge saw the goodbye") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.hello();
  edge.items.clear();
  bench.cluster.is_holding = true;
  edge.publish(1, "chat", "a");
  edge.link().say_goodbye();
  edge.turn();
  CHECK(edge.next().has_leaving());
  edge.publish(2, "chat", "b");  // On its way when the goodbye came.
  proto::EdgeFrame seen;
  seen.add_items()->mutable_leave_seen();
  edge.say(seen);
  CHECK(edge.close_reason.empty());
  bench.cluster.let_through();
  edge.turn();
  CHECK(edge.next().publish_reply().request() == 1);
  CHECK(edge.next().publish_reply().request() == 2);
  CHECK(edge.close_reason == "the broker ends");
}

TEST_CASE("at the goodbye, who has not been welcomed yet is hung up on") {
  LinkBench bench;
  TestEdge edge(bench);
  edge.link().say_goodbye();
  CHECK(edge.close_reason == "the broker ends");
  CHECK(edge.items.empty());
}

}  // namespace
}  // namespace tako::broker
