// The authorize callback: the exact body, and that only a clear yes is a yes.
#include "edge/server/authorize_call.h"

#include <doctest/doctest.h>

#include "common/limits.h"

namespace tako::edge {
namespace {

constexpr std::int64_t kNow = 1'000'000;

Result<AuthorizeAnswer> answer(std::string_view body, int status = 200) {
  return read_authorize_answer(status, body, kNow);
}

ErrorCode refusal(std::string_view body, int status = 200) {
  const auto result = answer(body, status);
  REQUIRE_FALSE(result.has_value());
  return result.error().code;
}

}  // namespace

TEST_CASE("the body has its members in one order, absent ones are left out") {
  AuthorizeCall call;
  call.app = "shop";
  call.channel = "chat";
  call.operation = Operation::Connect;
  call.params = {{"limit", std::int64_t{10}}, {"roomId", std::string("r\"1")}};
  call.ip = "1.2.3.4";
  CHECK(make_authorize_body(call) == R"({"app":"shop","channel":"chat","operation":"connect",)"
                                     R"("params":{"limit":10,"roomId":"r\"1"},"ip":"1.2.3.4"})");
  call.header = HeaderCredential{"Bearer", "abc 123"};
  call.cookie = "sid=1";
  CHECK(make_authorize_body(call) ==
        R"({"app":"shop","channel":"chat","operation":"connect",)"
        R"("params":{"limit":10,"roomId":"r\"1"},"header":{"scheme":"Bearer","value":"abc 123"},)"
        R"("cookie":"sid=1","ip":"1.2.3.4"})");
  call.header = HeaderCredential{std::nullopt, "bare"};
  CHECK(make_authorize_body(call).contains(R"("header":{"value":"bare"})"));
}

TEST_CASE("a yes carries what the app says of the connection") {
  const auto full = answer(
      R"({"ok":true,"subject":"ann","expiresAt":1000001,"ttlMs":500,"rights":["history"],)"
      R"("keepaliveIntervalMs":1000,"maxConnectionLifetimeMs":2000,"presence":{},"more":[1]})");
  REQUIRE(full.has_value());
  CHECK(full->grant.subject == "ann");
  CHECK(full->grant.expires_at_ms == 1'000'001);
  CHECK(full->ttl_ms == 500);
  CHECK(full->grant.rights == std::vector<std::string>{"history"});
  CHECK(full->grant.keepalive_interval_ms == 1000);
  CHECK(full->grant.max_connection_lifetime_ms == 2000);
  const auto bare = answer(R"({"ok":true,"subject":null})");
  REQUIRE(bare.has_value());
  CHECK(bare->grant.subject.empty());
  CHECK(bare->ttl_ms == 0);
  CHECK_FALSE(bare->grant.rights.has_value());
}

TEST_CASE("only `ok` true is a yes") {
  for (const char* body : {R"({"ok":false})", R"({})", R"({"ok":"true"})", R"({"ok":1})",
                           R"({"OK":true})", R"({"ok":null})"}) {
    CAPTURE(body);
    CHECK(refusal(body) == ErrorCode::VerifyRejected);
  }
  CHECK(refusal(R"({"ok":true})", 401) == ErrorCode::VerifyRejected);
  CHECK(refusal(R"({"ok":true})", 403) == ErrorCode::VerifyRejected);
  CHECK(refusal(R"({"ok":true})", 404) == ErrorCode::ChannelUnknown);
  for (const int status : {201, 204, 301, 302, 400, 405, 429, 500, 503}) {
    CAPTURE(status);
    CHECK(refusal(R"({"ok":true})", status) == ErrorCode::Unavailable);
  }
}

TEST_CASE("an expiry that has passed is a refusal") {
  CHECK(refusal(R"({"ok":true,"expiresAt":1000000})") == ErrorCode::VerifyRejected);
  CHECK(answer(R"({"ok":true,"expiresAt":1000001})").has_value());
}

TEST_CASE("a subject over its bound is unavailable, and names the bound") {
  const auto answer = [](std::size_t bytes) {
    return read_authorize_answer(200, R"({"ok":true,"subject":")" + std::string(bytes, 's') + "\"}",
                                 0);
  };
  CHECK(answer(limits::kSubjectMax).has_value());
  REQUIRE_FALSE(answer(limits::kSubjectMax + 1).has_value());
  CHECK(answer(limits::kSubjectMax + 1).error().code == ErrorCode::Unavailable);
  CHECK(answer(limits::kSubjectMax + 1).error().limit == &LimitCounters::subject_max);
}

TEST_CASE("a yes with anything out of shape is unavailable, not guessed at") {
  for (const char* body :
       {"", "true", "[]", R"({"ok":true)", R"({"ok":true}x)", R"({"ok":true,"subject":7})",
        R"({"ok":true,"expiresAt":"soon"})", R"({"ok":true,"ttlMs":-1})",
        R"({"ok":true,"ttlMs":1.5})", R"({"ok":true,"rights":"all"})",
        R"({"ok":true,"rights":[1]})", R"({"ok":true,"keepaliveIntervalMs":0})",
        R"({"ok":true,"maxConnectionLifetimeMs":-5})"}) {
    CAPTURE(body);
    CHECK(refusal(body) == ErrorCode::Unavailable);
  }
  CHECK(refusal(R"({"ok":true,"subject":")" + std::string(257, 's') + "\"}") ==
        ErrorCode::Unavailable);
}

}  // namespace tako::edge
