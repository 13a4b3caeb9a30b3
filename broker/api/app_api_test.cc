// The app API as calls: every route, every refusal, and what is counted.
#include "broker/api/app_api.h"

#include <doctest/doctest.h>

#include "broker/api/api_test_parts.h"
#include "common/json_text.h"
#include "tests/support/temp_dir.h"

namespace tako::broker {
namespace {

constexpr const char* kDefinitions = R"([
  {"name":"feed","auth":false,"transport":"ws"},
  {"name":"chat","auth":false,"transport":"ws","paramsSchema":{"type":"object",
    "properties":{"room":{"type":"string"}},"required":["room"],"additionalProperties":false}}])";

std::string member(const ApiAnswer& answer, std::string_view name) {
  const auto members = split_json_object(answer.body);
  REQUIRE(members.has_value());
  const JsonMember* found = find_member(*members, name);
  return found == nullptr ? "" : std::string(found->raw);
}

std::string error_code(const ApiAnswer& answer) {
  const std::string error = member(answer, "error");
  const auto members = split_json_object(error);
  REQUIRE(members.has_value());
  CHECK_FALSE(json_string_value(find_member(*members, "hint")->raw)->empty());
  return *json_string_value(find_member(*members, "code")->raw);
}

void check_refused(const ApiAnswer& answer, std::uint32_t status, std::string_view code) {
  CHECK(answer.status == status);
  CHECK(error_code(answer) == code);
}

struct Api : ApiTestParts {
  Api() { define(kDefinitions); }
  ApiAnswer publish(const std::string& body, const std::string& key = "") {
    return ask("POST", "/v1/channels/feed/messages", body, key);
  }
  ApiAnswer batch(const std::string& body, const std::string& key = "") {
    return ask("POST", "/v1/batch", body, key);
  }
  // Publishes 1, 2, … count; returns their ids.
  std::vector<std::string> fill(int count) {
    std::vector<std::string> ids;
    for (int number = 1; number <= count; ++number) {
      const auto answer = publish(R"({"type":"n","data":)" + std::to_string(number) + "}");
      ids.push_back(*json_string_value(member(answer, "id")));
    }
    return ids;
  }
  // The data of a page's messages, joined.
  std::string page_data(const ApiAnswer& answer) {
    CHECK(answer.status == 200);
    const std::string messages = member(answer, "messages");
    std::string data;
    const auto elements = split_json_array(messages, 1'000);
    REQUIRE(elements.has_value());
    for (const std::string_view message : *elements) {
      if (!data.empty()) data += ' ';
      const auto members = split_json_object(message);
      data += find_member(*members, "data")->raw;
    }
    return data;
  }
};

TEST_CASE("a publish is answered with the message as stored") {
  Api api;
  const ApiAnswer answer = api.publish(R"( { "type" : "t", "data" : { "b": 1, "a" : [ ] } } )");
  CHECK(answer.status == 201);
  const std::string id = *json_string_value(member(answer, "id"));
  CHECK(id.starts_with("1-"));
  CHECK(answer.body ==
        R"({"id":")" + id +
            R"(","channel":"feed","type":"t","data":{"b":1,"a":[]},"ack":"memory"})");
}

TEST_CASE("a repeated key is answered 200 with the first message, another body 409") {
  Api api;
  const ApiAnswer first = api.publish(R"({"type":"t","data":1})", "k");
  const ApiAnswer again = api.publish(R"({"type":"t","data":1})", "k");
  CHECK(again.status == 200);
  CHECK(again.body == first.body);
  check_refused(api.publish(R"({"type":"t","data":2})", "k"), 409, "idempotency-key-reused");
  CHECK(api.publish(R"({"type":"t","data":1,"idempotencyKey":"k"})").status == 200);
  check_refused(api.publish(R"({"type":"t","data":1,"idempotencyKey":"k"})", "other"), 400,
                "bad-request");
}

TEST_CASE("a repeated message that a cap has evicted is answered with the id only") {
  Api api;
  api.define(R"([{"name":"feed","auth":false,"transport":"ws","maxMessages":1}])");
  const std::string id = member(api.publish(R"({"type":"t","data":1})", "k"), "id");
  static_cast<void>(api.publish(R"({"type":"t","data":2})"));
  const ApiAnswer again = api.publish(R"({"type":"t","data":1})", "k");
  CHECK(again.status == 200);
  CHECK(again.body == R"({"id":)" + id + R"(,"ack":"memory"})");
}

TEST_CASE("ephemeral messages have no id and no key") {
  Api api;
  const ApiAnswer answer = api.publish(R"({"type":"t","data":1,"ephemeral":true})");
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"channel":"feed","type":"t","data":1})");
  check_refused(api.publish(R"({"type":"t","data":1,"ephemeral":true})", "k"), 400,
                "ephemeral-with-key");
}

TEST_CASE("base64 data is stored as bytes and given back as base64") {
  Api api;
  const ApiAnswer answer = api.publish(R"({"type":"t","data":"AP8=","encoding":"base64"})");
  CHECK(answer.status == 201);
  CHECK(member(answer, "data") == "\"AP8=\"");
  CHECK(member(answer, "encoding") == "\"base64\"");
}

TEST_CASE("malformed messages are refused by the member") {
  Api api;
  for (const char* body :
       {"", "x", "[]", "{}", R"({"data":1})", R"({"type":"t"})", R"({"type":1,"data":1})",
        R"({"type":"t","data":1,"dat":2})", R"({"type":"t","data":1,"channel":"feed"})",
        R"({"type":"t","data":"AP8","encoding":"base64"})",
        R"({"type":"t","data":1,"encoding":"base64"})", R"({"type":"t","data":1,"encoding":"x"})",
        R"({"type":"t","data":1,"ephemeral":"yes"})", R"({"type":"t","data":1,"type":"u"})"}) {
    CAPTURE(body);
    check_refused(api.publish(body), 400, "message-malformed");
  }
  CHECK(api.publish(R"({"type":"t","data":1,"dat":2})").body.find("'dat'") != std::string::npos);
  CHECK(api.channels.find("default", "feed") == nullptr);
}

TEST_CASE("what the channel refuses keeps its own code") {
  Api api;
  const std::string message = R"({"type":"t","data":1})";
  check_refused(api.ask("POST", "/v1/channels/nope/messages", message), 404, "channel-unknown");
  check_refused(api.ask("POST", "/v1/channels/chat/messages", message), 400, "params-invalid");
  check_refused(api.ask("POST", "/v1/channels/chat/messages?room=1&x=2", message), 400,
                "params-invalid");
  check_refused(api.ask("POST", "/v1/channels/a%20b/messages", message), 400, "bad-request");
  check_refused(api.publish(R"({"type":"tako.x","data":1})"), 400, "bad-request");
  CHECK(api.ask("POST", "/v1/channels/chat/messages?room=1", message).status == 201);
}

TEST_CASE("nesting, names and data over their bounds are counted") {
  Api api;
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  check_refused(api.publish(R"({"type":"t","data":)" + deep + "}"), 400, "message-malformed");
  CHECK(api.counters.json_depth_max == 1);
  check_refused(api.ask("GET", "/v1/channels/" + std::string(201, 'n') + "/messages"), 400,
                "bad-request");
  CHECK(api.counters.channel_name_max == 1);
  api.apps.front().limits.message_bytes_max = 10;
  check_refused(api.publish(R"({"type":"t","data":12345678901})"), 413, "payload-too-large");
  CHECK(api.publish(R"({"type":"t","data":1234567890})").status == 201);
  CHECK(api.counters.message_bytes_max == 1);
}

TEST_CASE("a batch is answered by position") {
  Api api;
  const ApiAnswer answer = api.batch(R"({"messages":[
      {"channel":"feed","type":"t","data":1},
      {"channel":"nope","type":"t","data":2},
      {"channel":"chat","params":{"room":"7"},"type":"t","data":3},
      {"channel":"feed","type":"t"},
      7,
      {"channel":"feed","type":"t","data":4,"idempotencyKey":"k"},
      {"channel":"feed","type":"t","data":4,"idempotencyKey":"k"}]})");
  CHECK(answer.status == 200);
  CHECK(member(answer, "ack") == "\"memory\"");
  const std::string results = member(answer, "results");
  const auto entries = split_json_array(results, 100);
  REQUIRE(entries->size() == 7);
  const auto has = [&](std::size_t index, std::string_view part) {
    return (*entries)[index].find(part) != std::string_view::npos;
  };
  CHECK(has(0, R"("data":1)"));
  CHECK(has(1, "channel-unknown"));
  CHECK(has(2, R"("channel":"chat")"));
  CHECK(has(3, "data is missing"));
  CHECK(has(4, "message-malformed"));
  CHECK((*entries)[5] == (*entries)[6]);
  CHECK(api.batch(R"({"messages":[]})").body == R"({"results":[],"ack":"memory"})");
}

TEST_CASE("an atomic batch is all or none, under one key") {
  Api api;
  const std::string good =
      R"({"atomic":true,"messages":[{"channel":"feed","type":"t","data":1},
          {"channel":"feed","type":"t","data":2}]})";
  const ApiAnswer first = api.batch(good, "b");
  CHECK(first.status == 200);
  CHECK(api.batch(good, "b").body == first.body);
  check_refused(api.batch(R"({"atomic":true,"messages":[{"channel":"feed","type":"t","data":1},
                              {"channel":"chat","params":{"room":"1"},"type":"t","data":2}]})"),
                400, "batch-invalid");
  const ApiAnswer bad_entry = api.batch(
      R"({"atomic":true,"messages":[{"channel":"feed","type":"t","data":1},{"channel":"feed"}]})");
  check_refused(bad_entry, 400, "message-malformed");
  CHECK(bad_entry.body.find("messages[1]: ") != std::string::npos);
  CHECK(api.page_data(api.ask("GET", "/v1/channels/feed/messages")) == "1 2");
}

TEST_CASE("batches of a wrong shape or count are refused as a whole") {
  Api api;
  for (const char* body : {"x", "[]", "{}", R"({"messages":{}})", R"({"messages":[],"atom":true})",
                           R"({"messages":[],"atomic":1})"}) {
    CAPTURE(body);
    check_refused(api.batch(body), 400, "batch-invalid");
  }
  check_refused(api.batch(R"({"messages":[]})", "key"), 400, "batch-invalid");
  api.apps.front().limits.batch_messages_max = 1;
  check_refused(api.batch(R"({"messages":[1,2]})"), 400, "batch-invalid");
  CHECK(api.counters.batch_messages_max == 1);
  api.apps.front().limits.batch_bytes_max = 10;
  check_refused(api.batch(R"({"messages":[]})"), 413, "payload-too-large");
  CHECK(api.counters.batch_bytes_max == 1);
}

TEST_CASE("history pages both ways by cursor") {
  Api api;
  const auto ids = api.fill(5);
  const std::string path = "/v1/channels/feed/messages";
  const ApiAnswer newest = api.ask("GET", path + "?_limit=2");
  CHECK(api.page_data(newest) == "4 5");
  CHECK(member(newest, "next") == "null");
  CHECK(member(newest, "prev") == '"' + ids[3] + '"');
  const ApiAnswer older = api.ask("GET", path + "?_limit=2&_before=" + ids[3]);
  CHECK(api.page_data(older) == "2 3");
  CHECK(member(older, "next") == '"' + ids[2] + '"');
  CHECK(api.page_data(api.ask("GET", path + "?_limit=2&_until=" + ids[3])) == "3 4");
  CHECK(api.page_data(api.ask("GET", path + "?_after=" + ids[2])) == "4 5");
  const ApiAnswer first = api.ask("GET", path + "?_after=0&_limit=2");
  CHECK(api.page_data(first) == "1 2");
  CHECK(member(first, "prev") == "null");
  // In front of everything there is an empty page, from which the way leads on.
  const ApiAnswer empty = api.ask("GET", path + "?_before=" + ids[0]);
  CHECK(api.page_data(empty).empty());
  const std::string next = *json_string_value(member(empty, "next"));
  CHECK(api.page_data(api.ask("GET", path + "?_after=" + next)) == "1 2 3 4 5");
}

TEST_CASE("history is bounded by time") {
  Api api;
  static_cast<void>(api.fill(1));
  const std::int64_t first_ms = api.clock.wall_ms();
  api.clock.advance(100);
  static_cast<void>(api.fill(1));
  const std::string path = "/v1/channels/feed/messages?";
  CHECK(api.page_data(api.ask("GET", path + "_to=" + std::to_string(first_ms))) == "1");
  CHECK(api.page_data(api.ask("GET", path + "_from=" + std::to_string(first_ms))) == "1 1");
  CHECK(api.page_data(api.ask("GET", path + "_from=" + std::to_string(first_ms + 1))) == "1");
}

TEST_CASE("paging options must be right, and are named when unknown") {
  Api api;
  api.fill(1);
  const std::string path = "/v1/channels/feed/messages?";
  for (const char* option :
       {"_limit=0", "_limit=1001", "_limit=x", "_limit=", "_from=-1", "_to=x", "_limt=5",
        "_after=0&_before=0", "_after=0&_until=0", "_before=0&_until=0"}) {
    CAPTURE(option);
    check_refused(api.ask("GET", path + option), 400, "bad-request");
  }
  check_refused(api.ask("GET", path + "_after=abc"), 400, "cursor-malformed");
  check_refused(api.ask("GET", path + "_after=9-00000000"), 410, "replay-too-old");
  CHECK(api.counters.history_page_max == 1);
}

TEST_CASE("a channel without messages has an empty page, and no record comes of asking") {
  Api api;
  CHECK(api.ask("GET", "/v1/channels/feed/messages").body ==
        R"({"messages":[],"next":null,"prev":null})");
  CHECK(api.channels.size() == 0);
}

TEST_CASE("channels are listed by key, in pages") {
  Api api;
  for (const char* room : {"b", "c", "a"}) {
    const std::string path = "/v1/channels/chat/messages?room=" + std::string(room);
    CHECK(api.ask("POST", path, R"({"type":"t","data":1})").status == 201);
  }
  api.fill(2);
  const ApiAnswer all = api.ask("GET", "/v1/channels");
  CHECK(
      all.body ==
      R"({"channels":[)"
      R"({"channel":"chat","params":{"room":"a"},"subscribers":0,"messages":1,"key":"chat?room=a"},)"
      R"({"channel":"chat","params":{"room":"b"},"subscribers":0,"messages":1,"key":"chat?room=b"},)"
      R"({"channel":"chat","params":{"room":"c"},"subscribers":0,"messages":1,"key":"chat?room=c"},)"
      R"({"channel":"feed","params":{},"subscribers":0,"messages":2,"key":"feed"}],"next":null})");
  const ApiAnswer page = api.ask("GET", "/v1/channels?_limit=2");
  CHECK(member(page, "next") == R"("chat?room=b")");
  const ApiAnswer rest = api.ask("GET", "/v1/channels?_limit=2&_after=chat%3Froom%3Db");
  CHECK(split_json_array(member(rest, "channels"), 10)->size() == 2);
  CHECK(member(rest, "next") == "null");
  CHECK(
      split_json_array(member(api.ask("GET", "/v1/channels?_prefix=fe"), "channels"), 9)->size() ==
      1);
  check_refused(api.ask("GET", "/v1/channels?_limit=0"), 400, "bad-request");
  check_refused(api.ask("GET", "/v1/channels?limit=1"), 400, "bad-request");
}

TEST_CASE("stats add up") {
  Api api;
  api.fill(3);
  const ApiAnswer stats = api.ask("GET", "/v1/stats");
  CHECK(stats.status == 200);
  CHECK(member(stats, "channels") == "1");
  CHECK(member(stats, "messages") == "3");
  CHECK(member(stats, "ack") == "\"memory\"");
  CHECK(member(stats, "app") == "\"default\"");
  CHECK(member(stats, "definitionsVersion") == "1");
}

TEST_CASE("definitions are put and read back with their version") {
  Api api;
  CHECK(api.ask("PUT", "/v1/definitions", R"({"definitions":[]})").body == R"({"version":2})");
  CHECK(api.ask("GET", "/v1/definitions").body == R"({"definitions":[],"version":2})");
  check_refused(api.ask("PUT", "/v1/definitions", R"({"definitions":[{"name":"x","nmae":1}]})"),
                400, "definition-invalid");
  api.apps.front().limits.definitions_max = 1;
  check_refused(
      api.ask("PUT", "/v1/definitions", R"({"definitions":)" + std::string(kDefinitions) + "}"),
      400, "definition-invalid");
  CHECK(api.counters.definitions_max == 1);
  api.apps.front().limits.definitions_bytes_max = 5;
  check_refused(api.ask("PUT", "/v1/definitions", R"({"definitions":[]})"), 413,
                "payload-too-large");
  CHECK(api.counters.definitions_bytes_max == 1);
}

TEST_CASE("definitions from the configuration are put at the start, or the start fails") {
  Api api;
  std::vector<config::AppConfig> apps(1);
  apps[0].definitions_json = R"({"definitions":[{"name":"x","auth":false,"transport":"ws"}]})";
  CHECK(put_known_definitions(apps, nullptr, api.definitions).has_value());
  CHECK(api.definitions.find("default", "x") != nullptr);
  apps[0].definitions_json = "{}";
  CHECK(put_known_definitions(apps, nullptr, api.definitions).error().code ==
        ErrorCode::DefinitionInvalid);
}

TEST_CASE("what a newer version has stored is used as far as it is understood, or told and left") {
  const test::TempDir dir;
  InlineWorker worker;
  DefinitionsStore store(dir.file("definitions"), worker);
  const auto start_with = [&store](Api& api, std::string_view json) {
    store.save("default", std::string(json), [](const Result<void>& saved) { REQUIRE(saved); });
    const std::vector<config::AppConfig> apps(1);
    return put_known_definitions(apps, &store, api.definitions).value();
  };
  Api ahead;
  CHECK(start_with(ahead, R"({"definitions":[{"name":"x","auth":false,"colour":"red"}]})").empty());
  CHECK(ahead.definitions.find("default", "x") != nullptr);
  Api far;
  const auto unread =
      start_with(far, R"({"definitions":[{"name":"secret","auth":7},{"name":"*","auth":false}]})");
  REQUIRE(unread.size() == 1);
  CHECK(unread[0].contains("secret"));
  CHECK(far.definitions.find("default", "secret") == nullptr);  // Not by the wider one either.
  CHECK(store.load("default").value()->contains("secret"));
}

TEST_CASE("routes, methods and apps that do not exist") {
  Api api;
  for (const char* target :
       {"/", "/v1", "/v1/nothing", "/v1/channels/", "/v1/channels/feed", "/v1/channels//messages",
        "/v1/channels/feed/messages/", "/v1/channels/feed/other", "/v1/channels/a/b/messages",
        "/v1/batch/"}) {
    CAPTURE(target);
    check_refused(api.ask("GET", target), 404, "not-found");
  }
  check_refused(api.ask("DELETE", "/v1/channels/feed/messages"), 405, "method-not-allowed");
  check_refused(api.ask("GET", "/v1/batch"), 405, "method-not-allowed");
  check_refused(api.ask("POST", "/v1/definitions"), 405, "method-not-allowed");
  api.app = "other";
  check_refused(api.ask("GET", "/v1/channels"), 404, "app-unknown");
}

TEST_CASE("edges pass on publishes and reads, but no administration and no streams") {
  Api api;
  const auto pass_on = [&](std::string method, std::string target, std::string body = "") {
    ApiAnswer answer;
    api.api.handle({.app = "default",
                    .method = std::move(method),
                    .target = std::move(target),
                    .idempotency_key = "",
                    .body = std::move(body)},
                   [&](ApiAnswer given) { answer = std::move(given); });
    return answer;
  };
  CHECK(pass_on("POST", "/v1/channels/feed/messages", R"({"type":"t","data":1})").status == 201);
  CHECK(pass_on("GET", "/v1/channels/feed/messages").status == 200);
  CHECK(pass_on("GET", "/v1/definitions").status == 200);
  check_refused(pass_on("PUT", "/v1/definitions", R"({"definitions":[]})"), 404, "not-found");
  check_refused(pass_on("GET", "/v1/channels/feed/stream"), 404, "not-found");
  check_refused(pass_on("GET", "/healthz"), 404, "not-found");
  CHECK(api.definitions.find("default", "feed") != nullptr);
}

TEST_CASE("what may succeed later says when") {
  Api api;
  api.limits.idempotency_keys_per_channel_max = 1;
  CHECK(api.publish(R"({"type":"t","data":1})", "a").retry_after_ms == 0);
  const ApiAnswer full = api.publish(R"({"type":"t","data":2})", "b");
  check_refused(full, 429, "idempotency-table-full");
  CHECK(full.retry_after_ms > 0);
}

}  // namespace
}  // namespace tako::broker
