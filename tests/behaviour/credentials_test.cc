// Credentials of a WebSocket: a header, a cookie or an envelope, and what each refusal looks like.
#include <doctest/doctest.h>

#include <chrono>
#include <tuple>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");

}  // namespace

TEST_CASE("X4: with a refused header the upgrade is done, then closed 4403") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), kRoom, {.headers = {{"Authorization", "Bearer bad"}}});
  check_close(client, 4403, "verify-rejected");
}

TEST_CASE("X5: without a header the envelope's token is asked for, and messages flow") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), kRoom);
  client.send_text(auth_envelope("Bearer good"));
  settle(client);
  const Json call = tako.app().authorize_calls().at(0).json();
  CHECK(call["operation"].string() == "connect");
  CHECK(call["header"] == Json::parse(R"({"scheme":"Bearer","value":"good"})"));
}

TEST_CASE("X6: an envelope that the app refuses is 4403, a channel that it does not know 4404") {
  Cluster tako(with_definitions());
  for (const auto& [status, code, reason] :
       {std::tuple{403, 4403, "verify-rejected"}, std::tuple{401, 4403, "verify-rejected"},
        std::tuple{404, 4404, "channel-unknown"}, std::tuple{500, 4503, "unavailable"}}) {
    CAPTURE(status);
    tako.app().authorize_with({.status = status, .body = "{}"});
    WsClient client(tako.edge(), kRoom);
    client.send_text(auth_envelope("Bearer good"));
    check_close(client, code, reason);
  }
}

TEST_CASE("X7: no frame for 5 s is 4401") {
  Cluster tako(with_definitions());
  const auto began = std::chrono::steady_clock::now();
  WsClient client(tako.edge(), kRoom);
  check_close(client, 4401, "auth-frame-missing");
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::seconds(5));
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("X8: a first frame that is no envelope is 4400") {
  Cluster tako(with_definitions());
  for (const char* frame :
       {"hello", R"({"type":"say","data":1})", "{}", "[]", R"({"type":"tako.auth","token":7})"}) {
    CAPTURE(frame);
    WsClient client(tako.edge(), kRoom);
    client.send_text(frame);
    check_close(client, 4400, "auth-frame-malformed");
  }
}

TEST_CASE("X9: a ping before the envelope is answered and the wait goes on") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), kRoom);
  client.send({.opcode = kWsPing, .payload = "early"});
  const auto pong = client.next_frame();
  REQUIRE(pong.has_value());
  CHECK(pong->opcode == kWsPong);
  CHECK(pong->payload == "early");
  client.send_text(auth_envelope("Bearer good"));
  settle(client);
}

TEST_CASE("X10: a second envelope is ignored and not broadcast") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), kRoom, {.headers = kGoodToken});
  settle(client);
  client.send_text(auth_envelope("Bearer other"));
  client.send_text(R"({"type":"say","data":2})");
  CHECK(client.next_json()["data"].number() == 2);
  CHECK(tako.app().authorize_count() == 1);
}

TEST_CASE(
    "X20: a cookie suffices where the definition names it, and is missed where it alone does") {
  Cluster tako(with_definitions());
  const Headers cookie{{"Cookie", "a=b; sid=s%20=1; c=d"}, same_origin(tako.edge())};
  WsClient by_cookie(tako.edge(), channel_path("ck"), {.headers = cookie});
  settle(by_cookie);
  CHECK(tako.app().authorize_calls().at(0).json()["cookie"].string() == "s%20=1");
  WsClient without(tako.edge(), channel_path("ck"), {.headers = {same_origin(tako.edge())}});
  REQUIRE(without.status() == 101);
  check_close(without, 4401, "auth-frame-missing");
  WsClient both(tako.edge(), channel_path("both"), {.headers = cookie});
  static_cast<void>(tako.app().wait_for_authorize_calls(2));  // Without any envelope.
}

TEST_CASE("a header suffices where a cookie would do as well") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("both"), {.headers = kGoodToken});
  const Json call = tako.app().wait_for_authorize_calls(1)[0].json();
  CHECK(call["header"]["value"].string() == "good");
  CHECK_FALSE(call.has("cookie"));
  WsClient envelope(tako.edge(), channel_path("both"));
  envelope.send_text(auth_envelope("Bearer late"));
  CHECK(tako.app().wait_for_authorize_calls(2)[1].json()["header"]["value"].string() == "late");
}

TEST_CASE("an envelope without a token is put to the app, as a call without a credential") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.status = 403, .body = "{}"});
  WsClient client(tako.edge(), kRoom);
  client.send_text(R"({"type":"tako.auth"})");
  check_close(client, 4403, "verify-rejected");
  const auto calls = tako.app().authorize_calls();
  REQUIRE(calls.size() == 1);
  CHECK_FALSE(calls[0].json().has("header"));
  CHECK_FALSE(calls[0].json().has("cookie"));
}

TEST_CASE("a definition names its header, and no other one counts") {
  Cluster tako(
      with_definitions(R"([{"name":"c","auth":{"headerName":"X-Room-Key"},"transport":"ws"}])"));
  CHECK(SseClient(tako.edge(), channel_path("c"), {{"x-room-key", "open sesame"}}).status() == 200);
  const Json call = tako.app().authorize_calls().at(0).json();
  CHECK(call["header"] == Json::parse(R"({"scheme":"open","value":"sesame"})"));
  CHECK(SseClient(tako.edge(), channel_path("c"), kGoodToken).status() == 401);
  CHECK(tako.app().authorize_count() == 1);
}

TEST_CASE("a binary frame instead of the envelope is 4401, a broken one is RFC 6455's fault") {
  Cluster tako(with_definitions());
  WsClient binary(tako.edge(), kRoom);
  binary.send({.opcode = kWsBinary, .payload = "{}"});
  check_close(binary, 4401, "auth-frame-missing");
  WsClient unmasked(tako.edge(), kRoom);
  unmasked.send({.masked = false, .payload = auth_envelope("Bearer good")});
  CHECK(unmasked.wait_for_close().code == 1002);
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("messages sent behind the envelope wait for the app's answer and are delivered") {
  Cluster tako(with_definitions());
  tako.app().authorize_with({.body = R"({"ok":true,"subject":"ann"})", .delay = Duration(200)});
  WsClient client(tako.edge(), kRoom);
  client.send_text(auth_envelope("Bearer good"));
  client.send_text(R"({"type":"say","data":1})");
  client.send_text(R"({"type":"say","data":2})");
  const Json first = client.next_json();
  CHECK(first["data"].number() == 1);
  CHECK(first["subject"].string() == "ann");
  CHECK(client.next_json()["data"].number() == 2);
}
