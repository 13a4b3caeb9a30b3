// JSON text: what is refused, what is kept byte for byte, and the canonical form.
#include "common/json_text.h"

#include <doctest/doctest.h>

#include "common/limits.h"

namespace tako {
namespace {

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

}  // namespace

TEST_CASE("what RFC 8259 allows is accepted") {
  for (const std::string_view text :
       {"null", " true ", "false\n", "0", "-0", "-1.5e+10", "1E9", R"("")", "[]", "{}",
        "[1,[2,{}]]", R"({"a":{"a":1}})", R"({"a":{"b":1,"b":2}})",
        R"("\"\\\/\b\f\n\r\t\u0000\ud83d\ude00é")", "\t{ \"a\" : [ 1 , 2 ] }\r\n", "\"\x7F\""}) {
    CHECK_MESSAGE(check_json(text).has_value(), text);
  }
}

TEST_CASE("what it does not allow is refused, and the place is told") {
  const std::string_view refused[] = {
      "",
      " ",
      "nul",
      "nulll",
      "True",
      "undefined",
      "NaN",
      "+1",
      "01",
      "-",
      "1.",
      ".1",
      "1e",
      "1e+",
      "0x1",
      "1 2",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[",
      "]",
      "[1",
      "{",
      "}",
      R"({"a"})",
      R"({"a":})",
      R"({"a":1,})",
      R"({a:1})",
      R"({'a':1})",
      R"({"a":1 "b":2})",
      R"(")",
      R"("a)",
      R"("\x")",
      R"("\)",
      R"("\u12")",
      R"("\u12G4")",
      "\"\n\"",
      "\"\t\"",
      "// comment\n1",
      "[1]//",
      "\xEF\xBB\xBF"
      "1",
  };
  for (const std::string_view text : refused) CHECK_MESSAGE(!check_json(text).has_value(), text);
  const auto checked = check_json(R"({"a":tru})");
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().code == ErrorCode::BadRequest);
  CHECK(checked.error().detail == "invalid JSON at byte 5: expected a value");
}

TEST_CASE("a NUL byte never ends the text early") {
  CHECK_FALSE(check_json(std::string_view("1\0", 2)).has_value());
  CHECK_FALSE(check_json(std::string_view("[1\0]", 4)).has_value());
  CHECK_FALSE(check_json(std::string_view("\"\0\"", 3)).has_value());
  CHECK_FALSE(check_json(std::string_view("{}\0{", 4)).has_value());
  CHECK_FALSE(check_json(std::string_view("\0", 1)).has_value());
}

TEST_CASE("text that is not Unicode is refused: bad UTF-8 and lone surrogates") {
  for (const std::string_view text :
       {"\"\xFF\"", "\"\xC3\"", "\"\xED\xA0\x80\"", R"("\ud800")", R"("\udc00")",
        R"("\ud800\u0041")", R"("\ud83dx")", R"("\ude00\ud83d")"}) {
    CHECK_MESSAGE(!check_json(text).has_value(), text);
  }
}

TEST_CASE("nesting is accepted to its bound and refused beyond it") {
  constexpr std::size_t kMax = limits::kJsonDepthMax;
  CHECK(check_json(nested(kMax, "[", "]")).has_value());
  CHECK_FALSE(check_json(nested(kMax + 1, "[", "]")).has_value());
  CHECK(check_json(nested(kMax, R"({"a":)", "}")).has_value());
  CHECK_FALSE(check_json(nested(kMax + 1, R"({"a":)", "}")).has_value());
  CHECK(split_json_object(nested(kMax, R"({"a":)", "}")).has_value());
  CHECK_FALSE(split_json_object(nested(kMax + 1, R"({"a":)", "}")).has_value());
  CHECK_FALSE(canonical_json(nested(kMax + 1, "[", "]")).has_value());
  CHECK_FALSE(check_json(nested(1'000'000, "[", "]")).has_value());
}

TEST_CASE("an object splits into names and raw values") {
  const std::string_view text =
      " { \"type\" : \"a\\u0062\" , \"da\\u0074a\" : { \"x\" : [1 , 2] } } ";
  const auto members = split_json_object(text);
  REQUIRE(members.has_value());
  REQUIRE(members->size() == 2);
  CHECK(members->at(0).name == "type");
  CHECK(members->at(0).raw == R"("a\u0062")");
  CHECK(members->at(1).name == "data");
  CHECK(members->at(1).raw == "{ \"x\" : [1 , 2] }");
  CHECK(find_member(*members, "data") == &members->at(1));
  CHECK(find_member(*members, "Data") == nullptr);
  CHECK(split_json_object("{}")->empty());
}

TEST_CASE("names that two readers could read differently are refused") {
  CHECK_FALSE(split_json_object(R"({"a":1,"b":2,"a":3})").has_value());
  CHECK_FALSE(split_json_object(R"({"a":1,"\u0061":3})").has_value());
  CHECK_FALSE(split_json_object(R"({"a\u0000b":1})").has_value());
  const auto twice = split_json_object(R"({"type":1,"type":2})");
  CHECK(twice.error().detail == R"(invalid JSON: the member "type" occurs twice)");
}

TEST_CASE("splitting takes one object or array, nothing else and nothing more") {
  for (const std::string_view text : {"[]", "1", "", "{}{}", "{} x", "null", "{", R"({"a":1}})"}) {
    CHECK_MESSAGE(!split_json_object(text).has_value(), text);
  }
  for (const std::string_view text : {"{}", "1", "", "[][]", "[1,]", "["}) {
    CHECK_MESSAGE(!split_json_array(text, 10).has_value(), text);
  }
}

TEST_CASE("an array splits into raw elements, up to the bound") {
  const auto elements = split_json_array(R"([ 1 , "a" , [ ] ,{"b": 2}])", 4);
  REQUIRE(elements.has_value());
  CHECK(*elements == std::vector<std::string_view>{"1", R"("a")", "[ ]", R"({"b": 2})"});
  CHECK_FALSE(split_json_array("[1,2,3]", 2).has_value());
  CHECK(split_json_array("[]", 0)->empty());
}

TEST_CASE("an object of many members is split in sensible time") {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) text += "\"" + std::to_string(i) + "\":1,";
  text += "\"end\":1}";
  const auto members = split_json_object(text);
  REQUIRE(members.has_value());
  CHECK(members->size() == 100'001);
}

TEST_CASE("values are taken only as what they are") {
  CHECK(json_string_value(R"("a\n\u00e9\ud83d\ude00")") == "a\n\u00E9\U0001F600");
  CHECK(json_string_value(R"("a\u0000b")") == std::string("a\0b", 3));
  CHECK(json_string_value("1") == std::nullopt);
  CHECK(json_string_value(R"("a" "b")") == std::nullopt);
  CHECK(json_integer_value("-42") == -42);
  CHECK(json_integer_value("1.0") == std::nullopt);
  CHECK(json_integer_value("\"1\"") == std::nullopt);
  CHECK(json_bool_value("true") == true);
  CHECK(json_bool_value("false") == false);
  CHECK(json_bool_value("null") == std::nullopt);
  CHECK(json_bool_value("\"true\"") == std::nullopt);
}

TEST_CASE("minifying removes white space between tokens and keeps every token's bytes") {
  CHECK(minify_json(
            " { \"a b\" :\t[ 1.0 , 1e5,12345678901234567890 ],\r\n \"q\\\" \" : \" \\\\\" } ") ==
        "{\"a b\":[1.0,1e5,12345678901234567890],\"q\\\" \":\" \\\\\"}");
  CHECK(minify_json("\" \"") == "\" \"");
  CHECK(minify_json(" 1 ") == "1");
}

TEST_CASE("strings are quoted with the shortest escapes") {
  CHECK(json_string("a\"\\/\b\f\n\r\t\x01\x1F\x7F\u00E9\u2028\U0001F600") ==
        "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\u00E9\u2028\U0001F600\"");
  CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
}

TEST_CASE("bytes that are not UTF-8 are quoted as the replacement character") {
  CHECK(json_string("a\xFF\xC3z\xE2\x82") == "\"a\uFFFD\uFFFDz\uFFFD\uFFFD\"");
  CHECK(check_json(json_string("\xED\xA0\x80\xF5")).has_value());
}

// RFC 8785 §3.2.2 and §3.2.3.
TEST_CASE("the canonical form is that of RFC 8785") {
  CHECK(canonical_json(R"({
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    })") == R"({"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],)"
            R"("string":"€$\u000f\nA'B\"\\\\\"/"})");
  CHECK(canonical_json(
            R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})") ==
        "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00F6\":7,\"\u20AC\":1,\"\U0001F600\":5,\"\uFB33\":3}");
  CHECK(canonical_json("[ ]") == "[]");
  CHECK(canonical_json("[[],[[1 ,-0]]]") == "[[],[[1,0]]]");
  CHECK(canonical_json(R"({"b":{"d":1,"c":2},"a":{}, "ab":3})") ==
        R"({"a":{},"ab":3,"b":{"c":2,"d":1}})");
}

TEST_CASE("what has no canonical form is refused") {
  CHECK_FALSE(canonical_json(R"({"a":{"b":1,"\u0062":2}})").has_value());
  CHECK_FALSE(canonical_json("1e999").has_value());
  CHECK_FALSE(canonical_json("[1] 2").has_value());
  CHECK_FALSE(canonical_json("").has_value());
}

}  // namespace tako
