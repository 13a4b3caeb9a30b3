// Definitions: a PUT replaces the set, reaches every edge, and judges what is live again.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

constexpr std::string_view kPublic =
    R"([{"name":"c","auth":false,"transport":"ws","handlers":{"say":"relay"}}])";

HttpResponse put(Cluster& tako, std::string_view definitions) {
  return tako.api("PUT", "/v1/definitions", "{\"definitions\":" + std::string(definitions) + "}");
}

// One definition with this schema for the param `p`.
std::string with_schema(std::string_view schema) {
  return R"([{"name":"c","auth":false,"transport":"ws","handlers":{"say":"relay"},)"
         R"("paramsSchema":{"type":"object","properties":{"p":)" +
         std::string(schema) + "}}}]";
}

// The definition of kPublic, with this member `auth`.
std::string with_auth(std::string_view auth) {
  return R"([{"name":"c","transport":"ws","handlers":{"say":"relay"},"auth":)" + std::string(auth) +
         "}]";
}

void check_refused(Cluster& tako, std::string_view definitions, std::string_view mention) {
  CAPTURE(definitions);
  const HttpResponse response = put(tako, definitions);
  CHECK(response.status == 400);
  REQUIRE(response.error_code() == "definition-invalid");
  CAPTURE(response.error_message());
  CHECK(response.error_message().find(mention) != std::string::npos);
}

bool accepts(Cluster& tako, std::string_view value) {
  return SseClient(tako.edge(), channel_path("c", "p=" + percent_encoded(value))).status() == 200;
}

}  // namespace

TEST_CASE("a PUT replaces the whole set, and every edge knows it when the answer comes") {
  ClusterOptions options = with_definitions(kPublic);
  options.edges = 2;
  Cluster tako(options);
  const double version = put(tako, kPublic).json()["version"].number();
  const HttpResponse response = put(tako, R"([{"name":"d","auth":false,"transport":"ws"}])");
  CHECK(response.status == 200);
  CHECK(response.json()["version"].number() > version);
  CHECK_FALSE(response.json().has("pending"));
  for (const std::size_t edge : {0U, 1U}) {
    CHECK(SseClient(tako.edge(edge), channel_path("c")).status() == 404);
    CHECK(SseClient(tako.edge(edge), channel_path("d")).status() == 200);
  }
}

TEST_CASE("the set can be read back") {
  Cluster tako(with_definitions());
  const HttpResponse response = tako.api("GET", "/v1/definitions");
  REQUIRE(response.status == 200);
  CHECK(response.json()["definitions"].size() == 7);
}

TEST_CASE("subscriptions of a removed definition end: 4404, and the end of a stream") {
  Cluster tako(with_definitions(kPublic));
  WsClient socket(tako.edge(), channel_path("c"));
  SseClient stream(tako.edge(), channel_path("c"));
  static_cast<void>(stream.opening_id());
  settle(socket);
  tako.put_definitions("[]");
  const WsEnd end = socket.wait_for_close();
  CHECK(end.code == 4404);
  CHECK(end.reason == "channel-unknown");
  CHECK(stream.ends());
}

TEST_CASE("subscriptions whose channel key changed are closed with 1012") {
  Cluster tako(with_definitions(with_schema(R"({"type":"string"})")));
  WsClient socket(tako.edge(), channel_path("c", "p=1"));
  settle(socket);
  tako.put_definitions(kPublic);  // `p` is no longer declared, so it no longer makes the channel.
  CHECK(socket.wait_for_close().code == 1012);
}

TEST_CASE("subscriptions whose params fit no longer are closed with 4422") {
  Cluster tako(with_definitions(with_schema(R"({"type":"string"})")));
  WsClient socket(tako.edge(), channel_path("c", "p=long"));
  SseClient stream(tako.edge(), channel_path("c", "p=ok"));
  static_cast<void>(stream.opening_id());
  settle(socket);
  tako.put_definitions(with_schema(R"({"type":"string","maxLength":2})"));
  check_close(socket, 4422, "params-invalid");
  tako.publish("c", "t", "1", "p=ok");
  CHECK(stream.next_data(1)[0] == "1");
}

TEST_CASE("subscriptions of a definition that did not change stay and miss nothing") {
  const std::string same = std::string(kPublic).substr(1, kPublic.size() - 2);
  Cluster tako(with_definitions(kPublic));
  WsClient socket(tako.edge(), channel_path("c"));
  settle(socket);
  tako.publish("c", "t", "1");
  tako.put_definitions("[" + same + R"(,{"name":"d","auth":false,"transport":"ws"}])");
  tako.publish("c", "t", "2");
  CHECK(socket.next_json()["data"].number() == 1);
  CHECK(socket.next_json()["data"].number() == 2);
}

TEST_CASE("subscriptions whose definition now asks for other credentials are judged by the app") {
  Cluster tako(with_definitions(with_auth("{}")));
  allow_good_tokens(tako.app());
  WsClient allowed(tako.edge(), channel_path("c"), {.headers = kGoodToken});
  WsClient refused(tako.edge(), channel_path("c"), {.headers = {{"Authorization", "Bearer bob"}}});
  settle(allowed);
  settle(refused);
  tako.app().on_authorize([](const Json& call) -> StubReply {
    return {.status = call["header"]["value"].string() == "good" ? 200 : 403,
            .body = R"({"ok":true,"subject":"ann"})"};
  });
  tako.put_definitions(with_auth(R"({"cookieName":"sid"})"));
  CHECK(refused.wait_for_close().code == 4403);
  settle(allowed);
}

TEST_CASE(
    "while the app judges by a new rule nothing is delivered, and afterwards nothing is missing") {
  Cluster tako(with_definitions(with_auth("{}")));
  allow_good_tokens(tako.app());
  WsClient allowed(tako.edge(), channel_path("c"), {.headers = kGoodToken});
  WsClient refused(tako.edge(), channel_path("c"), {.headers = {{"Authorization", "Bearer bob"}}});
  settle(allowed);
  settle(refused);
  tako.app().on_authorize([](const Json& call) -> StubReply {
    return {.status = call["header"]["value"].string() == "good" ? 200 : 403,
            .body = R"({"ok":true,"subject":"ann"})",
            .delay = std::chrono::milliseconds(400)};
  });
  tako.put_definitions(with_auth(R"({"cookieName":"sid"})"));
  tako.publish("c", "t", R"("meanwhile")");
  auto frame = refused.next_frame();
  for (; frame && frame->opcode != kWsClose; frame = refused.next_frame()) {
    CHECK(frame->payload.find("meanwhile") == std::string::npos);
  }
  REQUIRE(frame.has_value());
  CHECK(frame->close_code() == 4403);
  while (allowed.next_json()["data"].string() != "meanwhile") {
  }
}

TEST_CASE("subscriptions of a channel that is public no longer come again, and are judged then") {
  Cluster tako(with_definitions(kPublic));
  tako.app().authorize_with({.status = 403, .body = "{}"});
  WsClient socket(tako.edge(), channel_path("c"), {.headers = kGoodToken});
  SseClient stream(tako.edge(), channel_path("c"));
  static_cast<void>(stream.opening_id());
  settle(socket);
  static_cast<void>(stream.next_message());
  tako.put_definitions(with_auth("{}"));
  tako.publish("c", "t", R"("private")");
  const auto end = socket.next_frame();
  REQUIRE(end.has_value());
  CHECK(end->opcode == kWsClose);  // Nothing that was published since.
  CHECK(end->close_code() == 1012);
  for (auto block = stream.next_or_end(); block; block = stream.next_or_end()) {
    CHECK_FALSE(block->is_message());
  }
  WsClient again(tako.edge(), channel_path("c"), {.headers = kGoodToken});
  CHECK(again.wait_for_close().code == 4403);
  CHECK(SseClient(tako.edge(), channel_path("c")).status() == 401);
}

TEST_CASE("what the schema checker does not support is refused by name") {
  Cluster tako(with_definitions(kPublic));
  for (const char* keyword :
       {"$ref", "oneOf", "not", "if", "patternProperties", "dependentRequired", "contentEncoding",
        "unevaluatedProperties", "prefixItems"}) {
    check_refused(tako, with_schema("{\"type\":\"string\",\"" + std::string(keyword) + "\":{}}"),
                  keyword);
  }
  check_refused(tako, with_schema(R"({"type":"string","format":"made-up"})"), "made-up");
  check_refused(tako, with_schema(R"({"type":"string","pattern":"(a)\\1"})"), "pattern");
  check_refused(tako, with_schema(R"json({"type":"string","pattern":"(?=a)"})json"), "pattern");
  CHECK(SseClient(tako.edge(), channel_path("c")).status() == 200);  // The old set still holds.
}

TEST_CASE("mistakes in a definition are refused with the definition and the member") {
  Cluster tako(with_definitions(kPublic));
  check_refused(tako, R"([{"name":"c","auth":false,"transport":"udp"}])", "transport");
  check_refused(tako, R"([{"name":"c","auth":true,"transport":"ws"}])", "auth");
  check_refused(tako, R"([{"name":"c","auth":{"headerName":false},"transport":"ws"}])", "auth");
  check_refused(tako, R"([{"name":"c","auth":false,"transport":"ws","replayWindow":5}])",
                "replayWindow");
  check_refused(tako, R"([{"name":"c","auth":false,"transport":"ws","replayWindowMs":-1}])",
                "replayWindowMs");
  check_refused(tako, R"([{"name":"c","auth":false,"transport":"ws","slow":"maybe"}])", "slow");
  check_refused(tako, R"([{"name":"a b","auth":false,"transport":"ws"}])", "name");
  check_refused(tako, R"([{"name":"twice","auth":false,"transport":"ws"},
                          {"name":"twice","auth":false,"transport":"ws"}])",
                "twice");
  check_refused(tako, R"([{"name":"c","auth":false,"transport":"ws","handlers":{"t":"forward"}}])",
                "handlers.t");
  check_refused(tako, R"([{"name":"c","auth":false,"transport":"ws","presence":{"grace":1}}])",
                "presence.grace");
  CHECK(put(tako, "{}").status == 400);
  CHECK(tako.api("PUT", "/v1/definitions", "nonsense").status == 400);
}

TEST_CASE("each supported rule of a schema is checked on subscribing") {
  Cluster tako(with_definitions(kPublic));
  struct Rule {
    const char* schema;
    std::vector<std::string> good;
    std::vector<std::string> bad;
  };
  const std::vector<Rule> rules{
      {R"({"type":"string","minLength":2,"maxLength":3})", {"ab", "äöü"}, {"a", "abcd"}},
      {R"({"type":"string","pattern":"^r-[0-9]+$"})", {"r-1"}, {"r-", "xr-1", "r-1x"}},
      {R"({"type":"string","format":"uuid"})",
       {"6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
       {"6ba7b810", ""}},
      {R"({"type":"string","format":"date-time"})",
       {"2026-01-02T03:04:05Z"},
       {"2026-13-02T03:04:05Z", "yesterday"}},
      {R"({"type":"string","format":"email"})", {"a@b.example"}, {"a", "@", "a@"}},
      {R"({"enum":["a","b"],"type":"string"})", {"a", "b"}, {"c", ""}},
      {R"({"const":"a","type":"string"})", {"a"}, {"b"}},
      {R"({"anyOf":[{"const":"a","type":"string"},{"const":"b","type":"string"}]})",
       {"a", "b"},
       {"c"}},
      {R"({"type":"integer","minimum":1,"maximum":9})", {"1", "9"}, {"0", "10", "1.5", "x", ""}},
      {R"({"type":"number","exclusiveMinimum":0,"multipleOf":0.5})", {"0.5", "2"}, {"0", "0.3"}},
      {R"({"type":"boolean"})", {"true", "false"}, {"1", "True", ""}},
      {R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":2,"uniqueItems":true})",
       {"[1]", "[1,2]"},
       {"[]", "[1,2,3]", "[1,1]", "[\"a\"]", "1"}}};
  for (const Rule& rule : rules) {
    CAPTURE(rule.schema);
    tako.put_definitions(with_schema(rule.schema));
    for (const std::string& value : rule.good) {
      CAPTURE(value);
      CHECK(accepts(tako, value));
    }
    for (const std::string& value : rule.bad) {
      CAPTURE(value);
      CHECK_FALSE(accepts(tako, value));
    }
  }
}

TEST_CASE("a pattern that hangs other engines does not hang the edge") {
  Cluster tako(with_definitions(with_schema(R"({"type":"string","pattern":"^(a+)+$"})")));
  CHECK_FALSE(accepts(tako, std::string(2000, 'a') + "!"));
  CHECK(accepts(tako, "aaa"));
}

TEST_CASE("a definitions file in the configuration serves apps that have no SDK") {
  TempDir folder;
  const std::string file =
      folder.write("definitions.json", R"({"definitions":)" + std::string(kPublic) + "}");
  Cluster tako(
      {.broker_config = "[[apps]]\nid = \"default\"\ndefinitions_file = \"" + file + "\"\n"});
  CHECK(SseClient(tako.edge(), channel_path("c")).status() == 200);
  tako.restart_broker();
  tako.wait_until_ready();
  CHECK(SseClient(tako.edge(), channel_path("c")).status() == 200);
}
