// Names, types and keys: the bounds of each, and that no two channels share a key.
#include "common/channel_name.h"

#include <doctest/doctest.h>

#include <set>

#include "common/limits.h"

namespace tako {

TEST_CASE("channel names have 1 to 200 characters of the allowed set") {
  CHECK(is_channel_name("a"));
  CHECK(is_channel_name("AZaz09_-.:/=@,;"));
  CHECK(is_channel_name(std::string(limits::kChannelNameMax, 'x')));
  CHECK_FALSE(is_channel_name(std::string(limits::kChannelNameMax + 1, 'x')));
  for (const std::string_view name :
       {"", "a b", "a?b", "a&b", "a*", "a%20b", "a#b", "\u00E9", "a\n", "a+b", "a~"}) {
    CHECK_MESSAGE(!is_channel_name(name), name);
  }
  CHECK_FALSE(is_channel_name(std::string_view("a\0", 2)));
}

TEST_CASE("a definition's name may end in one star") {
  CHECK(is_definition_name("chat"));
  CHECK(is_definition_name("private-*"));
  CHECK(is_definition_name("*"));
  CHECK_FALSE(is_definition_name(""));
  CHECK_FALSE(is_definition_name("a*b"));
  CHECK_FALSE(is_definition_name("a**"));
  CHECK(is_definition_name(std::string(limits::kChannelNameMax - 1, 'x') + "*"));
  CHECK_FALSE(is_definition_name(std::string(limits::kChannelNameMax, 'x') + "*"));
}

TEST_CASE("types have 1 to 128 characters, without control characters, outside tako.") {
  CHECK(is_message_type("chat.message"));
  CHECK(is_message_type("tako"));
  CHECK(is_message_type("takox.ready"));
  CHECK(is_message_type("d\u00E9j\u00E0 vu \U0001F419"));
  std::string longest;
  for (std::size_t i = 0; i < limits::kMessageTypeMax; ++i) longest += "\u00E9";
  CHECK(is_message_type(longest));
  CHECK_FALSE(is_message_type(longest + "x"));
  CHECK(is_long_message_type(longest + "x"));
  CHECK_FALSE(is_long_message_type(longest));  // Of more than 128 bytes, but not characters.
  for (const std::string_view type :
       {"", "tako.", "tako.ready", "a\nb", "a\x7F", "\u0085", "\u009F", "\xFF", "\xC3"}) {
    CHECK_MESSAGE(!is_message_type(type), type);
  }
  CHECK(is_message_type("\u00A0"));
  CHECK_FALSE(is_message_type(std::string_view("a\0b", 3)));
}

TEST_CASE("a key is the name and the params in one canonical form") {
  CHECK(make_channel_key("chat", {}) == "chat");
  CHECK(make_channel_key("chat", {{"roomId", std::string("42")}}) == "chat?roomId=42");
  const Params params{{"z", std::int64_t{-7}},
                      {"a b", std::string("x&y=z/\u00E9")},
                      {"pinned", true},
                      {"ratio", 1e21},
                      {"list", JsonValue{R"([1,"a"])"}}};
  CHECK(make_channel_key("a/b", params) ==
        "a/b?a%20b=x%26y%3Dz%2F%C3%A9&list=%5B1%2C%22a%22%5D&pinned=true&ratio=1e%2B21&z=-7");
}

TEST_CASE("channels that differ have different keys") {
  const auto text = [](std::string_view value) { return ParamValue(std::string(value)); };
  const std::pair<std::string, Params> channels[] = {
      {"chat", {}},
      {"chat", {{"", text("")}}},
      {"chat", {{"a", text("")}}},
      {"chat", {{"a", text("1&b=2")}}},
      {"chat", {{"a", text("1")}, {"b", text("2")}}},
      {"chat", {{"a=1", text("")}}},
      {"chat", {{"a", text("=1")}}},
      {"chat", {{"a", text("%31")}}},
      {"chat", {{"a", text(" ")}}},
      {"chat", {{"a", text("+")}}},
      {"chat", {{"a", std::int64_t{9007199254740992}}}},
      {"chat", {{"a", std::int64_t{9007199254740993}}}},
  };
  std::set<std::string> keys;
  for (const auto& [name, params] : channels) keys.insert(make_channel_key(name, params));
  CHECK(keys.size() == std::size(channels));
}

TEST_CASE("no app can reach into another's keys") {
  CHECK(make_qualified_key("a", "1:b") != make_qualified_key("a1", ":b"));
  CHECK(make_qualified_key("ab", "c") != make_qualified_key("a", "bc"));
  CHECK(make_qualified_key("default", "chat") == "7:defaultchat");
}

TEST_CASE("percent-decoding is done once and leaves a plus") {
  CHECK(percent_decode("a%2Fb+c") == "a/b+c");
  CHECK(percent_decode("%2541") == "%41");
  CHECK(percent_decode("%e2%82%AC") == "\u20AC");
  CHECK(percent_decode("") == "");
  for (const std::string_view text :
       {"%", "%4", "a%4", "%G0", "%0G", "%%41", "%FF", "%C3", "%ED%A0%80"}) {
    const auto decoded = percent_decode(text);
    CHECK_MESSAGE(!decoded.has_value(), text);
    if (!decoded) CHECK(decoded.error().code == ErrorCode::BadRequest);
  }
}

TEST_CASE("percent-encoding keeps what RFC 3986 calls unreserved") {
  CHECK(percent_encode("AZaz09-._~") == "AZaz09-._~");
  CHECK(percent_encode(" !\"/:@\u20AC") == "%20%21%22%2F%3A%40%E2%82%AC");
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  CHECK(percent_decode(percent_encode(every)) == every);
}

}  // namespace tako
