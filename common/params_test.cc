// Queries: decoding, duplicates, reserved names, and the canonical text of values.
#include "common/params.h"

#include <doctest/doctest.h>

#include "common/json_text.h"
#include "common/limits.h"

namespace tako {
namespace {

std::map<std::string, std::string, std::less<>> params_of(std::string_view query) {
  return params_text(split_query(query).value());
}

}  // namespace

TEST_CASE("a query is decoded pair by pair, in order, duplicates kept") {
  const auto pairs = split_query("roomId=room+one%2Ftwo&&a&b=&=c&a=x=y&").value();
  REQUIRE(pairs.size() == 5);
  CHECK(pairs[0].name == "roomId");
  CHECK(pairs[0].value == "room one/two");
  CHECK(pairs[1].name == "a");
  CHECK(pairs[1].value.empty());
  CHECK(pairs[2].value.empty());
  CHECK(pairs[3].name.empty());
  CHECK(pairs[3].value == "c");
  CHECK(pairs[4].value == "x=y");
  CHECK(split_query("")->empty());
  CHECK(split_query("a=%2B+")->at(0).value == "+ ");
}

TEST_CASE("text that is no UTF-8 or breaks an escape is refused as params") {
  for (const std::string_view query :
       {"roomId=%FF", "%00=1", "a=%", "a=%4", "%zz=1", "a=1&b=%C3"}) {
    const auto pairs = split_query(query);
    REQUIRE_FALSE(pairs.has_value());
    CHECK(pairs.error().code == ErrorCode::ParamsInvalid);
    CHECK(pairs.error().detail.starts_with("invalid channel params: "));
  }
}

TEST_CASE("the number of pairs is bounded") {
  std::string query = "a0=1";
  for (std::size_t i = 1; i < limits::kQueryPairsMax; ++i) query += "&a" + std::to_string(i) + "=1";
  CHECK(split_query(query).has_value());
  query += "&&&&";  // Empty pairs count for nothing.
  CHECK(split_query(query).has_value());
  query += "z=1";
  CHECK(split_query(query).error().code == ErrorCode::ParamsInvalid);
  CHECK(split_query(query).error().limit == &LimitCounters::query_pairs_max);
}

TEST_CASE("of duplicates the last wins") {
  CHECK(params_of("roomId=a&roomId=b").at("roomId") == "b");
}

TEST_CASE("options and the cursor are never params") {
  const auto params = params_of("_limit=1&last_message_id=7&_=x&roomId=a&Last_message_id=1");
  CHECK(params.size() == 2);
  CHECK(params.contains("roomId"));
  CHECK(params.contains("Last_message_id"));
  const auto pairs = split_query("_limit=1&_limit=2&last_message_id=7-x").value();
  REQUIRE(query_value(pairs, "_limit") != nullptr);
  CHECK(*query_value(pairs, "_limit") == "2");
  CHECK(*query_value(pairs, "last_message_id") == "7-x");
  CHECK(query_value(pairs, "_after") == nullptr);
}

TEST_CASE("values have one canonical text each") {
  CHECK(canonical_text(std::string("a b")) == "a b");
  CHECK(canonical_text(std::int64_t{9007199254740993}) == "9007199254740993");
  CHECK(canonical_text(1.0) == "1");
  CHECK(canonical_text(-0.0) == "0");
  CHECK(canonical_text(0.1) == "0.1");
  CHECK(canonical_text(true) == "true");
  CHECK(canonical_text(false) == "false");
  CHECK(canonical_text(JsonValue{"[1]"}) == "[1]");
}

TEST_CASE("params print as the JSON object that the app is given") {
  CHECK(params_json({}) == "{}");
  const Params params{{"roomId", std::string("a\"b")},
                      {"limit", std::int64_t{10}},
                      {"pinned", true},
                      {"ratio", 2.5},
                      {"tags", JsonValue{R"(["x"])"}}};
  CHECK(params_json(params) ==
        R"({"limit":10,"pinned":true,"ratio":2.5,"roomId":"a\"b","tags":["x"]})");
  CHECK(check_json(params_json(params)).has_value());
}

}  // namespace tako
