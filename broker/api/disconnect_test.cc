// What a disconnect call means, and what it answers.
#include "broker/api/disconnect.h"

#include <doctest/doctest.h>

#include "broker/api/api_test_parts.h"

namespace tako::broker {
namespace {

struct DisconnectBench : ApiTestParts {
  DisconnectBench() {
    define(R"([{"name":"chat","auth":false,"paramsSchema":{"type":"object","properties":{
      "roomId":{"type":"string"}}}}])");
  }
  // The change that a call has made; null: none.
  const Revocation* revoked(std::string target, std::string body = "") {
    const std::uint64_t before = control.head();
    answer = ask("POST", std::move(target), std::move(body));
    const ControlItem* item = control.next_after(before);
    return item == nullptr ? nullptr : item->revocation();
  }
  ApiAnswer answer;
};

TEST_CASE("a subject is disconnected everywhere, by name, or on one channel") {
  DisconnectBench bench;
  const Revocation* made = bench.revoked("/v1/subjects/ann%2F1/disconnect");
  REQUIRE(made != nullptr);
  CHECK(*made ==
        Revocation{.app = "default", .subject = "ann/1", .at_ms = bench.clock.monotonic_ms()});
  CHECK(bench.answer.status == 200);
  CHECK(bench.answer.body == R"({"subscriptions":0})");
  made = bench.revoked("/v1/subjects/ann/disconnect", R"({"channel":"chat","reason":"why"})");
  REQUIRE(made != nullptr);
  CHECK(made->name == "chat");
  CHECK(made->key.empty());
  CHECK(made->reason == "why");
  for (const char* params : {R"({"roomId":"4 2"})", R"("roomId=4%202")"}) {
    made = bench.revoked("/v1/subjects/ann/disconnect",
                         R"({"channel":"chat","params":)" + std::string(params) + "}");
    REQUIRE(made != nullptr);
    CHECK(made->key == "chat?roomId=4%202");
  }
}

TEST_CASE("everybody is disconnected from a channel, or from all of its name") {
  DisconnectBench bench;
  const Revocation* made = bench.revoked("/v1/channels/chat/disconnect");
  REQUIRE(made != nullptr);
  CHECK(made->subject.empty());
  CHECK(made->name == "chat");
  CHECK(made->key.empty());
  made = bench.revoked("/v1/channels/chat/disconnect?roomId=1", R"({"reauthorize":true})");
  REQUIRE(made != nullptr);
  CHECK(made->key == "chat?roomId=1");
  CHECK(made->reauthorize);
}

TEST_CASE("a ban lasts, and is lifted without ending anything") {
  DisconnectBench bench;
  const Revocation* made = bench.revoked("/v1/subjects/ann/disconnect", R"({"banMs":5000})");
  REQUIRE(made != nullptr);
  CHECK(made->banned_until_ms == bench.clock.wall_ms() + 5'000);
  made = bench.revoked("/v1/subjects/ann/disconnect", R"({"banMs":0})");
  REQUIRE(made != nullptr);
  CHECK(made->at_ms == 0);
  CHECK(made->banned_until_ms < bench.clock.wall_ms());
  CHECK(made->banned_until_ms != 0);
}

TEST_CASE("too many bans are refused, and nothing is taken back by halves") {
  DisconnectBench bench;
  bench.limits.bans_max = 1;
  CHECK(bench.revoked("/v1/subjects/ann/disconnect", R"({"banMs":5000})") != nullptr);
  CHECK(bench.revoked("/v1/subjects/bob/disconnect", R"({"banMs":5000})") == nullptr);
  CHECK(bench.answer.status == 503);
  CHECK(bench.revoked("/v1/subjects/bob/disconnect") != nullptr);
}

TEST_CASE("what can't be meant is refused, and counted where it is a bound") {
  DisconnectBench bench;
  for (const char* body :
       {"[]", "{", R"({"x":1})", R"({"params":{}})", R"({"params":"a=1"})", R"({"channel":5})",
        R"({"channel":"no name"})", R"({"channel":"chat","params":5})", R"({"banMs":-1})",
        R"({"banMs":1.5})", R"({"banMs":1,"reauthorize":true})", R"({"reauthorize":1})",
        R"({"reason":5})", R"({"banMs":86400001})"}) {
    CAPTURE(body);
    CHECK(bench.revoked("/v1/subjects/ann/disconnect", body) == nullptr);
    CHECK(bench.answer.status == 400);
  }
  CHECK(bench.counters.ban_ms_max == 1);
  CHECK(bench.revoked("/v1/subjects/ann/disconnect",
                      R"({"reason":")" + std::string(257, 'x') + "\"}") == nullptr);
  CHECK(bench.counters.revocation_reason_max == 1);
  CHECK(bench.revoked("/v1/channels/chat/disconnect", R"({"channel":"chat"})") == nullptr);
  CHECK(bench.revoked("/v1/channels/none/disconnect?a=1") == nullptr);
  CHECK(bench.answer.status == 404);
  CHECK(bench.revoked("/v1/subjects/" + std::string(257, 'x') + "/disconnect") == nullptr);
  CHECK(bench.answer.status == 400);
}

}  // namespace
}  // namespace tako::broker
