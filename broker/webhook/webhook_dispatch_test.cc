// Batches go round the edges, one of an app at a time, and again until the app has them.
#include "broker/webhook/webhook_dispatch.h"

#include <doctest/doctest.h>

#include <vector>

namespace tako::broker {
namespace {

class PostingEdge final : public WebhookPoster {
 public:
  void post(const WebhookLease& lease) override { posts.push_back(lease); }
  std::vector<WebhookLease> posts;
};

struct DispatchBench {
  DispatchBench() {
    definitions.put("default", R"({"definitions":[
      {"name":"all","auth":false,"presence":true,"webhooks":true},
      {"name":"some","auth":false,"presence":true,"webhooks":["member-left"]},
      {"name":"none","auth":false,"presence":true}]})",
                    [](const Result<DefinitionsPut>& put) { REQUIRE(put.has_value()); });
  }
  static ChannelIdentity channel(const std::string& name) {
    return {.app = "default", .name = name, .key = name + "?r=1", .params_json = R"({"r":1})"};
  }
  void occupy() { webhooks.channel_occupied(channel("all")); }
  void pass(std::int64_t ms) {
    clock.advance(ms);
    webhooks.tick();
  }

  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters counters;
  SeededRandom random{1};
  NoStateStore state;
  ControlStream control{7, clock, limits, counters};
  DefinitionsRegistry definitions{{"default"}, control, counters};
  WebhookDispatch webhooks{definitions, state, clock, random, limits, counters};
  PostingEdge edge;
};

TEST_CASE("a definition is told of what it wants to hear") {
  DispatchBench bench;
  bench.webhooks.add(bench.edge);
  for (const char* name : {"all", "some", "none", "unknown"}) {
    const ChannelIdentity channel = DispatchBench::channel(name);
    bench.webhooks.channel_occupied(channel);
    bench.webhooks.member_entered(channel, "ann", R"({"n":1})", "");
    bench.webhooks.member_left(channel, "ann", "lost");
    bench.webhooks.channel_vacated(channel);
  }
  CHECK(bench.webhooks.events() == 5);
  bench.webhooks.tick();
  REQUIRE(bench.edge.posts.size() == 1);
  const std::string& body = bench.edge.posts[0].body;
  const std::string now = std::to_string(bench.clock.wall_ms());
  CHECK(body.find(R"("type":"member-entered","at":)" + now +
                  R"(,"channel":"all","params":{"r":1},"key":"all?r=1","subject":"ann",)"
                  R"("info":{"n":1}})") != std::string::npos);
  CHECK(body.find(R"("channel":"some","params":{"r":1},"key":"some?r=1","subject":"ann",)"
                  R"("reason":"lost"})") != std::string::npos);
}

TEST_CASE("nothing is posted without an edge, and one batch at a time with some") {
  DispatchBench bench;
  bench.occupy();
  bench.webhooks.tick();
  bench.webhooks.add(bench.edge);
  bench.webhooks.tick();
  REQUIRE(bench.edge.posts.size() == 1);
  bench.occupy();
  bench.pass(100);
  CHECK(bench.edge.posts.size() == 1);
  bench.webhooks.on_done(bench.edge, bench.edge.posts[0].number, 204);
  bench.webhooks.tick();
  REQUIRE(bench.edge.posts.size() == 2);
  CHECK(bench.webhooks.events() == 1);
}

TEST_CASE("a failed batch is posted again, after a pause that grows to a minute") {
  DispatchBench bench;
  bench.webhooks.add(bench.edge);
  bench.occupy();
  bench.webhooks.tick();
  std::int64_t longest = 0;
  for (std::size_t tries = 1; tries <= 10; ++tries) {
    REQUIRE(bench.edge.posts.size() == tries);
    bench.webhooks.on_done(bench.edge, bench.edge.posts.back().number, tries % 2 == 0 ? 0 : 500);
    std::int64_t waited = 0;
    while (bench.edge.posts.size() == tries && waited <= 60'000) {
      bench.pass(50);
      waited += 50;
    }
    longest = std::max(longest, waited);
    if (tries == 1) CHECK(waited <= 1'000);
    if (tries == 1) CHECK(waited >= 750);
  }
  CHECK(longest <= 60'000);
  CHECK(longest >= 45'000);
  CHECK(bench.webhooks.counters().batches_failed_total == 10);
}

TEST_CASE("a batch whose edge goes is another's at once; a late word of the first counts nothing") {
  DispatchBench bench;
  PostingEdge other;
  bench.webhooks.add(bench.edge);
  bench.occupy();
  bench.webhooks.tick();
  REQUIRE(bench.edge.posts.size() == 1);
  bench.webhooks.remove(bench.edge);
  bench.webhooks.add(other);
  bench.webhooks.tick();
  REQUIRE(other.posts.size() == 1);
  bench.webhooks.on_done(bench.edge, bench.edge.posts[0].number, 200);
  bench.webhooks.on_done(bench.edge, other.posts[0].number, 200);
  CHECK(bench.webhooks.events() == 1);
  bench.webhooks.on_done(other, other.posts[0].number, 200);
  CHECK(bench.webhooks.events() == 0);
}

TEST_CASE("an edge that says nothing keeps a batch for its time only") {
  DispatchBench bench;
  bench.webhooks.add(bench.edge);
  bench.occupy();
  bench.webhooks.tick();
  bench.pass(bench.limits.webhook_lease_ms - 1);
  CHECK(bench.edge.posts.size() == 1);
  bench.pass(1);
  CHECK(bench.edge.posts.size() == 2);
  CHECK(bench.counters.webhook_lease_ms == 1);
}

}  // namespace
}  // namespace tako::broker
