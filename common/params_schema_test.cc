// Params by schema: the shapes that TypeBox emits, typing, every rule on both sides of its bound.
#include "common/params_schema.h"

#include <doctest/doctest.h>

#include <limits>

#include "common/channel_name.h"
#include "common/limits.h"

namespace tako {
namespace {

using Text = std::map<std::string, std::string, std::less<>>;
using Schema = std::shared_ptr<const ParamsSchema>;

Schema compiled(std::string_view json) {
  auto schema = ParamsSchema::compile(json);
  REQUIRE_MESSAGE(schema.has_value(), (schema ? "" : schema.error().detail));
  return *schema;
}

// A schema of the one property `p`.
Schema one(std::string_view property) {
  return compiled(R"({"type":"object","properties":{"p":)" + std::string(property) + "}}");
}

std::string refusal(const Result<Params>& result) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::ParamsInvalid);
  constexpr std::string_view kBegin = "invalid channel params: ";
  REQUIRE(result.error().detail.starts_with(kBegin));
  return result.error().detail.substr(kBegin.size());
}

std::string refused_schema(std::string_view json) {
  const auto schema = ParamsSchema::compile(json);
  if (schema) return "accepted";
  CHECK(schema.error().code == ErrorCode::DefinitionInvalid);
  return schema.error().detail;
}

std::string refused_property(std::string_view property) {
  return refused_schema(R"({"type":"object","properties":{"p":)" + std::string(property) + "}}");
}

// Accepts and refuses `p` as text; what is accepted comes back as the params' JSON.
void check_texts(std::string_view property, const std::vector<std::string_view>& good,
                 const std::vector<std::string_view>& bad) {
  const Schema schema = one(property);
  for (const std::string_view text : good) {
    const auto params = schema->check_text({{"p", std::string(text)}});
    CHECK_MESSAGE(params.has_value(), property << " must take " << text);
  }
  for (const std::string_view text : bad) {
    const auto params = schema->check_text({{"p", std::string(text)}});
    CHECK_MESSAGE(!params.has_value(), property << " must refuse " << text);
  }
}

std::string typed(const Schema& schema, const Text& text) {
  const auto params = schema->check_text(text);
  REQUIRE_MESSAGE(params.has_value(), (params ? "" : params.error().detail));
  return params_json(*params);
}

std::string typed_json(const Schema& schema, std::string_view json) {
  const auto params = schema->check_json(json);
  REQUIRE_MESSAGE(params.has_value(), (params ? "" : params.error().detail));
  return params_json(*params);
}

constexpr std::string_view kChat = R"({
  "type": "object", "$id": "chat", "title": "Chat", "description": "d", "additionalProperties": true,
  "properties": {
    "roomId": {"type": "string", "minLength": 1, "description": "which room"},
    "limit": {"type": "integer", "default": 50},
    "pinned": {"type": "boolean"}
  },
  "required": ["roomId"]
})";

}  // namespace

TEST_CASE("query text becomes typed params (P1)") {
  const Schema chat = compiled(kChat);
  CHECK(typed(chat, {{"roomId", "room-9"}, {"limit", "10"}, {"pinned", "true"}}) ==
        R"({"limit":10,"pinned":true,"roomId":"room-9"})");
  CHECK(chat->declares("limit"));
  CHECK_FALSE(chat->declares("Limit"));
}

TEST_CASE("what the schema refuses is told by name (P2)") {
  const Schema chat = compiled(kChat);
  CHECK(refusal(chat->check_text({})) == "roomId is required");
  CHECK(refusal(chat->check_text({{"roomId", ""}})) == "roomId must have at least 1 character");
  CHECK(refusal(chat->check_text({{"roomId", "a"}, {"limit", "ten"}})) ==
        "limit must be an integer");
  CHECK(refusal(chat->check_text({{"roomId", "a"}, {"limit", ""}})) == "limit must be an integer");
  CHECK(refusal(chat->check_text({{"roomId", "a"}, {"pinned", "yes"}})) ==
        "pinned must be true or false");
}

TEST_CASE("undeclared params pass as strings, unless the schema forbids them (P4)") {
  CHECK(typed(compiled(kChat), {{"roomId", "a"}, {"x", "1"}}) == R"({"roomId":"a","x":"1"})");
  const Schema closed = compiled(
      R"({"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false})");
  CHECK(refusal(closed->check_text({{"a", "1"}, {"b", "2"}})) == "\"b\" is not declared");
  CHECK(refusal(closed->check_json(R"({"b":2})")) == "\"b\" is not declared");
}

TEST_CASE("arrays and objects come as JSON text and leave in canonical form (P6)") {
  const Schema schema = compiled(
      R"({"type":"object","properties":{"tags":{"type":"array","items":{"type":"string"}},
      "at":{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}}})");
  CHECK(typed(schema, {{"tags", R"([ "b", "\u0061" ])"}, {"at", R"({"y":1e0, "x": 1.50})"}}) ==
        R"({"at":{"x":1.5,"y":1},"tags":["b","a"]})");
  CHECK(refusal(schema->check_text({{"tags", "b"}})) == "tags must be an array as JSON");
  CHECK(refusal(schema->check_text({{"tags", "{}"}})) == "tags must be an array as JSON");
  CHECK(refusal(schema->check_text({{"tags", R"(["a",1])"}})) == "tags[1] must be a string");
  CHECK(refusal(schema->check_text({{"at", "{}"}})) == "at.x is required");
  CHECK(refusal(schema->check_text({{"at", R"({"x":1,"x":2})"}})) ==
        "at must be an object as JSON");
  CHECK(refusal(schema->check_text({{"tags", R"(["a")"}})) == "tags must be an array as JSON");
}

TEST_CASE("a default is an annotation: nothing is filled in") {
  CHECK(typed(compiled(kChat), {{"roomId", "a"}}) == R"({"roomId":"a"})");
}

TEST_CASE("integers are whole decimals of 64 bits") {
  check_texts(R"({"type":"integer"})",
              {"0", "-0", "-5", "9223372036854775807", "-9223372036854775808"},
              {"", "ten", "1.5", "1.0", "1e3", "+1", "01", " 1", "1 ", "9223372036854775808", "0x1",
               "true"});
  const auto params = one(R"({"type":"integer"})")->check_text({{"p", "9007199254740993"}});
  CHECK(std::get<std::int64_t>(params.value().at("p")) == 9007199254740993);
}

TEST_CASE("numbers are finite") {
  check_texts(R"({"type":"number"})", {"0", "1.5", "-1e3", "1E-2", "1e308"},
              {"", "NaN", "Infinity", "1e309", "-1e309", "+1", ".5", "1.", "0x1", "ten"});
  CHECK(typed(one(R"({"type":"number"})"), {{"p", "1.50"}}) == R"({"p":1.5})");
  CHECK(typed(one(R"({"type":"number"})"), {{"p", "-0.0"}}) == R"({"p":0})");
}

TEST_CASE("booleans are exactly true or false") {
  check_texts(R"({"type":"boolean"})", {"true", "false"}, {"", "True", "1", "0", "yes", "true "});
}

TEST_CASE("bounds of numbers hold on both sides, above 2^53 too") {
  check_texts(R"({"type":"integer","minimum":1,"maximum":3})", {"1", "3"}, {"0", "4", "-1"});
  check_texts(R"({"type":"number","exclusiveMinimum":1,"exclusiveMaximum":3})", {"1.1", "2.9"},
              {"1", "3"});
  check_texts(R"({"type":"integer","maximum":9007199254740992})", {"9007199254740992"},
              {"9007199254740993"});
  check_texts(R"({"type":"integer","minimum":9007199254740993})", {"9007199254740993"},
              {"9007199254740992"});
  check_texts(R"({"type":"number","minimum":-0.5,"maximum":1e3})", {"-0.5", "1000"},
              {"-0.51", "1000.1"});
}

TEST_CASE("multiples are exact for whole numbers and decimal for fractions") {
  check_texts(R"({"type":"integer","multipleOf":3})", {"0", "-9", "9007199254740993"},
              {"1", "9007199254740994"});
  check_texts(R"({"type":"number","multipleOf":0.01})", {"0.07", "1.13", "19.99", "100", "-0.3"},
              {"0.075", "0.001"});
  check_texts(R"({"type":"number","multipleOf":2.5})", {"5", "7.5"}, {"6", "2.4"});
}

TEST_CASE("lengths count characters, not bytes") {
  check_texts(R"({"type":"string","minLength":2,"maxLength":3})",
              {"ab", "\u00E9\u20AC", "\U0001F600\U0001F600\U0001F600"},
              {"", "a", "\U0001F600", "abcd"});
}

TEST_CASE("patterns are searched for anywhere, as JSON Schema has it") {
  check_texts(R"({"type":"string","pattern":"b+"})", {"b", "abc", "abbb"}, {"", "ac"});
  check_texts(R"({"type":"string","pattern":"^room-\\d+$"})", {"room-1", "room-42"},
              {"room-", "xroom-1", "room-1x", "room-1\n"});
  check_texts(R"({"type":"string","pattern":"^.{2}$"})", {"ab", "\u00E9\u20AC"}, {"a", "abc"});
  check_texts(R"({"type":"string","pattern":"^a\\/b$"})", {"a/b"}, {"a\\/b"});
}

TEST_CASE("a hostile pattern can't hold the edge") {
  const Schema schema = one(R"({"type":"string","pattern":"^(a+)+$"})");
  CHECK_FALSE(schema->check_text({{"p", std::string(60'000, 'a') + "!"}}).has_value());
  CHECK(schema->check_text({{"p", std::string(60'000, 'a')}}).has_value());
}

TEST_CASE("formats are checked") {
  check_texts(R"({"type":"string","format":"uuid"})", {"123e4567-e89b-12d3-a456-426614174000"},
              {"123e4567"});
  check_texts(R"({"type":"string","format":"date"})", {"2024-02-29"}, {"2023-02-29"});
}

TEST_CASE("unions of literals, enums and const, as TypeBox emits them") {
  const std::string_view literals =
      R"({"anyOf":[{"const":"a","type":"string"},{"const":"b","type":"string"}]})";
  check_texts(literals, {"a", "b"}, {"", "c", "ab", "A"});
  CHECK(refusal(one(literals)->check_text({{"p", "c"}})) == R"(p must be one of "a", "b")");
  check_texts(R"({"enum":["a","b"]})", {"a", "b"}, {"c"});
  check_texts(R"({"type":"string","enum":["1","2"]})", {"1", "2"}, {"3"});
  check_texts(R"({"const":"x","type":"string"})", {"x"}, {"y", ""});
  CHECK(refusal(one(R"({"const":5,"type":"number"})")->check_text({{"p", "6"}})) == "p must be 5");
  CHECK(typed(one(R"({"const":5})"), {{"p", "5"}}) == R"({"p":5})");
  CHECK(typed(one(R"({"anyOf":[{"const":0,"type":"number"},{"const":1,"type":"number"}]})"),
              {{"p", "1"}}) == R"({"p":1})");
  CHECK(typed(one(R"({"const":true})"), {{"p", "true"}}) == R"({"p":true})");
  check_texts(R"({"type":"integer","enum":[9007199254740993]})", {"9007199254740993"},
              {"9007199254740992"});
  check_texts(R"({"type":"array","enum":[[1,2],[]]})", {"[1, 2]", "[]"}, {"[2,1]", "[1]"});
}

TEST_CASE("a constant with a NUL inside is the whole constant") {
  const Schema schema = one(R"({"const":"a\u0000b","type":"string"})");
  CHECK(schema->check_text({{"p", std::string("a\0b", 3)}}).has_value());
  CHECK_FALSE(schema->check_text({{"p", "a"}}).has_value());
}

TEST_CASE("where a property takes several types the first that fits decides") {
  const Schema number_first =
      one(R"({"anyOf":[{"type":"integer"},{"type":"boolean"},{"type":"string"}]})");
  CHECK(typed(number_first, {{"p", "1"}}) == R"({"p":1})");
  CHECK(typed(number_first, {{"p", "true"}}) == R"({"p":true})");
  CHECK(typed(number_first, {{"p", "1x"}}) == R"({"p":"1x"})");
  const Schema string_first = one(R"({"anyOf":[{"type":"string"},{"type":"integer"}]})");
  CHECK(typed(string_first, {{"p", "1"}}) == R"({"p":"1"})");
  CHECK(typed(one(R"({"type":["integer","string"]})"), {{"p", "7"}}) == R"({"p":7})");
  CHECK(typed(one(R"({"type":["integer","string"]})"), {{"p", "x"}}) == R"({"p":"x"})");
  CHECK(typed(one(R"({"anyOf":[{"type":"string"},{"type":"null"}]})"), {{"p", "null"}}) ==
        R"({"p":"null"})");
  check_texts(R"({"anyOf":[{"type":"integer","minimum":5},{"type":"array"}]})", {"5", "[]"},
              {"4", "x", "{}"});
}

TEST_CASE("one text is one value and one channel, whether it came as text or as JSON") {
  for (const std::string_view property :
       {R"({"anyOf":[{"type":"integer"},{"type":"string"}]})",
        R"({"anyOf":[{"type":"string"},{"type":"integer"}]})", R"({"type":["number","string"]})",
        R"({"type":["integer","number","boolean","string"]})"}) {
    const Schema schema = one(property);
    const auto text = schema->check_text({{"p", "1"}}).value();
    CHECK(schema->check_json(R"({"p":"1"})").value() == text);
    CHECK(schema->check_json(R"({"p":1})").value() == text);
    CHECK(schema->check_json(R"({"p":1.0})").value() == text);
  }
}

TEST_CASE("one key stands for one value, whichever way the value was written") {
  const Schema schema = one(R"({"anyOf":[{"const":"100","type":"string"},{"type":"number"}]})");
  CHECK(schema->check_text({{"p", "1e2"}}).value() == schema->check_text({{"p", "100"}}).value());
  CHECK(typed(schema, {{"p", "1e2"}}) == R"({"p":"100"})");
  CHECK(typed_json(schema, R"({"p":1e2})") == R"({"p":"100"})");
  const Schema json = one(R"({"anyOf":[{"type":"string","pattern":"^\\[1]$"},{"type":"array"}]})");
  CHECK(json->check_text({{"p", "[ 1 ]"}}).value() == json->check_text({{"p", "[1]"}}).value());
}

TEST_CASE("a property of any type is a string in a query") {
  CHECK(typed(one("{}"), {{"p", "1"}}) == R"({"p":"1"})");
  CHECK(typed(one(R"({"title":"free"})"), {{"p", "[1]"}}) == R"({"p":"[1]"})");
}

TEST_CASE("arrays: counts, items, uniqueness by value") {
  check_texts(R"({"type":"array","minItems":1,"maxItems":2})", {"[1]", "[1,null]"},
              {"[]", "[1,2,3]"});
  check_texts(R"({"type":"array","uniqueItems":true})", {"[]", "[1,2,\"1\",[1],{\"a\":1}]"},
              {"[1,1]", "[1,1.0]", "[\"a\",\"\\u0061\"]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]"});
  check_texts(R"({"type":"array","uniqueItems":false})", {"[1,1]"}, {});
  check_texts(
      R"({"type":"array","items":{"anyOf":[{"type":"null"},{"type":"integer","minimum":0}]}})",
      {"[null,1,1.0]"}, {"[-1]", "[1.5]", "[\"1\"]", "[true]"});
}

TEST_CASE("objects: nested properties, required, closed") {
  check_texts(
      R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"boolean"}},
      "required":["b"],"additionalProperties":false}}})",
      {"{}", R"({"a":{"b":true}})", R"({"c":1})"},
      {R"({"a":{}})", R"({"a":{"b":1}})", R"({"a":{"b":true,"c":1}})", "[]"});
}

TEST_CASE("params given as JSON keep their types and are not coerced") {
  const Schema chat = compiled(kChat);
  CHECK(typed_json(chat, R"({"roomId":"a","limit":10,"pinned":false})") ==
        R"({"limit":10,"pinned":false,"roomId":"a"})");
  CHECK(chat->check_json(R"({"roomId":"a","limit":10})").value() ==
        chat->check_text({{"roomId", "a"}, {"limit", "10"}}).value());
  CHECK(refusal(chat->check_json(R"({"roomId":42})")) == "roomId must be a string");
  CHECK(refusal(chat->check_json(R"({"roomId":"a","limit":"10"})")) == "limit must be an integer");
  CHECK(refusal(chat->check_json(R"({"roomId":"a","limit":1.5})")) == "limit must be an integer");
  CHECK(refusal(chat->check_json(R"({"roomId":"a","pinned":"true"})")) ==
        "pinned must be true or false");
  CHECK(refusal(chat->check_json(R"({"roomId":"a","limit":1e30})")) == "limit must be an integer");
  CHECK(typed_json(chat, R"({"roomId":"a","limit":1e1})") == R"({"limit":10,"roomId":"a"})");
  CHECK(typed_json(chat, R"({"roomId":"a","limit":9223372036854775807})") ==
        R"({"limit":9223372036854775807,"roomId":"a"})");
}

TEST_CASE("null in JSON params counts as absent, as the SDK leaves it out of a query") {
  const Schema chat = compiled(kChat);
  CHECK(typed_json(chat, R"({"roomId":"a","limit":null,"x":null})") == R"({"roomId":"a"})");
  CHECK(refusal(chat->check_json(R"({"roomId":null})")) == "roomId is required");
}

TEST_CASE("undeclared JSON params keep what they are") {
  const Schema any = ParamsSchema::any();
  CHECK(typed_json(any,
                   R"({"s":"a","i":1,"big":1e300,"f":1.5,"b":true,"l":[ 1 ],"o":{"b":1,"a":2}})") ==
        R"({"b":true,"big":1e+300,"f":1.5,"i":1,"l":[1],"o":{"a":2,"b":1},"s":"a"})");
  CHECK_FALSE(any->declares("s"));
  CHECK(typed(any, {{"a", "1"}}) == R"({"a":"1"})");
}

TEST_CASE("JSON params that are no object, too many, or reserved are refused") {
  const Schema any = ParamsSchema::any();
  for (const std::string_view json : {"[]", "", "{", "1", R"({"a":1,"a":2})", "{} {}"}) {
    CHECK_MESSAGE(!any->check_json(json).has_value(), json);
  }
  CHECK(refusal(any->check_json(R"({"_limit":1})")) == "\"_limit\" can't be a param's name");
  CHECK(refusal(any->check_json(R"({"last_message_id":"1"})")) ==
        "\"last_message_id\" can't be a param's name");
  CHECK(refusal(any->check_json(R"({"a":{"b":1,"b":2}})")) == "\"a\" has no canonical form");
  CHECK(refusal(any->check_json(R"({"a":1e999})")) == "\"a\" has no canonical form");
  std::string many = "{";
  for (std::size_t i = 0; i < limits::kQueryPairsMax; ++i)
    many += '"' + std::to_string(i) + "\":1,";
  CHECK(any->check_json(many.substr(0, many.size() - 1) + '}').has_value());
  CHECK(refusal(any->check_json(many + "\"z\":1}")).starts_with("more than"));
}

TEST_CASE("a keyword that is not checked is refused by name and place") {
  CHECK(refused_property(R"({"not":{}})") ==
        "paramsSchema.properties.p: the keyword \"not\" is not supported");
  for (const std::string_view keyword :
       {"$ref", "allOf", "oneOf", "if", "patternProperties", "propertyNames", "dependentRequired",
        "contains", "prefixItems", "additionalItems", "minProperties", "contentEncoding",
        "nullable", "minlength", "$defs", ""}) {
    const std::string property = R"({"type":"string",")" + std::string(keyword) + R"(":{}})";
    CHECK(refused_property(property).ends_with("the keyword \"" + std::string(keyword) +
                                               "\" is not supported"));
  }
  CHECK(
      refused_schema(
          R"({"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{},{"x":1}]}}}})") ==
      "paramsSchema.properties.a.items.anyOf[1]: the keyword \"x\" is not supported");
}

TEST_CASE("a rule that its type would never meet is refused") {
  for (const std::string_view property :
       {R"({"minLength":1})", R"({"type":"integer","minLength":1})",
        R"({"type":"string","minimum":1})", R"({"type":"string","items":{}})",
        R"({"type":"array","required":["a"]})", R"({"type":"boolean","pattern":"a"})",
        R"({"type":"object","uniqueItems":true})"}) {
    CHECK_MESSAGE(refused_property(property).find(" needs a type that is ") != std::string::npos,
                  property);
  }
}

TEST_CASE("schemas that are wrong are refused, each with its reason") {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {R"({"type":"text"})", "the type \"text\" is unknown"},
      {R"({"type":5})", "type must be a name or a list of names"},
      {R"({"type":[]})", "type must be a name or a list of names"},
      {R"({"type":["string","string"]})", "type names \"string\" twice"},
      {R"({"type":"string","minLength":-1})", "minLength must be a whole number from 0 on"},
      {R"({"type":"string","minLength":1.5})", "minLength must be a whole number from 0 on"},
      {R"({"type":"string","maxLength":"1"})", "maxLength must be a whole number from 0 on"},
      {R"({"type":"integer","minimum":"1"})", "minimum must be a number"},
      {R"({"type":"integer","multipleOf":0})", "multipleOf must be more than 0"},
      {R"({"type":"string","pattern":1})", "pattern must be a string"},
      {R"({"type":"string","format":"phone"})", "the format \"phone\" is not supported"},
      {R"({"type":"string","format":1})", "the format 1 is not supported"},
      {R"({"enum":[]})", "enum must be a list of values"},
      {R"({"enum":"a"})", "enum must be a list of values"},
      {R"({"enum":[1],"const":1})", "enum and const exclude each other"},
      {R"({"const":1e999})", "const holds a value without a canonical form"},
      {R"({"anyOf":[]})", "anyOf must be a list of schemas"},
      {R"({"anyOf":[{}],"type":"string"})",
       "anyOf takes no other rule beside it; put the rules into its branches"},
      {R"({"type":"array","items":[{}]})", "items as a list of schemas (a tuple) is not supported"},
      {R"({"type":"array","uniqueItems":1})", "uniqueItems must be true or false"},
      {R"({"type":"object","properties":[]})", "properties must be an object of schemas"},
      {R"({"type":"object","required":"a"})", "required must be a list of names"},
      {R"({"type":"object","required":[1]})", "required must be a list of names"},
      {R"({"type":"object","additionalProperties":{}})",
       "additionalProperties is supported as true or false only"},
      {"true", "a schema of true or false is not supported"},
  };
  for (const auto& [property, why] : wrong) {
    CHECK(refused_property(property) == "paramsSchema.properties.p: " + std::string(why));
  }
  CHECK(refused_property("[]").find("expected an object") != std::string::npos);
}

TEST_CASE("the top of a schema is a plain object") {
  CHECK(refused_schema("{}") == "paramsSchema: type must be \"object\"");
  CHECK(refused_schema(R"({"type":"string"})") == "paramsSchema: type must be \"object\"");
  CHECK(refused_schema(R"({"type":["object","null"]})") == "paramsSchema: type must be \"object\"");
  CHECK(refused_schema(R"({"type":"object","const":{}})") ==
        "paramsSchema: enum and const are not supported here");
  CHECK(refused_schema("nonsense").starts_with("paramsSchema: invalid JSON at byte 0"));
  CHECK(refused_schema(R"({"type":"object","properties":{"_a":{}}})").find("is reserved") !=
        std::string::npos);
  CHECK(refused_schema(R"({"type":"object","properties":{"last_message_id":{}}})")
            .find("is reserved") != std::string::npos);
  CHECK(refused_schema(R"({"type":"object"})") == "accepted");
}

TEST_CASE("patterns that RE2 can't do are refused with its reason") {
  for (const std::string_view pattern :
       {R"(^(?=a)b)", R"((?<!a)b)", R"((a)\\1)", "(", "[a", "a{2,1}", "a{1,5000}", "*a"}) {
    const std::string why =
        refused_property(R"({"type":"string","pattern":")" + std::string(pattern) + "\"}");
    CHECK_MESSAGE(why.find("is not supported: ") != std::string::npos, pattern << " gives " << why);
  }
  // Small to write, large to compile: the memory bound refuses it.
  const std::string why =
      refused_property(R"({"type":"string","pattern":"((\\pL{1,100}){1,9}){1,9}"})");
  CHECK_MESSAGE(why.find("is not supported: ") != std::string::npos, why);
}

TEST_CASE("patterns are bounded in length and in number") {
  const auto pattern = [](std::size_t size) {
    return R"({"type":"string","pattern":")" + std::string(size, 'a') + "\"}";
  };
  CHECK(refused_property(pattern(limits::kPatternBytesMax)) == "accepted");
  CHECK(refused_property(pattern(limits::kPatternBytesMax + 1)).find("longer than") !=
        std::string::npos);
  const auto many = [&pattern](std::size_t count) {
    std::string schema = R"({"type":"object","properties":{)";
    for (std::size_t i = 0; i < count; ++i) {
      schema += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + "\":" + pattern(1);
    }
    return schema + "}}";
  };
  CHECK(compiled(many(limits::kPatternsMax))->pattern_count() == limits::kPatternsMax);
  CHECK(refused_schema(many(limits::kPatternsMax + 1)).find("more than") != std::string::npos);
}

TEST_CASE("a required param need not be declared") {
  const Schema schema = compiled(R"({"type":"object","required":["a"]})");
  CHECK(refusal(schema->check_text({})) == "a is required");
  CHECK(typed(schema, {{"a", "1"}}) == R"({"a":"1"})");
}

}  // namespace tako
