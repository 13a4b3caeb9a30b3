// The app API on a real unix socket, asked by other people's means.
#include "broker/api/api_server.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "broker/api/api_test_parts.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"
#include "tests/support/http_client.h"
#include "tests/support/sse_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace tako::broker {
namespace {

using test::Headers;
using test::HttpResponse;
using test::SseClient;

constexpr std::string_view kMessage = R"({"type":"t","data":1})";

config::AppConfig app(std::string id, std::vector<std::uint32_t> uids = {}) {
  config::AppConfig config;
  config.id = std::move(id);
  config.socket_uids = std::move(uids);
  return config;
}

// A server whose loop turns on a thread of its own. What the test does to its parts goes there.
class RunningApi {
 public:
  explicit RunningApi(std::vector<config::AppConfig> apps = {config::AppConfig{}},
                      RuntimeLimits limits = {})
      : parts_(std::move(apps)), wheel_(loop_) {
    parts_.limits = limits;
    parts_.define(R"([{"name":"feed","auth":false,"transport":"ws","maxMessages":3}])");
    server_.emplace(loop_, wheel_.wheel(), parts_.api,
                    AppApiParts{.apps = parts_.apps,
                                .channels = parts_.channels,
                                .definitions = parts_.definitions,
                                .publisher = parts_.publisher,
                                .presence = parts_.presence,
                                .revoker = parts_.revoker,
                                .clock = parts_.clock,
                                .limit_counters = parts_.counters},
                    parts_.limits, [this] { return reasons_; });
    REQUIRE(server_->listen(path()).has_value());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~RunningApi() {
    on_loop([this] {
      server_.reset();
      loop_.stop();
    });
    thread_.join();
  }
  RunningApi(const RunningApi&) = delete;
  RunningApi& operator=(const RunningApi&) = delete;

  // Runs `work` on the loop's thread and waits for it.
  void on_loop(const std::function<void()>& work) {
    std::atomic<bool> is_done = false;
    loop_.post([&] {
      work();
      is_done = true;
    });
    test::wait_until("the loop's thread", [&] { return is_done.load(); });
  }

  [[nodiscard]] std::string path() const { return folder_.file("app.sock"); }
  [[nodiscard]] test::Endpoint endpoint() const { return "unix:" + path(); }
  HttpResponse ask(std::string method, std::string target, std::string body = "",
                   Headers headers = {}) {
    return test::http(endpoint(), {.method = std::move(method),
                                   .target = std::move(target),
                                   .headers = std::move(headers),
                                   .body = std::move(body)});
  }
  HttpResponse publish(std::string_view body = kMessage) {
    return ask("POST", "/v1/channels/feed/messages", std::string(body));
  }

  ApiTestParts& parts() { return parts_; }
  ApiServer& server() { return *server_; }
  void set_reasons(std::vector<std::string> reasons) {
    on_loop([&] { reasons_ = std::move(reasons); });
  }

 private:
  test::TempDir folder_;
  ApiTestParts parts_;
  uv::Loop loop_;
  uv::LoopTimerWheel wheel_;
  std::vector<std::string> reasons_;
  std::optional<ApiServer> server_;
  std::thread thread_;
};

TEST_CASE("the socket is for its user and group only") {
  const RunningApi api;
  struct stat status{};
  REQUIRE(stat(api.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0660U);
}

TEST_CASE("publishes and reads over the socket") {
  RunningApi api;
  const HttpResponse first = api.ask("POST", "/v1/channels/feed/messages", std::string(kMessage),
                                     {{"Idempotency-Key", "k"}});
  CHECK(first.status == 201);
  CHECK(first.header("content-type").starts_with("application/json"));
  CHECK(api.ask("POST", "/v1/channels/feed/messages", std::string(kMessage),
                {{"Idempotency-Key", "k"}})
            .status == 200);
  CHECK(api.ask("GET", "/v1/channels/feed/messages").json()["messages"].size() == 1);
  CHECK(api.ask("HEAD", "/v1/channels").status == 200);
}

TEST_CASE("health and readiness are told without an app") {
  RunningApi api({app("a"), app("b")});
  CHECK(api.ask("GET", "/healthz").json()["ok"].boolean());
  CHECK(api.ask("GET", "/readyz").status == 200);
  api.set_reasons({"starting"});
  const HttpResponse not_ready = api.ask("GET", "/readyz");
  CHECK(not_ready.status == 503);
  CHECK(not_ready.json()["reasons"][0].string() == "starting");
}

TEST_CASE("methods that a route has not are refused with those it has") {
  RunningApi api;
  const HttpResponse response = api.ask("DELETE", "/v1/channels/feed/messages");
  CHECK(response.status == 405);
  CHECK(response.header("allow") == "GET, HEAD, POST");
  CHECK(response.error_code() == "method-not-allowed");
  CHECK(api.ask("POST", "/readyz").header("allow") == "GET, HEAD");
}

TEST_CASE("with several apps Tako-App says which") {
  RunningApi api({app("a"), app("b")});
  CHECK(api.ask("GET", "/v1/channels").error_code() == "app-unknown");
  CHECK(api.ask("GET", "/v1/channels", "", {{"Tako-App", "c"}}).status == 404);
  CHECK(api.ask("GET", "/v1/channels/feed/messages", "", {{"Tako-App", "a"}}).status == 200);
  CHECK(api.ask("GET", "/v1/channels/feed/messages", "", {{"Tako-App", "b"}}).error_code() ==
        "channel-unknown");
}

TEST_CASE("socket_uids says which users may speak for an app") {
  const auto uid = static_cast<std::uint32_t>(getuid());
  RunningApi api({app("mine", {uid}), app("theirs", {uid + 1})});
  CHECK(api.ask("GET", "/v1/channels", "", {{"Tako-App", "mine"}}).status == 200);
  const HttpResponse refused = api.ask("GET", "/v1/channels", "", {{"Tako-App", "theirs"}});
  CHECK(refused.status == 403);
  CHECK(refused.error_message().find(std::to_string(uid)) != std::string::npos);
}

TEST_CASE("a body over the route's bound is refused, announced or not, and counted") {
  RunningApi api({config::AppConfig{}}, {});
  api.on_loop([&] { api.parts().apps.front().limits.batch_bytes_max = 100; });
  const std::string body = R"({"messages":[)" + std::string(200, ' ') + "]}";
  CHECK(api.ask("POST", "/v1/batch", body).status == 413);
  test::HttpConnection chunked(api.endpoint());
  chunked.send_raw(
      "POST /v1/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nc8\r\n" +
      std::string(200, ' ') + "\r\n0\r\n\r\n");
  CHECK(chunked.read_response().status == 413);
  api.on_loop([&] { CHECK(api.parts().counters.batch_bytes_max == 2); });
}

TEST_CASE("an answer that comes after the client has gone harms nobody") {
  RunningApi api;
  struct Edge final : ControlFollower {
    void on_control() override {}
    [[nodiscard]] std::string_view edge_name() const override { return "edge"; }
    [[nodiscard]] std::uint64_t control_applied() const override { return 0; }
    [[nodiscard]] bool takes_revocations() const override { return true; }
  } edge;
  api.on_loop([&] { api.parts().control.add(edge); });
  {
    test::HttpConnection gone(api.endpoint());
    gone.send({.method = "PUT", .target = "/v1/definitions", .body = R"({"definitions":[]})"});
    test::wait_until("the put", [&] {
      bool is_put = false;
      api.on_loop([&] { is_put = api.parts().definitions.version("default") == 2; });
      return is_put;
    });
  }
  test::HttpConnection waits(api.endpoint());
  waits.send({.method = "PUT",
              .target = "/v1/definitions",
              .body = R"({"definitions":[{"name":"x","auth":false,"transport":"ws"}]})"});
  test::wait_until("the second put", [&] {
    bool is_put = false;
    api.on_loop([&] { is_put = api.parts().definitions.version("default") == 3; });
    return is_put;
  });
  api.on_loop([&] {
    api.parts().clock.advance(api.parts().limits.definitions_apply_wait_ms);
    api.parts().control.tick();
    api.parts().control.remove(edge);
  });
  CHECK(waits.read_response().body == R"({"version":3,"pending":["edge"]})");
}

TEST_CASE("a stream begins at the head, or where the cursor stands") {
  RunningApi api;
  const std::string first = api.publish().json()["id"].string();
  SseClient live(api.endpoint(), "/v1/channels/feed/stream");
  CHECK(live.opening_id() == first);
  SseClient resumed(api.endpoint(), "/v1/channels/feed/stream", {{"Last-Event-ID", "x, 0"}});
  CHECK(resumed.opening_id().starts_with("0-"));
  CHECK(*resumed.next_message().id == first);
  const std::string second = api.publish(R"({"type":"t","data":2})").json()["id"].string();
  const test::SseBlock block = live.next_message();
  CHECK(*block.id == second);
  CHECK(*block.data == R"({"id":")" + second + R"(","channel":"feed","type":"t","data":2})");
  CHECK(*resumed.next_message().id == second);
  SseClient by_query(api.endpoint(), "/v1/channels/feed/stream?last_message_id=" + first);
  CHECK(by_query.opening_id() == first);
  CHECK(*by_query.next_message().id == second);
}

TEST_CASE("ephemeral messages pass through a stream without id") {
  RunningApi api;
  SseClient live(api.endpoint(), "/v1/channels/feed/stream");
  const std::string opening = live.opening_id();
  CHECK(api.publish(R"({"type":"e","data":0,"ephemeral":true})").status == 200);
  const test::SseBlock block = live.next_message();
  CHECK_FALSE(block.id.has_value());
  CHECK(*block.data == R"({"channel":"feed","type":"e","data":0})");
  CHECK(live.last_id() == opening);
}

TEST_CASE("a cursor that can't go on is 410, or an event for those who ask") {
  RunningApi api;
  const std::string first = api.publish().json()["id"].string();
  std::string last;
  for (int number = 0; number < 5; ++number) last = api.publish().json()["id"].string();
  const Headers from_first{{"Last-Event-ID", first}};
  CHECK(SseClient(api.endpoint(), "/v1/channels/feed/stream", from_first).status() == 410);
  SseClient told(api.endpoint(), "/v1/channels/feed/stream?_events=1", from_first);
  const test::SseBlock gap = told.next();
  CHECK(gap.event == "tako.gap");
  CHECK(gap.json()["from"].string() == first);
  CHECK(gap.json()["to"].string() == last);
  CHECK(*gap.id == last);
  const std::string next = api.publish().json()["id"].string();
  CHECK(*told.next_message().id == next);
  CHECK(SseClient(api.endpoint(), "/v1/channels/feed/stream", {{"Last-Event-ID", "no"}}).status() ==
        400);
  CHECK(SseClient(api.endpoint(), "/v1/channels/nope/stream").status() == 404);
}

TEST_CASE("a reader that stalls is pumped from the log when it reads on") {
  RunningApi api;
  api.on_loop([&] {
    api.parts().define(R"([{"name":"feed","auth":false,"transport":"ws","maxMessages":1000}])");
  });
  SseClient slow(api.endpoint(), "/v1/channels/feed/stream", {}, 4'096);
  static_cast<void>(slow.opening_id());
  const std::string body = R"({"type":"t","data":")" + std::string(20'000, 'x') + "\"}";
  for (int number = 0; number < 200; ++number) REQUIRE(api.publish(body).status == 201);
  for (int number = 1; number <= 200; ++number) {
    REQUIRE(slow.next_message().id->starts_with(std::to_string(number) + "-"));
  }
}

TEST_CASE("streams are counted as subscribers, limited, and end when the server drains") {
  RuntimeLimits limits;
  limits.app_streams_max = 1;
  RunningApi api({config::AppConfig{}}, limits);
  SseClient only(api.endpoint(), "/v1/channels/feed/stream");
  static_cast<void>(only.opening_id());
  CHECK(api.ask("GET", "/v1/channels").json()["channels"][0]["subscribers"].number() == 1);
  const SseClient refused(api.endpoint(), "/v1/channels/feed/stream");
  CHECK(refused.status() == 503);
  CHECK(refused.response().error_code() == "limit-reached");
  CHECK(refused.response().has_header("retry-after"));
  std::atomic<bool> is_drained = false;
  api.on_loop([&] {
    CHECK(api.parts().counters.app_streams_max == 1);
    api.server().drain([&] { is_drained = true; });
  });
  CHECK(only.ends());
  test::wait_until("the end of the drain", [&] { return is_drained.load(); });
}

TEST_CASE("a reader that goes away frees its place") {
  RunningApi api;
  {
    SseClient gone(api.endpoint(), "/v1/channels/feed/stream");
    static_cast<void>(gone.opening_id());
  }
  test::wait_until("the stream to end", [&] {
    std::size_t open = 1;
    api.on_loop([&] { open = api.server().streams().open.size(); });
    return open == 0;
  });
}

}  // namespace
}  // namespace tako::broker
