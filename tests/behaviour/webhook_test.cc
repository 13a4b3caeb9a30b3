// Webhooks: the app is told, signed and in order, until it has it; whoever dies meanwhile.
#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <mutex>

#include "tests/behaviour/fixtures.h"
#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

constexpr std::string_view kDefinitions5 = R"([
  {"name":"lobby","auth":{},"transport":"ws","presence":{"graceMs":300},"webhooks":true,
   "paramsSchema":{"type":"object","properties":{"r":{"type":"string"}}}}])";
const std::string kLobby = channel_path("lobby", "r=1");

// What the app was posted, by its path of events.
class Posts {
 public:
  explicit Posts(StubApp& app) : app_(app) {
    app.on_call("/channels/events", [this](const Json& body) {
      const std::lock_guard lock(mutex_);
      if (status_ == 200) take(body);
      return StubReply{.status = status_, .body = "{}"};
    });
  }
  void answer_with(int status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  [[nodiscard]] std::vector<StubRequest> all() const { return app_.calls("/channels/events"); }
  // "type subject", of each event once, in the order in which the app took them.
  [[nodiscard]] std::vector<std::string> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  std::vector<std::string> wait_for(std::size_t count) {
    wait_until(
        "event " + std::to_string(count), [&] { return events().size() >= count; },
        std::chrono::seconds(20));
    return events();
  }

 private:
  void take(const Json& body) {
    for (std::size_t i = 0; i < body["events"].size(); ++i) {
      const Json event = body["events"][i];
      if (!seen_.emplace(event["id"].string(), true).second) continue;
      std::string words = event["type"].string();
      if (event.has("subject")) words += ' ' + event["subject"].string();
      if (event.has("reason")) words += ' ' + event["reason"].string();
      if (event.has("count")) words += ' ' + event["count"].print();
      events_.push_back(words);
    }
  }

  StubApp& app_;
  std::mutex mutex_;
  int status_ = 200;
  std::map<std::string, bool> seen_;
  std::vector<std::string> events_;
};

WsClient join(Cluster& tako, const Headers& who = kGoodToken, std::size_t edge = 0) {
  WsClient client(tako.edge(edge), kLobby, {.headers = who, .subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  return client;
}

// A goodbye.
void leave(WsClient& client) {
  client.send_close(1000);
  static_cast<void>(client.wait_for_close());
}

using Words = std::vector<std::string>;

const Headers kBob{{"Authorization", "Bearer bob"}};

}  // namespace

TEST_CASE("comings and goings are told in order, signed, with the secret that only we share") {
  Cluster tako(with_definitions(kDefinitions5));
  allow_good_tokens(tako.app());
  Posts posts(tako.app());
  WsClient ann = join(tako);
  CHECK(posts.wait_for(2) == Words{"channel-occupied", "member-entered ann"});
  leave(ann);
  CHECK(posts.wait_for(3)[2] == "member-left ann left");
  CHECK(posts.wait_for(4)[3] == "channel-vacated");
  const StubRequest post = posts.all().at(0);
  CHECK(post.method == "POST");
  CHECK(post.head.header("host") == "default.tako");
  CHECK(post.head.header("x-tako-internal-token") == std::string(Cluster::app_secret()));
  const std::string signature = post.head.header("x-tako-signature").value_or("");
  CHECK(signature.starts_with("t="));
  CHECK(signature.find(",v1=") != std::string::npos);
  const Json event = post.json()["events"][0];
  CHECK(event["channel"].string() == "lobby");
  CHECK(event["params"].print() == R"({"r":"1"})");
  CHECK(event["key"].string() == "lobby?r=1");
}

TEST_CASE("a reconnect within the grace is no event") {
  Cluster tako(with_definitions(kDefinitions5));
  allow_good_tokens(tako.app());
  Posts posts(tako.app());
  {
    WsClient gone = join(tako);
    static_cast<void>(posts.wait_for(2));
  }
  WsClient again = join(tako);
  leave(again);
  CHECK(posts.wait_for(4) ==
        Words{"channel-occupied", "member-entered ann", "member-left ann left", "channel-vacated"});
}

TEST_CASE("an app that refuses, or is dead, is posted to again, and misses nothing") {
  Cluster tako(with_definitions(kDefinitions5));
  allow_good_tokens(tako.app());
  Posts posts(tako.app());
  posts.answer_with(500);
  WsClient ann = join(tako);
  wait_until("two tries", [&] { return posts.all().size() >= 2; }, std::chrono::seconds(10));
  CHECK(posts.events().empty());
  posts.answer_with(200);
  CHECK(posts.wait_for(2) == Words{"channel-occupied", "member-entered ann"});
  tako.app().stop();
  leave(ann);
  wait_for_metric(tako.edge_admin(), "tako_edge_webhooks_failed_total", 3);
  tako.app().start();
  CHECK(posts.wait_for(3)[2] == "member-left ann left");
}

TEST_CASE("a broker that is killed has kept what the app was not told") {
  Cluster tako(with_definitions(kDefinitions5));
  allow_good_tokens(tako.app());
  Posts posts(tako.app());
  posts.answer_with(503);
  WsClient ann = join(tako);
  WsClient bob = join(tako, kBob);
  wait_for_metric(tako.broker_admin(), "tako_broker_webhook_events", 3);
  wait_for_metric(tako.edge_admin(), "tako_edge_webhooks_failed_total", 1);
  tako.restart_broker();
  posts.answer_with(200);
  CHECK(posts.wait_for(3) == Words{"channel-occupied", "member-entered ann", "member-entered bob"});
}

TEST_CASE("an edge that is killed within a post leaves it to another") {
  ClusterOptions options = with_definitions(kDefinitions5);
  options.edges = 2;
  Cluster tako(options);
  allow_good_tokens(tako.app());
  Posts posts(tako.app());
  posts.answer_with(500);
  WsClient ann = join(tako, kGoodToken, 1);
  wait_until("a post", [&] { return !posts.all().empty(); });
  tako.edge_process(0).kill();
  posts.answer_with(200);
  CHECK(posts.wait_for(2) == Words{"channel-occupied", "member-entered ann"});
}

TEST_CASE("what was dropped is told in front of what follows") {
  Cluster tako(with_limits({"webhook_events_max=2"}, with_definitions(kDefinitions5)));
  allow_good_tokens(tako.app());
  Posts posts(tako.app());
  posts.answer_with(500);
  WsClient ann = join(tako);
  wait_until("a try", [&] { return !posts.all().empty(); });
  WsClient bob = join(tako, kBob);
  leave(bob);
  wait_for_broker_hits(tako, "webhook_events_max", 2);
  posts.answer_with(200);
  const Words events = posts.wait_for(3);
  CHECK(events[0].starts_with("events-lost "));
  CHECK(events.back() == "member-left bob left");
}

TEST_CASE("another place than the upstream is told without the internal token") {
  StubApp elsewhere;
  Posts posts(elsewhere);
  ClusterOptions options = with_definitions(kDefinitions5);
  options.edge_config =
      "[[apps]]\nid = \"default\"\nwebhook_url = \"" + elsewhere.upstream() + "\"\n";
  Cluster tako(options);
  allow_good_tokens(tako.app());
  WsClient ann = join(tako);
  CHECK(posts.wait_for(2) == Words{"channel-occupied", "member-entered ann"});
  CHECK_FALSE(posts.all().at(0).head.header("x-tako-internal-token").has_value());
  CHECK(posts.all().at(0).head.header("x-tako-signature").has_value());
}
