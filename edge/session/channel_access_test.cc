// From a call to a channel: which definition, which params, which credentials.
#include "edge/session/channel_access.h"

#include <doctest/doctest.h>

#include "common/limits.h"

namespace tako::edge {
namespace {

std::shared_ptr<const DefinitionSet> definitions() {
  return *DefinitionSet::parse(R"({"definitions":[
    {"name":"chat","paramsSchema":{"type":"object","properties":{
       "roomId":{"type":"string","minLength":1},"limit":{"type":"integer"},
       "pinned":{"type":"boolean"}},"required":["roomId"]},
     "contextParams":["limit"],"auth":{"cookieName":"sid"}},
    {"name":"feed","auth":false,"transport":"sse"}]})");
}

ChannelCall call(std::string name, std::string params) {
  return {.app = "x", .name = std::move(name), .params = std::move(params)};
}

TEST_CASE("params that the schema declares make the channel, but for context params") {
  const auto target = resolve_channel(call("chat", "roomId=9&limit=10&extra=1"), definitions());
  REQUIRE(target.has_value());
  CHECK(target->channel.key == "chat?roomId=9");
  CHECK(params_json(target->params) == R"({"extra":"1","limit":10,"roomId":"9"})");
  CHECK_FALSE(target->is_public());
}

TEST_CASE("params given as JSON mean the same channel as those of a query") {
  ChannelCall json = call("chat", R"({"roomId":"9","pinned":true})");
  json.params_are_json = true;
  const auto by_json = resolve_channel(json, definitions());
  const auto by_query = resolve_channel(call("chat", "pinned=true&roomId=9"), definitions());
  REQUIRE(by_json.has_value());
  REQUIRE(by_query.has_value());
  CHECK(by_json->channel.key == by_query->channel.key);
}

TEST_CASE("what is wrong with a call is told") {
  CHECK(resolve_channel(call("nobody", ""), definitions()).error().code ==
        ErrorCode::ChannelUnknown);
  CHECK(resolve_channel(call("bad name", ""), definitions()).error().code ==
        ErrorCode::ChannelUnknown);
  for (const char* query : {"", "roomId=", "roomId=1&limit=ten", "roomId=%FF"}) {
    const auto target = resolve_channel(call("chat", query), definitions());
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code == ErrorCode::ParamsInvalid);
    CHECK(target.error().message().starts_with("invalid channel params"));
  }
}

TEST_CASE("a call that meets a bound names the bound") {
  const std::string long_name(limits::kChannelNameMax + 1, 'n');
  const auto unknown = resolve_channel(call(long_name, ""), definitions());
  CHECK(unknown.error().code == ErrorCode::ChannelUnknown);
  CHECK(unknown.error().limit == &LimitCounters::channel_name_max);
  std::string query = "roomId=9";
  for (std::size_t i = 0; i < limits::kQueryPairsMax; ++i) query += "&a" + std::to_string(i) + "=1";
  CHECK(resolve_channel(call("chat", query), definitions()).error().limit ==
        &LimitCounters::query_pairs_max);
}

TEST_CASE("only the credentials that the definition names are taken, and their kind is known") {
  const auto target = resolve_channel(call("chat", "roomId=1"), definitions());
  REQUIRE(target.has_value());
  ClientRequest request;
  request.ip = "10.0.0.1";
  request.headers = {{"cookie", "other=1; sid=abc%20; x=y"}, {"x-secret", "no"}};
  Credentials credentials = credentials_of(request, *target->definition);
  CHECK(credentials.cookie == "abc%20");
  CHECK_FALSE(credentials.header.has_value());
  CHECK(credentials.is_by_cookie());
  request.headers.emplace_back("authorization", "Bearer abc 123");
  credentials = credentials_of(request, *target->definition);
  CHECK(credentials.header->scheme == "Bearer");
  CHECK(credentials.header->value == "abc 123");
  CHECK_FALSE(credentials.is_by_cookie());
  const auto feed = resolve_channel(call("feed", ""), definitions());
  CHECK(credentials_of(request, *feed->definition).is_none());
}

TEST_CASE("rights name operations; without any all are allowed") {
  Grant grant;
  CHECK(has_right(grant, Operation::Publish));
  grant.rights = {"subscribe", "history"};
  CHECK(has_right(grant, Operation::History));
  CHECK_FALSE(has_right(grant, Operation::Publish));
}

}  // namespace
}  // namespace tako::edge
