// Sets of definitions per app, and what names and params resolve to.
#include "broker/channel/definitions_registry.h"

#include <doctest/doctest.h>

#include "broker/channel/test_broker.h"

namespace tako::broker {
namespace {

Result<DefinitionsPut> put(TestBroker& broker, std::string_view app, std::string_view json) {
  std::optional<Result<DefinitionsPut>> answer;
  broker.registry.put(app, json,
                      [&](Result<DefinitionsPut> result) { answer = std::move(result); });
  REQUIRE(answer.has_value());
  return *answer;
}

TEST_CASE("a put replaces the set; an equal one keeps its version") {
  TestBroker broker;
  CHECK(broker.registry.version("default") == 1);
  CHECK(put(broker, "default", TestBroker::kDefinitions)->version == 1);
  CHECK(broker.control.head() == 1);
  CHECK(put(broker, "default", R"({"definitions":[{"name":"new","auth":false}]})")->version == 2);
  CHECK(broker.registry.find("default", "chat") == nullptr);
  CHECK(broker.registry.find("default", "new") != nullptr);
  CHECK(broker.registry.find("other", "new") == nullptr);
  CHECK(broker.control.next_after(1)->definitions()->version == 2);
}

TEST_CASE("an empty set that is put is a set that was put") {
  TestBroker broker;
  CHECK(broker.registry.version("other") == 0);
  CHECK(put(broker, "other", R"({"definitions":[]})")->version == 1);
}

TEST_CASE("a refused put changes nothing") {
  TestBroker broker;
  CHECK(put(broker, "default", "{}").error().code == ErrorCode::DefinitionInvalid);
  CHECK(put(broker, "nobody", R"({"definitions":[]})").error().code == ErrorCode::AppUnknown);
  CHECK(broker.registry.version("default") == 1);
  CHECK(broker.registry.find("default", "chat") != nullptr);
}

TEST_CASE("params are typed, partition, and make the key") {
  TestBroker broker;
  const auto by_query = broker.registry.resolve_query("default", "chat", "roomId=a+b&limit=10");
  REQUIRE(by_query.has_value());
  CHECK(by_query->key == "chat?limit=10&roomId=a%20b");
  CHECK(by_query->params_json == R"({"limit":10,"roomId":"a b"})");
  const auto by_json =
      broker.registry.resolve_json("default", "chat", R"({"roomId":"a b","limit":10})");
  REQUIRE(by_json.has_value());
  CHECK(by_json->key == by_query->key);
  CHECK(broker.registry.resolve_json("default", "chat", "")->key == "chat");
}

TEST_CASE("context params are checked and do not partition") {
  TestBroker broker;
  CHECK(broker.registry.resolve_query("default", "chat", "roomId=a&via=app")->key ==
        "chat?roomId=a");
}

TEST_CASE("each refusal names its rule") {
  TestBroker broker;
  const auto code = [&](std::string_view app, std::string_view name, std::string_view query) {
    return broker.registry.resolve_query(app, name, query).error().code;
  };
  CHECK(code("nobody", "chat", "") == ErrorCode::AppUnknown);
  CHECK(code("default", "nothing", "") == ErrorCode::ChannelUnknown);
  CHECK(code("default", "a b", "") == ErrorCode::BadRequest);
  CHECK(code("default", "chat", "limit=ten") == ErrorCode::ParamsInvalid);
  CHECK(code("default", "chat", "roomID=a") == ErrorCode::ParamsInvalid);  // undeclared: a mistake
  CHECK(code("default", "feed", "a=b") == ErrorCode::ParamsInvalid);       // no schema at all
  CHECK(broker.registry.resolve_json("default", "chat", "[]").error().code ==
        ErrorCode::ParamsInvalid);
  const std::string huge = "roomId=" + std::string(limits::kChannelKeyBytesMax, 'x');
  CHECK(code("default", "chat", huge) == ErrorCode::ParamsInvalid);
  CHECK(broker.counters.channel_key_bytes_max == 1);
}

}  // namespace
}  // namespace tako::broker
