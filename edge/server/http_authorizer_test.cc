// HttpAuthorizer over loopback: the request, merging, keeping, bounds and ends.
#include "edge/server/http_authorizer.h"

#include <doctest/doctest.h>

#include "edge/server/testing/server_fixture.h"

namespace tako::edge {
namespace {

using namespace testing;

struct AuthorizerFixture {
  explicit AuthorizerFixture(const std::function<void(RuntimeLimits&)>& change = {}) {
    if (change) change(limits);
    apps.resize(2);
    apps[0].id = "shop";
    apps[0].secret = "token";
    apps[0].upstream = app.origin();
    apps[1].id = "bare";
    authorizer = std::make_unique<HttpAuthorizer>(loop, wheel.wheel(), limits, limit_counters,
                                                  counters, apps);
  }

  static AuthorizeCall call(std::string credential = "Bearer t", std::string ip = "1.2.3.4") {
    AuthorizeCall call;
    call.app = "shop";
    call.channel = "chat";
    if (!credential.empty()) call.header = parse_credential(credential);
    call.ip = std::move(ip);
    return call;
  }
  // Asks; the result appears in `results`, with its number.
  std::unique_ptr<Authorizer::Ticket> ask(AuthorizeCall asked = call()) {
    const std::size_t number = results.size();
    results.emplace_back("");
    return authorizer->authorize(std::move(asked), [this, number](const Result<Grant>& grant) {
      results[number] = grant ? "ok:" + grant->subject : std::string(grant.error().info().name);
    });
  }
  bool wait(const std::function<bool()>& is_done) { return turns.wait(is_done); }
  // The n-th connection of the app, once a whole call is on it.
  AppConnection& app_got(std::size_t n = 0) {
    REQUIRE(wait(
        [&] { return app.connections.size() > n && app.connections[n]->received.ends_with('}'); }));
    return *app.connections[n];
  }
  void answer(AppConnection& connection, std::string_view body, int status = 200) {
    connection.received.clear();
    connection.send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }
  void settle() { turns.settle(); }

  uv::Loop loop;
  Turns turns{loop};
  uv::LoopTimerWheel wheel{loop};
  RuntimeLimits limits;
  LimitCounters limit_counters;
  ServerSideCounters counters;
  Upstream app{loop};
  std::vector<config::AppConfig> apps;
  std::unique_ptr<HttpAuthorizer> authorizer;
  std::vector<std::string> results;
};

constexpr std::string_view kYes = R"({"ok":true,"subject":"ann"})";
constexpr std::string_view kYesForAMinute = R"({"ok":true,"subject":"ann","ttlMs":60000})";

}  // namespace

TEST_CASE("the call is a POST with the app's host, the token and the body, on a kept connection") {
  AuthorizerFixture fixture;
  for (int i = 0; i < 2; ++i) {
    const auto ticket = fixture.ask();
    AppConnection& app = fixture.app_got();
    CHECK(app.received.starts_with("POST /channels/authorize HTTP/1.1\r\nHost: shop.tako\r\n"));
    CHECK(app.received.contains("X-Tako-Internal-Token: token\r\n"));
    CHECK(app.received.contains("Content-Type: application/json\r\n"));
    CHECK(app.received.ends_with("\r\n\r\n" + std::string(R"({"app":"shop","channel":"chat",)") +
                                 R"("operation":"subscribe","params":{},)" +
                                 R"("header":{"scheme":"Bearer","value":"t"},"ip":"1.2.3.4"})"));
    CHECK(fixture.results.back().empty());
    fixture.answer(app, kYes);
    CHECK(fixture.wait([&] { return fixture.results.back() == "ok:ann"; }));
  }
  CHECK(fixture.app.connections.size() == 1);
  CHECK(fixture.counters.authorize_calls == 2);
}

TEST_CASE("the app's answers are told apart") {
  AuthorizerFixture fixture;
  const struct {
    int status;
    std::string_view body;
    const char* result;
  } cases[] = {{200, R"({"ok":false})", "verify-rejected"},
               {403, "", "verify-rejected"},
               {404, "", "channel-unknown"},
               {302, "", "unavailable"},
               {500, "", "unavailable"},
               {200, "no json", "unavailable"}};
  for (const auto& test : cases) {
    CAPTURE(test.status);
    const auto ticket = fixture.ask();
    fixture.answer(fixture.app_got(), test.body, test.status);
    CHECK(fixture.wait([&] { return fixture.results.back() == test.result; }));
  }
  CHECK(fixture.counters.authorize_failures == 3);
}

TEST_CASE("an app without an upstream, and one that is unknown, are unavailable, told later") {
  AuthorizerFixture fixture;
  AuthorizeCall bare = AuthorizerFixture::call();
  bare.app = "bare";
  const auto first = fixture.ask(bare);
  bare.app = "nobody";
  const auto second = fixture.ask(bare);
  CHECK(fixture.results == std::vector<std::string>{"", ""});
  CHECK(fixture.wait(
      [&] { return fixture.results == std::vector<std::string>{"unavailable", "unavailable"}; }));
}

TEST_CASE("equal calls with a credential are merged while one is in flight") {
  AuthorizerFixture fixture;
  const auto one = fixture.ask();
  const auto two = fixture.ask();
  const auto other_ip = fixture.ask(AuthorizerFixture::call("Bearer t", "9.9.9.9"));
  const auto open_one = fixture.ask(AuthorizerFixture::call(""));
  const auto open_two = fixture.ask(AuthorizerFixture::call(""));
  fixture.app_got(3);
  fixture.settle();
  CHECK(fixture.app.connections.size() == 4);
  for (const auto& connection : fixture.app.connections) fixture.answer(*connection, kYes);
  CHECK(fixture.wait([&] { return fixture.results == std::vector<std::string>(5, "ok:ann"); }));
  CHECK(fixture.counters.authorize_merged == 1);
}

TEST_CASE("an answer with a ttl serves later equal calls, a refusal and one without do not") {
  AuthorizerFixture fixture;
  auto ticket = fixture.ask();
  fixture.answer(fixture.app_got(), R"({"ok":false,"ttlMs":60000})");
  CHECK(fixture.wait([&] { return fixture.results.back() == "verify-rejected"; }));
  ticket = fixture.ask();
  fixture.answer(fixture.app_got(), kYes);
  CHECK(fixture.wait([&] { return fixture.results.back() == "ok:ann"; }));
  ticket = fixture.ask();
  fixture.answer(fixture.app_got(), kYesForAMinute);
  CHECK(fixture.wait([&] { return fixture.results.back() == "ok:ann"; }));
  ticket = fixture.ask();
  CHECK(fixture.results.back().empty());  // Later, never from within.
  CHECK(fixture.wait([&] { return fixture.results.back() == "ok:ann"; }));
  CHECK(fixture.counters.authorize_calls == 3);
  CHECK(fixture.counters.authorize_kept == 1);
}

TEST_CASE("forgetting an app ends what is kept, and nobody joins a call from before") {
  AuthorizerFixture fixture;
  auto before = fixture.ask();
  fixture.answer(fixture.app_got(), kYesForAMinute);
  CHECK(fixture.wait([&] { return fixture.results.back() == "ok:ann"; }));
  fixture.authorizer->forget_app("shop");
  before = fixture.ask();
  AppConnection& first = fixture.app_got();
  fixture.authorizer->forget_app("shop");
  const auto after = fixture.ask();
  AppConnection& second = fixture.app_got(1);
  fixture.answer(first, kYesForAMinute);
  CHECK(fixture.wait([&] { return fixture.results[1] == "ok:ann"; }));
  fixture.answer(second, R"({"ok":false})");
  CHECK(fixture.wait([&] { return fixture.results[2] == "verify-rejected"; }));
  const auto last = fixture.ask();
  fixture.settle();
  CHECK(fixture.results[3].empty());  // The answer from before was not kept.
  CHECK(fixture.counters.authorize_kept == 0);
}

TEST_CASE("calls above the concurrency wait their turn, above the waiting bound they fail") {
  AuthorizerFixture fixture([](RuntimeLimits& l) {
    l.authorize_concurrency_max = 1;
    l.authorize_waiting_max = 1;
  });
  const auto one = fixture.ask(AuthorizerFixture::call("Bearer 1"));
  const auto two = fixture.ask(AuthorizerFixture::call("Bearer 2"));
  const auto three = fixture.ask(AuthorizerFixture::call("Bearer 3"));
  CHECK(fixture.wait([&] { return fixture.results[2] == "limit-reached"; }));
  AppConnection& app = fixture.app_got();
  fixture.settle();
  CHECK(fixture.app.connections.size() == 1);
  fixture.answer(app, kYes);
  CHECK(fixture.wait([&] { return fixture.results[0] == "ok:ann"; }));
  fixture.answer(fixture.app_got(), kYes);
  CHECK(fixture.wait([&] { return fixture.results[1] == "ok:ann"; }));
  CHECK(fixture.limit_counters.authorize_concurrency_max == 1);
  CHECK(fixture.limit_counters.authorize_waiting_max == 1);
}

TEST_CASE(
    "an app that does not answer in time is unavailable, also for those who wait their turn") {
  AuthorizerFixture fixture([](RuntimeLimits& l) {
    l.authorize_concurrency_max = 1;
    l.authorize_timeout_ms = 100;
  });
  const auto one = fixture.ask(AuthorizerFixture::call("Bearer 1"));
  const auto two = fixture.ask(AuthorizerFixture::call("Bearer 2"));
  CHECK(fixture.wait(
      [&] { return fixture.results == std::vector<std::string>{"unavailable", "unavailable"}; }));
  CHECK(fixture.limit_counters.authorize_timeout_ms == 2);
}

TEST_CASE("a destroyed ticket hears nothing; the last one cancels the call") {
  AuthorizerFixture fixture([](RuntimeLimits& l) { l.authorize_concurrency_max = 1; });
  auto one = fixture.ask();
  auto two = fixture.ask();
  const auto waiting = fixture.ask(AuthorizerFixture::call("Bearer other"));
  AppConnection& app = fixture.app_got();
  one.reset();
  fixture.settle();
  CHECK_FALSE(app.has_ended);
  two.reset();
  CHECK(fixture.wait([&] { return app.has_ended; }));
  // Its place goes to the next.
  fixture.answer(fixture.app_got(1), kYes);
  CHECK(fixture.wait([&] { return fixture.results[2] == "ok:ann"; }));
  CHECK(fixture.results[0].empty());
  CHECK(fixture.results[1].empty());
}

TEST_CASE("a reply may destroy tickets that wait for the same answer") {
  AuthorizerFixture fixture;
  std::unique_ptr<Authorizer::Ticket> second;
  int told = 0;
  const auto first =
      fixture.authorizer->authorize(AuthorizerFixture::call(), [&](const Result<Grant>&) {
        ++told;
        second.reset();
      });
  second = fixture.authorizer->authorize(AuthorizerFixture::call(),
                                         [&](const Result<Grant>&) { ++told; });
  const auto third = fixture.ask();
  fixture.answer(fixture.app_got(), kYes);
  CHECK(fixture.wait([&] { return fixture.results[0] == "ok:ann"; }));
  CHECK(told == 1);
}

TEST_CASE("an answer over its bound is unavailable") {
  AuthorizerFixture fixture([](RuntimeLimits& l) { l.authorize_reply_bytes_max = 64; });
  const auto ticket = fixture.ask();
  fixture.answer(fixture.app_got(), R"({"ok":true,"more":")" + std::string(100, 'x') + "\"}");
  CHECK(fixture.wait([&] { return fixture.results[0] == "unavailable"; }));
  CHECK(fixture.limit_counters.authorize_reply_bytes_max == 1);
}

}  // namespace tako::edge
