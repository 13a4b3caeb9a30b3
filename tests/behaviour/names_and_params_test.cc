// Names, routes and params: which request reaches which channel, and what the app is told of it.
#include <doctest/doctest.h>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

// The params of the only authorize call that this subscription makes.
Json authorized_params(Cluster& tako, std::string_view query) {
  const std::size_t before = tako.app().authorize_count();
  const SseClient client(tako.edge(), channel_path("chat", query), kGoodToken);
  CHECK(client.status() == 200);
  return tako.app().wait_for_authorize_calls(before + 1).back().json()["params"];
}

constexpr std::string_view kTyped = R"([{"name":"typed","auth":{},"transport":"ws",
  "paramsSchema":{"type":"object","properties":{
    "tags":{"type":"array","items":{"type":"string"}},
    "where":{"type":"object","properties":{"x":{"type":"number"}}},
    "n":{"type":"number"}}}},
  {"name":"closed","auth":false,"transport":"ws",
   "paramsSchema":{"type":"object","additionalProperties":false,
     "properties":{"id":{"type":"string"}}}}])";

}  // namespace

TEST_CASE("R1: no name and an unknown suffix are 404, and the app is not called") {
  Cluster tako(with_definitions());
  for (const char* path :
       {"/_tako/channels/", "/_tako/channels/chat/other?roomId=1",
        "/_tako/channels/chat/messages/1?roomId=1", "/_tako", "/_tako/", "/_tako/nothing"}) {
    CAPTURE(path);
    const HttpResponse response = http_get(tako.edge(), path, kGoodToken);
    CHECK(response.status == 404);
    CHECK(response.error_code() == "not-found");
    CHECK(response.error_message() == "Not found");
  }
  CHECK(tako.app().authorize_count() == 0);
  CHECK(tako.app().proxied_requests().empty());
}

TEST_CASE("R2: a name with a slash is reached percent-encoded") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), "/_tako/channels/a%2Fb");
  REQUIRE(client.status() == 200);
  static_cast<void>(client.opening_id());
  tako.publish("a/b", "t", "1");
  CHECK(client.next_message().json()["channel"].string() == "a/b");
}

TEST_CASE("R3: the path without the prefix is the app's") {
  Cluster tako(with_definitions());
  static_cast<void>(http_get(tako.edge(), "/channels/chat"));
  REQUIRE(tako.app().proxied_requests().size() == 1);
  CHECK(tako.app().proxied_requests()[0].target == "/channels/chat");
}

TEST_CASE("R4: an unknown name is told so") {
  Cluster tako(with_definitions());
  const HttpResponse response = http_get(tako.edge(), channel_path("nope"));
  CHECK(response.status == 404);
  CHECK(response.error_code() == "channel-unknown");
  CHECK(response.error_message() == "Channel not defined");
}

TEST_CASE("R5: hits on unknown and known names never ask the app what channels there are") {
  Cluster tako(with_definitions());
  for (int hit = 0; hit < 3; ++hit) {
    CHECK(http_get(tako.edge(), channel_path("nope")).status == 404);
    CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
  }
  CHECK(tako.app().authorize_count() == 0);
  CHECK(tako.app().proxied_requests().empty());
}

TEST_CASE("R6: a changed schema holds at once") {
  Cluster tako({.definitions = R"([{"name":"f","auth":false,"transport":"sse"}])"});
  CHECK(SseClient(tako.edge(), channel_path("f")).status() == 200);
  tako.put_definitions(R"([{"name":"f","auth":false,"transport":"sse",
    "paramsSchema":{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}}}])");
  CHECK(SseClient(tako.edge(), channel_path("f")).status() == 400);
  CHECK(SseClient(tako.edge(), channel_path("f", "id=1")).status() == 200);
}

TEST_CASE("P1: params reach the app with the types of the schema") {
  Cluster tako(with_definitions());
  const Json params = authorized_params(tako, "roomId=room-9&limit=10&pinned=true");
  CHECK(params == Json::parse(R"({"roomId":"room-9","limit":10,"pinned":true})"));
}

TEST_CASE("P2: missing, empty and mistyped params are refused before the app is asked") {
  Cluster tako(with_definitions());
  for (const char* query :
       {"", "roomId=", "roomId=a&limit=ten", "roomId=a&pinned=1", "roomId=a&limit=1.5"}) {
    CAPTURE(query);
    const HttpResponse response = http_get(tako.edge(), channel_path("chat", query), kGoodToken);
    CHECK(response.status == 400);
    CHECK(response.error_code() == "params-invalid");
    CHECK(response.error_message().starts_with("invalid channel params: "));
  }
  CHECK(tako.app().authorize_count() == 0);
}

TEST_CASE("P3: a plus is a space, escapes are decoded, bad UTF-8 is refused") {
  Cluster tako(with_definitions());
  CHECK(authorized_params(tako, "roomId=room+one%2Ftwo")["roomId"].string() == "room one/two");
  CHECK(http_get(tako.edge(), channel_path("chat", "roomId=%FF"), kGoodToken).status == 400);
}

TEST_CASE("a pair ends its name at the first =, and without one its value is empty") {
  Cluster tako(with_definitions());
  CHECK(authorized_params(tako, "roomId=a=b&flag") == Json::parse(R"({"roomId":"a=b","flag":""})"));
  CHECK(http_get(tako.edge(), channel_path("chat", "roomId"), kGoodToken).status == 400);
}

TEST_CASE("P4: the last of equal names counts; unknown ones pass as strings unless forbidden") {
  Cluster tako(with_definitions());
  CHECK(authorized_params(tako, "roomId=a&roomId=b")["roomId"].string() == "b");
  CHECK(authorized_params(tako, "roomId=a&other=7")["other"].string() == "7");
  tako.put_definitions(kTyped);
  CHECK(SseClient(tako.edge(), channel_path("closed", "id=1")).status() == 200);
  CHECK(http_get(tako.edge(), channel_path("closed", "id=1&other=7")).status == 400);
}

TEST_CASE("P5: cursors and names that begin with _ are no params") {
  Cluster tako(with_definitions());
  const Json params = authorized_params(tako, "roomId=a&last_message_id=0&_events=1&_x=y");
  CHECK(params == Json::parse(R"({"roomId":"a"})"));
}

TEST_CASE("P6: arrays and objects are parsed from JSON text") {
  Cluster tako(with_definitions(kTyped));
  const std::string query =
      "tags=" + percent_encoded(R"(["a","b"])") + "&where=" + percent_encoded(R"({"x":1.5})");
  const SseClient client(tako.edge(), channel_path("typed", query), kGoodToken);
  CHECK(client.status() == 200);
  CHECK(tako.app().wait_for_authorize_calls(1)[0].json()["params"] ==
        Json::parse(R"({"tags":["a","b"],"where":{"x":1.5}})"));
  for (const char* bad : {"tags=a", "tags=[1]", "where=[]", "where={\"x\":\"y\"}"}) {
    CAPTURE(bad);
    const std::string text(bad);
    const std::size_t equals = text.find('=');
    const std::string encoded =
        text.substr(0, equals + 1) + percent_encoded(text.substr(equals + 1));
    CHECK(http_get(tako.edge(), channel_path("typed", encoded), kGoodToken).status == 400);
  }
}

TEST_CASE("P7: params partition, context params do not") {
  Cluster tako(with_definitions());
  SseClient one(tako.edge(), channel_path("chat", "roomId=1"), kGoodToken);
  SseClient one_pinned(tako.edge(), channel_path("chat", "roomId=1&pinned=true"), kGoodToken);
  SseClient two(tako.edge(), channel_path("chat", "roomId=2"), kGoodToken);
  tako.publish("chat", "t", "1", "roomId=1");
  tako.publish("chat", "t", "2", "roomId=2");
  CHECK(one.next_data(1)[0] == "1");
  CHECK(one_pinned.next_data(1)[0] == "1");
  CHECK(two.next_data(1)[0] == "2");
}

TEST_CASE("params that the schema does not declare do not partition") {
  Cluster tako(with_definitions());
  SseClient other(tako.edge(), channel_path("chat", "roomId=1&other=7"), kGoodToken);
  SseClient none(tako.edge(), channel_path("chat", "roomId=1"), kGoodToken);
  CHECK(other.opening_id() == none.opening_id());
  const std::string id = tako.publish("chat", "t", "1", "roomId=1")["id"].string();
  CHECK(*other.next_message().id == id);
  CHECK(*none.next_message().id == id);
}

TEST_CASE("values that are equal as numbers name the same channel") {
  Cluster tako(with_definitions(kTyped));
  SseClient client(tako.edge(), channel_path("typed", "n=10"), kGoodToken);
  static_cast<void>(client.opening_id());
  tako.publish("typed", "t", "1", "n=1e1");
  tako.publish("typed", "t", "2", "n=10.0");
  CHECK(client.next_data(2) == std::vector<std::string>{"1", "2"});
}

TEST_CASE("a publish with undeclared params is the app's mistake and refused") {
  Cluster tako(with_definitions());
  const HttpResponse response = tako.api("POST", "/v1/channels/chat/messages?roomId=1&colour=red",
                                         R"({"type":"t","data":1})");
  CHECK(response.status == 400);
  CHECK(response.error_code() == "params-invalid");
  const HttpResponse batch = tako.api("POST", "/v1/batch", R"({"messages":[{"channel":"chat",
      "params":{"roomId":"1","colour":"red"},"type":"t","data":1}]})");
  CHECK(batch.json()["results"][0]["error"]["code"].string() == "params-invalid");
}

TEST_CASE("a definition that ends in * covers a prefix, and the longest prefix wins") {
  Cluster tako({.definitions = R"([
    {"name":"news*","auth":{},"transport":"ws"},
    {"name":"news.public*","auth":false,"transport":"ws"},
    {"name":"news.public.staff","auth":{},"transport":"ws"}])"});
  CHECK(SseClient(tako.edge(), channel_path("news.sport")).status() == 401);
  CHECK(SseClient(tako.edge(), channel_path("news")).status() == 401);
  CHECK(SseClient(tako.edge(), channel_path("news.public.sport")).status() == 200);
  CHECK(SseClient(tako.edge(), channel_path("news.public.staff")).status() == 401);
  CHECK(SseClient(tako.edge(), channel_path("other")).status() == 404);
}

TEST_CASE("channels under one prefix share a definition and nothing else") {
  Cluster tako({.definitions = R"([{"name":"room.*","auth":false,"transport":"ws"}])"});
  SseClient one(tako.edge(), channel_path("room.1"));
  SseClient two(tako.edge(), channel_path("room.2"));
  static_cast<void>(one.opening_id());
  static_cast<void>(two.opening_id());
  tako.publish("room.1", "t", "1");
  tako.publish("room.2", "t", "2");
  CHECK(one.next_message().json()["channel"].string() == "room.1");
  CHECK(two.next_data(1)[0] == "2");
}

TEST_CASE("every character that a name may have reaches its channel") {
  const std::string name = "AZaz09_-.:/=@,;";
  Cluster tako({.definitions = R"([{"name":")" + name + R"(","auth":false,"transport":"ws"}])"});
  SseClient client(tako.edge(), channel_path(name));
  REQUIRE(client.status() == 200);
  static_cast<void>(client.opening_id());
  tako.publish(name, "t", "1");
  CHECK(client.next_message().json()["channel"].string() == name);
}

TEST_CASE("names of 200 characters are served; longer ones and other characters are unknown") {
  const std::string longest(200, 'n');
  Cluster tako({.definitions = R"([{"name":")" + longest + R"(","auth":false,"transport":"ws"}])"});
  CHECK(SseClient(tako.edge(), channel_path(longest)).status() == 200);
  CHECK(http_get(tako.edge(), channel_path(longest + "n")).status == 404);
  CHECK(http_get(tako.edge(), "/_tako/channels/a%20b").status == 404);
  CHECK(http_get(tako.edge(), "/_tako/channels/%00").status == 404);
  CHECK(http_get(tako.edge(), "/_tako/channels/%FF").status == 404);
}
