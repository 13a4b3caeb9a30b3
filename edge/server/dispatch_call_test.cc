// The dispatch callback's text: the body to the byte, and every answer that the app may give.
#include "edge/server/dispatch_call.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

struct Reader {
  Result<DispatchAnswer> read(std::string_view body, int status = 200) {
    return read_dispatch_answer(status, body, 10, counters);
  }
  std::string failure(std::string_view body, int status = 200) {
    const auto answer = read(body, status);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ErrorCode::Unavailable);
    return std::string(answer.error().message());
  }

  LimitCounters counters;
};

}  // namespace

TEST_CASE("the body says where, who and what; subject and key only when there are any") {
  DispatchCall call{.app = "default",
                    .channel = "chat",
                    .params = {},
                    .subject = "an\"n",
                    .type = "msg",
                    .data = R"({"text":"hi"})",
                    .idempotency_key = "k1",
                    .ip = "192.0.2.7"};
  CHECK(make_dispatch_body(call) ==
        R"({"app":"default","channel":"chat","params":{},"subject":"an\"n","type":"msg",)"
        R"("data":{"text":"hi"},"idempotencyKey":"k1","ip":"192.0.2.7"})");
  call.subject.clear();
  call.idempotency_key.clear();
  CHECK(make_dispatch_body(call) == R"({"app":"default","channel":"chat","params":{},"type":"msg",)"
                                    R"("data":{"text":"hi"},"ip":"192.0.2.7"})");
}

TEST_CASE("fanout publishes what the app returns, or what was sent") {
  Reader reader;
  const auto as_sent = reader.read(R"({"action":"fanout"})");
  REQUIRE(as_sent.has_value());
  CHECK(as_sent->action == DispatchAction::Fanout);
  CHECK_FALSE(as_sent->data.has_value());
  CHECK(reader.read(R"({"data": [1, 2], "action": "fanout", "more": 1})")->data == "[1,2]");
  CHECK(reader.read(R"({"action":"fanout","data":null})")->data == "null");
}

TEST_CASE("drop and reject, with or without a reason") {
  Reader reader;
  CHECK(reader.read(R"({"action":"drop","data":1})")->action == DispatchAction::Drop);
  const auto rejected = reader.read(R"({"action":"reject","reason":"too \u0000loud"})");
  REQUIRE(rejected.has_value());
  CHECK(rejected->action == DispatchAction::Reject);
  CHECK(rejected->reason == std::string("too \0loud", 9));
  CHECK(reader.read(R"({"action":"reject"})")->reason.empty());
  CHECK(reader.read(R"({"action":"reject","reason":null})")->reason.empty());
}

TEST_CASE("a long reason is cut between two characters") {
  Reader reader;
  const std::string long_one = std::string(499, 'x') + "\u00e9" + std::string(100, 'y');
  const auto rejected = reader.read(R"({"action":"reject","reason":")" + long_one + "\"}");
  REQUIRE(rejected.has_value());
  CHECK(rejected->reason == std::string(499, 'x'));
  CHECK(reader.counters.dispatch_reason_bytes_max == 1);
  const std::string whole(500, 'z');
  CHECK(reader.read(R"({"action":"reject","reason":")" + whole + "\"}")->reason == whole);
  CHECK(reader.counters.dispatch_reason_bytes_max == 1);
}

TEST_CASE("whatever is no decision is unavailable, and says what was wrong") {
  Reader reader;
  for (const int status : {201, 204, 302, 400, 403, 404, 500, 503}) {
    CHECK(reader.failure(R"({"action":"drop"})", status)
              .ends_with(": status " + std::to_string(status)));
  }
  for (const char* body : {"", "no json", "[]", "null", R"({"action":"drop"} x)", "{"}) {
    CAPTURE(body);
    CHECK(reader.failure(body).ends_with("no JSON object"));
  }
  for (const char* body : {"{}", R"({"action":"publish"})", R"({"action":1})", R"({"action":null})",
                           R"({"action":"Drop"})", R"({"ok":true})"}) {
    CAPTURE(body);
    CHECK(reader.failure(body).ends_with("action is none of fanout, drop, reject"));
  }
  CHECK(
      reader.failure(R"({"action":"reject","reason":7})").ends_with("the reason is not a string"));
  const auto large = reader.read(R"({"action":"fanout","data":"123456789"})");
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().message().ends_with("data has more than 10 bytes"));
  CHECK(large.error().limit == &LimitCounters::client_message_bytes_max);
  CHECK(reader.read(R"({"action":"fanout","data":"12345678"})").has_value());
}

}  // namespace tako::edge
