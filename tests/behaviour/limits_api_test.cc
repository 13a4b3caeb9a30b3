// Limits of names, messages, definitions and the app API: each driven to its bound.
#include <doctest/doctest.h>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

HttpResponse put(Cluster& tako, std::string_view definitions) {
  return tako.api("PUT", "/v1/definitions", "{\"definitions\":" + std::string(definitions) + "}");
}

HttpResponse post(Cluster& tako, std::string body, Headers headers = {}) {
  return tako.api("POST", "/v1/channels/feed/messages", std::move(body), std::move(headers));
}

std::string with_pattern(std::string_view pattern) {
  return R"([{"name":"p","auth":false,"transport":"ws","paramsSchema":{"type":"object",)"
         R"("properties":{"x":{"type":"string","pattern":")" +
         std::string(pattern) + "\"}}}}]";
}

constexpr std::string_view kTwo = R"([{"name":"x","auth":false,"transport":"ws"},
                                      {"name":"y","auth":false,"transport":"ws"}])";
constexpr std::string_view kThree = R"([{"name":"x","auth":false,"transport":"ws"},
  {"name":"y","auth":false,"transport":"ws"},{"name":"z","auth":false,"transport":"ws"}])";

}  // namespace

TEST_CASE("channel_name_max") {
  Cluster tako(with_definitions(R"([{"name":"n*","auth":false,"transport":"ws"}])"));
  CHECK(publish_bytes(tako, std::string(200, 'n'), 10).status == 201);
  CHECK(publish_bytes(tako, std::string(201, 'n'), 10).status >= 400);
  CHECK(SseClient(tako.edge(), channel_path(std::string(201, 'n'))).status() == 404);
  CHECK(broker_hits(tako, "channel_name_max") == 1);
  CHECK(edge_hits(tako, "channel_name_max") == 1);
}

TEST_CASE("channel_key_bytes_max") {
  Cluster tako(with_definitions());
  // A colon is one byte of a query and three of a key: `chat?roomId=%3A%3A…`.
  const auto query = [](std::size_t colons) { return "roomId=" + std::string(colons, ':'); };
  CHECK(SseClient(tako.edge(), channel_path("chat", query(2726)), kGoodToken).status() == 200);
  const SseClient stream(tako.edge(), channel_path("chat", query(2727)), kGoodToken);
  CHECK(stream.status() == 400);
  CHECK(stream.response().error_code() == "params-invalid");
  WsClient socket(tako.edge(), channel_path("chat", query(2727)), {.headers = kGoodToken});
  CHECK(socket.wait_for_close().code == 4422);
  CHECK(tako.api("POST", "/v1/channels/chat/messages?" + query(2727), R"({"type":"t","data":1})")
            .error_code() == "params-invalid");
  CHECK(broker_hits(tako, "channel_key_bytes_max") == 3);
}

TEST_CASE("message_type_max") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("wire"));
  client.send_text(R"({"type":")" + std::string(129, 't') + R"(","data":1})");
  CHECK(client.wait_for_close().code == 4415);
  CHECK(edge_hits(tako, "message_type_max") == 1);
  const auto status_with = [&tako](const std::string& type) {
    return post(tako, R"({"type":")" + type + R"(","data":1})").status;
  };
  CHECK(status_with(std::string(128, 't')) == 201);
  CHECK(status_with(std::string(129, 't')) == 400);
  CHECK(broker_hits(tako, "message_type_max") == 1);
}

TEST_CASE("message_bytes_max") {
  Cluster tako(with_limits({"message_bytes_max=100"}));
  CHECK(publish_bytes(tako, "feed", 100).status == 201);
  CHECK(publish_bytes(tako, "feed", 101).status == 413);
  CHECK(broker_hits(tako, "message_bytes_max") == 1);
}

TEST_CASE("client_message_bytes_max") {
  Cluster tako(with_limits({"client_message_bytes_max=100"}));
  WsClient client(tako.edge(), channel_path("wire"));
  const auto say = [&client](std::size_t bytes) {
    const std::string start = R"({"type":"say","data":")";
    client.send_text(start + std::string(bytes - start.size() - 2, 'x') + "\"}");
  };
  say(100);
  CHECK(client.next_json()["type"].string() == "say");
  say(101);
  CHECK(client.wait_for_close().code == 1009);
  CHECK(edge_hits(tako, "client_message_bytes_max") == 1);
}

TEST_CASE("query_pairs_max") {
  Cluster tako(with_definitions());
  std::string query = "a0=1";
  for (int pair = 1; pair < 64; ++pair) query += "&a" + std::to_string(pair) + "=1";
  CHECK(SseClient(tako.edge(), channel_path("feed", query)).status() == 200);
  const SseClient refused(tako.edge(), channel_path("feed", query + "&b=1"));
  CHECK(refused.status() == 400);
  CHECK(refused.response().error_code() == "params-invalid");
  CHECK(edge_hits(tako, "query_pairs_max") == 1);
  CHECK(tako.api("GET", "/v1/channels/feed/messages?" + query + "&b=1").status == 400);
  CHECK(broker_hits(tako, "query_pairs_max") == 1);
}

TEST_CASE("json_depth_max") {
  Cluster tako(with_definitions());
  const auto nested = [](int depth) {
    return R"({"type":"t","data":)" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  CHECK(post(tako, nested(60)).status == 201);
  CHECK(post(tako, nested(70)).status == 400);
  CHECK(broker_hits(tako, "json_depth_max") == 1);
  WsClient client(tako.edge(), channel_path("wire"));
  client.send_text(nested(70));
  CHECK(client.wait_for_close().code == 4415);
  CHECK(edge_hits(tako, "json_depth_max") == 1);
}

TEST_CASE("idempotency_key_max") {
  Cluster tako(with_definitions());
  const std::string body = R"({"type":"t","data":1})";
  CHECK(post(tako, body, {{"Idempotency-Key", std::string(256, 'k')}}).status == 201);
  CHECK(post(tako, body, {{"Idempotency-Key", std::string(257, 'k')}}).status == 400);
  CHECK(broker_hits(tako, "idempotency_key_max") == 1);
  WsClient client(tako.edge(), channel_path("wire"));
  client.send_text(R"({"type":"say","data":1,"idempotencyKey":")" + std::string(257, 'k') + "\"}");
  CHECK(client.wait_for_close().code == 4415);
  CHECK(edge_hits(tako, "idempotency_key_max") == 1);
}

TEST_CASE("subject_max") {
  Cluster tako(with_definitions());
  const auto status_with = [&tako](std::size_t bytes) {
    tako.app().authorize_with(
        {.body = R"({"ok":true,"subject":")" + std::string(bytes, 's') + "\"}"});
    return SseClient(tako.edge(), channel_path("chat", "roomId=1"), kGoodToken).status();
  };
  CHECK(status_with(256) == 200);
  CHECK(status_with(257) == 503);
  CHECK(edge_hits(tako, "subject_max") == 1);
}

TEST_CASE("definitions_max") {
  Cluster tako(with_limits({"definitions_max=2"}, {}));
  CHECK(put(tako, kTwo).status == 200);
  const HttpResponse refused = put(tako, kThree);
  CHECK(refused.status == 400);
  CHECK(refused.error_code() == "definition-invalid");
  CHECK(broker_hits(tako, "definitions_max") == 1);
}

TEST_CASE("definitions_bytes_max") {
  Cluster tako(with_limits({"definitions_bytes_max=100"}, {}));
  CHECK(put(tako, R"([{"name":"x","auth":false,"transport":"ws"}])").status == 200);
  CHECK(put(tako, kThree).status == 413);
  CHECK(broker_hits(tako, "definitions_bytes_max") == 1);
}

TEST_CASE("pattern_bytes_max") {
  Cluster tako(with_definitions());
  CHECK(put(tako, with_pattern(std::string(1024, 'p'))).status == 200);
  CHECK(put(tako, with_pattern(std::string(1025, 'p'))).error_code() == "definition-invalid");
  CHECK(broker_hits(tako, "pattern_bytes_max") == 1);
}

TEST_CASE("pattern_memory_max") {
  Cluster tako(with_definitions());
  CHECK(put(tako, with_pattern('(' + std::string(100, 'p') + "){10}")).status == 200);
  CHECK(put(tako, with_pattern('(' + std::string(100, 'p') + "){1000}")).error_code() ==
        "definition-invalid");
  CHECK(broker_hits(tako, "pattern_memory_max") == 1);
}

TEST_CASE("patterns_max") {
  Cluster tako(with_definitions());
  const auto with_patterns = [](int count) {
    std::string properties;
    for (int number = 0; number < count; ++number) {
      properties += (number == 0 ? "\"p" : ",\"p") + std::to_string(number) +
                    R"(":{"type":"string","pattern":"a"})";
    }
    return R"([{"name":"p","paramsSchema":{"type":"object","properties":{)" + properties + "}}}]";
  };
  CHECK(put(tako, with_patterns(1000)).status == 200);
  CHECK(put(tako, with_patterns(1001)).error_code() == "definition-invalid");
  CHECK(broker_hits(tako, "patterns_max") == 1);
}

TEST_CASE("definition_ms_max") {
  Cluster tako(with_definitions());
  const auto with_window = [](std::string_view ms) {
    return R"([{"name":"x","auth":false,"replayWindowMs":)" + std::string(ms) + "}]";
  };
  CHECK(put(tako, with_window("315360000000")).status == 200);
  CHECK(put(tako, with_window("315360000001")).error_code() == "definition-invalid");
  CHECK(broker_hits(tako, "definition_ms_max") == 1);
}

TEST_CASE("presence_members_max and presence_data_bytes_max") {
  Cluster tako(with_definitions());
  const auto with_presence = [](std::string_view members) {
    return R"([{"name":"x","auth":false,"presence":{)" + std::string(members) + "}}]";
  };
  CHECK(put(tako, with_presence(R"("membersMax":100000,"dataBytesMax":4096)")).status == 200);
  CHECK(put(tako, with_presence(R"("membersMax":100001)")).error_code() == "definition-invalid");
  CHECK(broker_hits(tako, "presence_members_max") == 1);
  CHECK(put(tako, with_presence(R"("dataBytesMax":4097)")).error_code() == "definition-invalid");
  CHECK(broker_hits(tako, "presence_data_bytes_max") == 1);
}

TEST_CASE("client_rate_max") {
  Cluster tako(with_definitions());
  const auto with_rate = [](std::string_view rate) {
    return R"([{"name":"x","auth":false,"clientRate":{"subject":)" + std::string(rate) + "}}]";
  };
  CHECK(put(tako, with_rate("1000000")).status == 200);
  CHECK(put(tako, with_rate("1000001")).error_code() == "definition-invalid");
  CHECK(broker_hits(tako, "client_rate_max") == 1);
}

TEST_CASE("batch_messages_max") {
  Cluster tako(with_limits({"batch_messages_max=2"}));
  const std::string one = R"({"channel":"feed","type":"t","data":1})";
  const auto batch = [&tako](const std::string& messages) {
    return tako.api("POST", "/v1/batch", "{\"messages\":[" + messages + "]}");
  };
  CHECK(batch(one + "," + one).status == 200);
  CHECK(batch(one + "," + one + "," + one).error_code() == "batch-invalid");
  CHECK(retained(tako, "feed") == 2);
  CHECK(broker_hits(tako, "batch_messages_max") == 1);
}

TEST_CASE("batch_bytes_max") {
  Cluster tako(with_limits({"batch_bytes_max=200"}));
  const auto batch = [&tako](std::size_t bytes) {
    return tako.api("POST", "/v1/batch",
                    R"({"messages":[{"channel":"feed","type":"t","data":")" +
                        std::string(bytes, 'x') + "\"}]}");
  };
  CHECK(batch(100).status == 200);
  CHECK(batch(300).status == 413);
  CHECK(broker_hits(tako, "batch_bytes_max") == 1);
}

TEST_CASE("history_page_max") {
  Cluster tako(with_limits({"history_page_max=5"}));
  tako.publish_numbers("feed", 10);
  const std::string path = "/v1/channels/feed/messages?_limit=";
  CHECK(tako.api("GET", path + "5").json()["messages"].size() == 5);
  CHECK(tako.api("GET", path + "6").status == 400);
  CHECK(http_get(tako.edge(), "/_tako/channels/feed/messages?_limit=5").status == 200);
  CHECK(http_get(tako.edge(), "/_tako/channels/feed/messages?_limit=6").status == 400);
  CHECK(broker_hits(tako, "history_page_max") == 1);
  CHECK(edge_hits(tako, "history_page_max") == 1);
}

TEST_CASE("history_page_bytes_max") {
  Cluster tako(with_limits({"history_page_bytes_max=1024"}));
  for (int number = 0; number < 10; ++number) CHECK(publish_bytes(tako, "feed", 300).status == 201);
  const Json page = tako.api("GET", "/v1/channels/feed/messages?_after=0").json();
  CHECK(page["messages"].size() < 10);
  CHECK(page["messages"].size() > 0);
  CHECK_FALSE(page["next"].is_null());
  CHECK(broker_hits(tako, "history_page_bytes_max") == 1);
}

TEST_CASE("channels_page_max") {
  Cluster tako(with_definitions());
  CHECK(tako.api("GET", "/v1/channels?_limit=1000").status == 200);
  CHECK(tako.api("GET", "/v1/channels?_limit=1001").status == 400);
  CHECK(broker_hits(tako, "channels_page_max") == 1);
}

TEST_CASE("channels_page_bytes_max") {
  Cluster tako(with_definitions());
  constexpr int kChannels = 900;  // Each is listed with about 3 KiB of params and key.
  for (int number = 0; number < kChannels; ++number) {
    const std::string query = "roomId=" + std::to_string(1000 + number) + std::string(800, ':');
    REQUIRE(tako.api("POST", "/v1/channels/chat/messages?" + query, R"({"type":"t","data":1})")
                .status == 201);
  }
  const Json first = tako.api("GET", "/v1/channels?_limit=1000").json();
  CHECK(first["channels"].size() < kChannels);
  CHECK(broker_hits(tako, "channels_page_bytes_max") == 1);
  const Json second =
      tako.api("GET", "/v1/channels?_limit=1000&_after=" + percent_encoded(first["next"].string()))
          .json();
  CHECK(first["channels"].size() + second["channels"].size() == kChannels);
  CHECK(second["next"].is_null());
  CHECK(broker_hits(tako, "channels_page_bytes_max") == 1);
}

TEST_CASE("app_streams_max") {
  Cluster tako(with_limits({"app_streams_max=1"}));
  SseClient first(tako.app_socket(), "/v1/channels/feed/stream");
  static_cast<void>(first.opening_id());
  const SseClient second(tako.app_socket(), "/v1/channels/feed/stream");
  CHECK(second.status() == 503);
  CHECK(second.response().error_code() == "limit-reached");
  CHECK(broker_hits(tako, "app_streams_max") == 1);
}
