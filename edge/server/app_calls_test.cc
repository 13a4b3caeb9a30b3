// AppCalls over loopback: the request, its bounds, its ends.
#include "edge/server/app_calls.h"

#include <doctest/doctest.h>

#include "edge/server/testing/server_fixture.h"

namespace tako::edge {
namespace {

using namespace testing;

struct AppCallsFixture {
  explicit AppCallsFixture(std::size_t concurrency_max = 2, std::int64_t timeout_ms = 20'000) {
    apps.resize(2);
    apps[0].id = "shop";
    apps[0].secret = "token";
    apps[0].upstream = app.origin();
    apps[1].id = "bare";
    calls.emplace(
        loop, wheel.wheel(), limits, limit_counters, sent, upstream_targets(apps, "/ask"),
        AppCallOptions{.name = "test",
                       .concurrency = {concurrency_max, &LimitCounters::authorize_concurrency_max},
                       .waiting = {1, &LimitCounters::authorize_waiting_max},
                       .reply_bytes = {8, &LimitCounters::authorize_reply_bytes_max},
                       .timeout = {std::chrono::milliseconds(timeout_ms),
                                   &LimitCounters::authorize_timeout_ms}});
  }
  // Asks; what comes appears in `answers`, with its number.
  std::unique_ptr<AppCall> ask(std::string body = "{}", bool is_replayable = false) {
    const std::size_t number = answers.size();
    answers.emplace_back("");
    auto call = calls->start({"shop", std::move(body), {{"X-More", "yes"}}, is_replayable},
                             [this, number](const Result<AppAnswer>& answer) {
                               answers[number] =
                                   answer ? std::to_string(answer->status) + ":" + answer->body
                                          : std::string(answer.error().message());
                             });
    if (!call) answers[number] = call.error().info().name;
    return call ? *std::move(call) : nullptr;
  }
  AppConnection& app_got(std::size_t n = 0) {
    REQUIRE(turns.wait(
        [&] { return app.connections.size() > n && app.connections[n]->received.ends_with('}'); }));
    return *app.connections[n];
  }
  static void answer(AppConnection& connection, std::string_view body) {
    connection.received.clear();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n" + std::string(body));
  }
  bool is_told(std::size_t number, std::string_view what) {
    return turns.wait([&] { return answers[number].contains(what); });
  }

  uv::Loop loop;
  Turns turns{loop};
  uv::LoopTimerWheel wheel{loop};
  RuntimeLimits limits;
  LimitCounters limit_counters;
  std::uint64_t sent = 0;
  Upstream app{loop};
  std::vector<config::AppConfig> apps;
  std::optional<AppCalls> calls;
  std::vector<std::string> answers;
};

}  // namespace

TEST_CASE("a call is a POST of JSON with the app's host, the token, and headers of its own") {
  AppCallsFixture fixture;
  const auto call = fixture.ask(R"({"a":1})");
  AppConnection& app = fixture.app_got();
  CHECK(app.received.starts_with("POST /ask HTTP/1.1\r\nHost: shop.tako\r\n"));
  for (const std::string_view header : {"X-Tako-Internal-Token: token\r\n",
                                        "Content-Type: application/json\r\n", "X-More: yes\r\n"}) {
    CAPTURE(header);
    CHECK(app.received.contains(header));
  }
  CHECK(app.received.ends_with("\r\n\r\n{\"a\":1}"));
  CHECK(fixture.answers[0].empty());
  fixture.answer(app, "yes");
  CHECK(fixture.is_told(0, "200:yes"));
  CHECK(fixture.sent == 1);
}

TEST_CASE("an app without an upstream, or unknown, is unavailable at once") {
  AppCallsFixture fixture;
  for (const char* app : {"bare", "nobody"}) {
    const auto call = fixture.calls->start({app, "{}"}, [](const Result<AppAnswer>&) {});
    REQUIRE_FALSE(call.has_value());
    CHECK(call.error().code == ErrorCode::Unavailable);
  }
  CHECK(fixture.sent == 0);
}

TEST_CASE("one above the concurrency waits its turn, one above those who wait is refused") {
  AppCallsFixture fixture(1);
  auto one = fixture.ask();
  const auto two = fixture.ask();
  const auto three = fixture.ask();
  CHECK(fixture.answers[2] == "limit-reached");
  CHECK(fixture.limit_counters.authorize_concurrency_max == 1);
  CHECK(fixture.limit_counters.authorize_waiting_max == 1);
  fixture.answer(fixture.app_got(), "1");
  CHECK(fixture.is_told(0, "200:1"));
  fixture.answer(fixture.app_got(), "2");
  CHECK(fixture.is_told(1, "200:2"));
}

TEST_CASE("a destroyed call is cancelled, and its place goes to the next") {
  AppCallsFixture fixture(1);
  auto one = fixture.ask();
  auto waiting = fixture.ask();
  AppConnection& app = fixture.app_got();
  waiting.reset();
  waiting = fixture.ask();
  one.reset();
  CHECK(fixture.turns.wait([&] { return app.has_ended; }));
  fixture.answer(fixture.app_got(1), "3");
  CHECK(fixture.is_told(2, "200:3"));
  CHECK(fixture.answers[0].empty());
  CHECK(fixture.answers[1].empty());
}

TEST_CASE("too late, too large and cut short are failures, each with its words") {
  AppCallsFixture fixture(1, 300);
  const auto large = fixture.ask();
  fixture.answer(fixture.app_got(), "123456789");
  CHECK(fixture.is_told(0, "the app's test answer is too large"));
  CHECK(fixture.limit_counters.authorize_reply_bytes_max == 1);
  const auto cut = fixture.ask();
  fixture.app_got(1).send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12");
  fixture.app.connections[1]->close();
  CHECK(fixture.is_told(1, "the app does not answer its test call"));
  const auto late = fixture.ask();
  const auto waiting = fixture.ask();  // Its time runs while it waits.
  CHECK(fixture.is_told(2, "the app did not answer its test call in time"));
  CHECK(fixture.is_told(3, "the app did not answer its test call in time"));
  CHECK(fixture.limit_counters.authorize_timeout_ms == 2);
}

TEST_CASE("a reply may destroy its own call and others") {
  AppCallsFixture fixture;
  std::unique_ptr<AppCall> one;
  std::unique_ptr<AppCall> two = fixture.ask();
  AppConnection& of_two = fixture.app_got();
  bool is_told = false;
  one = *fixture.calls->start({"shop", "{}"}, [&](const Result<AppAnswer>&) {
    is_told = true;
    one.reset();
    two.reset();
  });
  fixture.answer(fixture.app_got(1), "1");
  CHECK(fixture.turns.wait([&] { return is_told && of_two.has_ended; }));
  CHECK(fixture.answers[0].empty());
}

TEST_CASE("only what may be asked twice is sent again when a kept connection was dead") {
  for (const bool is_replayable : {false, true}) {
    CAPTURE(is_replayable);
    AppCallsFixture fixture;
    const auto first = fixture.ask();
    fixture.answer(fixture.app_got(), "1");
    REQUIRE(fixture.is_told(0, "200:1"));
    const auto second = fixture.ask("{}", is_replayable);
    fixture.app_got().close();
    if (is_replayable) fixture.answer(fixture.app_got(1), "2");
    CHECK(fixture.is_told(1, is_replayable ? "200:2" : "does not answer"));
  }
}

}  // namespace tako::edge
