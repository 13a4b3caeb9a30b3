// Definitions: every member, its bounds and its slips; and which definition covers a channel.
#include "common/definition.h"

#include <doctest/doctest.h>

#include "common/channel_name.h"
#include "common/limits.h"

namespace tako {
namespace {

std::string set_of(std::string_view definitions) {
  return R"({"definitions":[)" + std::string(definitions) + "]}";
}

std::shared_ptr<const DefinitionSet> parsed(std::string_view definitions) {
  auto set = DefinitionSet::parse(set_of(definitions));
  REQUIRE_MESSAGE(set.has_value(), (set ? "" : set.error().detail));
  return *set;
}

// The definition `chat` with these further members.
Definition chat(std::string_view members) {
  return parsed(R"({"name":"chat")" + std::string(members) + "}")->all().front();
}

std::string refused_body(std::string_view json) {
  const auto set = DefinitionSet::parse(json);
  if (set) return "accepted";
  CHECK(set.error().code == ErrorCode::DefinitionInvalid);
  return set.error().detail;
}

std::string refused(std::string_view members) {
  return refused_body(set_of(R"({"name":"chat")" + std::string(members) + "}"));
}

}  // namespace

TEST_CASE("a definition of a name alone is private, over WebSocket, with the documented defaults") {
  const Definition plain = chat("");
  REQUIRE(plain.auth.has_value());
  CHECK(plain.auth->header_name == "authorization");
  CHECK_FALSE(plain.auth->cookie_name.has_value());
  CHECK(plain.transport == Transport::WebSocket);
  CHECK(plain.handlers.empty());
  CHECK(plain.replay_window_ms == 600'000);
  CHECK(plain.inactivity_ttl_ms == 0);
  CHECK(plain.keepalive_interval_ms == 25'000);
  CHECK(plain.max_connection_lifetime_ms == 7'200'000);
  CHECK(plain.messages_max == 0);
  CHECK(plain.slow == SlowPolicy::Resume);
  CHECK(plain.params_schema->check_text({{"a", "1"}}).has_value());
  CHECK(plain.params_schema_json.empty());
}

TEST_CASE("every member is read") {
  const Definition full =
      chat(R"(, "paramsSchema": { "type" : "object", "properties": {"roomId":{"type":"string"},
      "locale":{"type":"string"}} }, "contextParams":["locale"], "auth":{"headerName":"X-Key","cookieName":"sid"},
      "transport":"sse","handlers":{"message":"relay","typing":"ephemeral"},"replayWindowMs":0,"inactivityTtlMs":1,
      "keepaliveIntervalMs":1,"maxConnectionLifetimeMs":1,"maxMessages":1,"slow":"latest","presence":{"list":"counts","graceMs":0,"membersMax":3},
      "clientRate":{"subject":7},"webhooks":["member-left"])");
  CHECK(
      full.params_schema_json ==
      R"({"type":"object","properties":{"roomId":{"type":"string"},"locale":{"type":"string"}}})");
  CHECK(full.params_schema->declares("roomId"));
  CHECK(full.context_params == std::vector<std::string>{"locale"});
  CHECK(full.auth == AuthRule{.header_name = "x-key", .cookie_name = "sid"});
  CHECK(full.transport == Transport::Sse);
  CHECK(full.handlers.at("message") == HandlerKind::Relay);
  CHECK(full.handlers.at("typing") == HandlerKind::Ephemeral);
  CHECK(full.replay_window_ms == 0);
  CHECK(full.inactivity_ttl_ms == 1);
  CHECK(full.keepalive_interval_ms == 1);
  CHECK(full.max_connection_lifetime_ms == 1);
  CHECK(full.messages_max == 1);
  CHECK(full.slow == SlowPolicy::Latest);
  CHECK(full.presence ==
        PresenceRule{.list = PresenceList::Counts, .grace_ms = 0, .members_max = 3});
  CHECK(full.client_rate == ClientRate{.subject = 7});
  CHECK(full.webhooks == WebhookEvents{.member_left = true});
  CHECK(chat(R"(,"presence":true)").presence == PresenceRule{});
  CHECK_FALSE(chat(R"(,"presence":false)").presence.has_value());
  CHECK(chat(R"(,"handlers":{"ask":"dispatch"})").handlers.at("ask") == HandlerKind::Dispatch);
  CHECK(chat(R"(,"slow":"disconnect","transport":"ws")").slow == SlowPolicy::Disconnect);
}

TEST_CASE("auth says which credentials count") {
  CHECK_FALSE(chat(R"(,"auth":false)").auth.has_value());
  CHECK(chat(R"(,"auth":{})").auth == AuthRule{.header_name = "authorization", .cookie_name = {}});
  CHECK(chat(R"(,"auth":{"cookieName":"sid"})").auth ==
        AuthRule{.header_name = "authorization", .cookie_name = "sid"});
  CHECK(chat(R"(,"auth":{"headerName":false,"cookieName":"sid"})").auth ==
        AuthRule{.header_name = {}, .cookie_name = "sid"});
}

TEST_CASE("slips are refused with the definition's name and the member") {
  const std::pair<std::string_view, std::string_view> slips[] = {
      {R"(,"auth":true)",
       "auth must be false (public) or an object with headerName and cookieName"},
      {R"(,"auth":null)",
       "auth must be false (public) or an object with headerName and cookieName"},
      {R"(,"auth":{"headerName":false})",
       "auth.headerName is false, so auth.cookieName is required"},
      {R"(,"auth":{"headerName":true})", "auth.headerName must be a header's name or false"},
      {R"(,"auth":{"headerName":"a b"})", "auth.headerName must be a header's name or false"},
      {R"(,"auth":{"headerName":""})", "auth.headerName must be a header's name or false"},
      {R"(,"auth":{"cookieName":false})", "auth.cookieName must be a cookie's name"},
      {R"(,"auth":{"cookieName":"a;b"})", "auth.cookieName must be a cookie's name"},
      {R"(,"auth":{"header":"a"})", "the member \"auth.header\" is unknown"},
      {R"(,"transport":"websocket")", "transport must be \"sse\" or \"ws\""},
      {R"(,"slow":"drop")", "slow must be \"resume\", \"latest\" or \"disconnect\""},
      {R"(,"handlers":[])", "handlers must be an object of message types"},
      {R"(,"handlers":{"m":"store"})", R"(handlers.m must be "relay", "ephemeral" or "dispatch")"},
      {R"(,"handlers":{"m":true})", R"(handlers.m must be "relay", "ephemeral" or "dispatch")"},
      {R"(,"handlers":{"tako.x":"relay"})", "handlers names \"tako.x\", which is no message type"},
      {R"(,"presence":1)", "presence must be true, false or an object"},
      {R"(,"presence":{"list":"all"})", R"(presence.list must be "members" or "counts")"},
      {R"(,"presence":{"graceMs":-1})",
       "presence.graceMs must be a whole number from 0 to 315360000000"},
      {R"(,"presence":{"membersMax":0})",
       "presence.membersMax must be a whole number from 1 to 100000"},
      {R"(,"presence":{"dataBytesMax":4097})",
       "presence.dataBytesMax must be a whole number from 0 to 4096"},
      {R"(,"presence":{"grace":1})", "the member \"presence.grace\" is unknown"},
      {R"(,"clientRate":7)", "clientRate must be an object with connection, subject and channel"},
      {R"(,"clientRate":{"connection":1000001})",
       "clientRate.connection must be a whole number from 0 to 1000000, in messages a second"},
      {R"(,"clientRate":{"ip":1})", "the member \"clientRate.ip\" is unknown"},
      {R"(,"webhooks":["member-left","all"])",
       "webhooks must be true, false or a list of channel-occupied, channel-vacated, "
       "member-entered, member-left"},
      {R"(,"contextParams":"a")", "contextParams must be a list of param names"},
      {R"(,"contextParams":[1])", "contextParams must be a list of param names"},
      {R"(,"contextParams":["a","a"])", "contextParams names \"a\" twice"},
      {R"(,"contextParams":["a"])",
       "contextParams names \"a\", which paramsSchema does not declare"},
      {R"(,"replayWindow":1)", "the member \"replayWindow\" is unknown"},
      {R"(,"Auth":false)", "the member \"Auth\" is unknown"},
      {R"(,"paramsSchema":{"type":"object","allOf":[]})",
       "paramsSchema: the keyword \"allOf\" is not supported"},
      {R"(,"paramsSchema":null)", "paramsSchema: invalid JSON at byte 0: expected an object"},
  };
  for (const auto& [members, why] : slips) {
    CHECK(refused(members) == "definition \"chat\": " + std::string(why));
  }
}

TEST_CASE("numbers hold their bounds on both sides") {
  const std::string ms_max = std::to_string(limits::kDefinitionMsMax);
  const std::string ms_over = std::to_string(limits::kDefinitionMsMax + 1);
  struct Bound {
    std::string member;
    std::vector<std::string> good;
    std::vector<std::string> bad;
  };
  const std::string cap = std::to_string(limits::kChannelMessagesMax);
  const std::string over = std::to_string(limits::kChannelMessagesMax + 1);
  const Bound bounds[] = {
      {"replayWindowMs", {"0", ms_max}, {"-1", ms_over, "1.5", "\"1\"", "null", "1e3"}},
      {"inactivityTtlMs", {"0", ms_max}, {"-1", ms_over}},
      {"keepaliveIntervalMs", {"1", ms_max}, {"0", "-1", ms_over}},
      {"maxConnectionLifetimeMs", {"1", ms_max}, {"0", ms_over, "99999999999999999999"}},
      {"maxMessages", {"1", cap}, {"0", over, "true"}},
  };
  for (const Bound& bound : bounds) {
    for (const std::string& value : bound.good) {
      CHECK(refused(",\"" + bound.member + "\":" + value) == "accepted");
    }
    for (const std::string& value : bound.bad) {
      CHECK(refused(",\"" + bound.member + "\":" + value)
                .starts_with("definition \"chat\": " + bound.member +
                             " must be a whole number from "));
    }
  }
}

TEST_CASE("names are checked and unique") {
  CHECK(refused_body(set_of("{}")) == "definition: name is required");
  CHECK(
      refused_body(set_of(R"({"name":"a b"})")).starts_with("definition: name must have 1 to 200"));
  CHECK(refused_body(set_of(R"({"name":5})")).starts_with("definition: name must have 1 to 200"));
  CHECK(refused_body(set_of(R"({"name":"a"},{"name":"b"},{"name":"a"})")) ==
        "definition \"a\": the name occurs twice");
  CHECK(refused_body(set_of(R"({"name":"a"},{"name":"a*"})")) == "accepted");
}

TEST_CASE("the body is one list of definitions, bounded") {
  for (const std::string_view body :
       {"", "[]", "{}", R"({"definitions":{}})", R"({"definitions":[1]})",
        R"({"definitions":[],"x":1})", R"({"definitions":[]}x)", R"({"definitions":null})"}) {
    CHECK_MESSAGE(refused_body(body) != "accepted", body);
  }
  CHECK(refused_body(R"({"definitions":[]})") == "accepted");
  std::string many;
  for (std::size_t i = 0; i < limits::kDefinitionsMax; ++i)
    many += R"({"name":"d)" + std::to_string(i) + "\"},";
  CHECK(refused_body(set_of(many + R"({"name":"x"})")).starts_with("there are more than "));
  CHECK(refused_body(set_of(many.substr(0, many.size() - 1))) == "accepted");
  const std::string padding(limits::kDefinitionsBytesMax, ' ');
  CHECK(refused_body(set_of(padding)).starts_with("the definitions have more than "));
}

TEST_CASE("a refusal at a bound names the bound") {
  const auto limit_of = [](const std::string& body) {
    return DefinitionSet::parse(set_of(body)).error().limit;
  };
  const auto with_pattern = [](std::string_view pattern) {
    return R"({"name":"p","paramsSchema":{"type":"object","properties":{"x":{"type":"string",)"
           R"("pattern":")" +
           std::string(pattern) + R"("}}}})";
  };
  CHECK(limit_of(R"({"name":"a b"})") == nullptr);
  CHECK(limit_of(R"({"name":")" + std::string(limits::kChannelNameMax + 1, 'n') + "\"}") ==
        &LimitCounters::channel_name_max);
  CHECK(limit_of(std::string(limits::kJsonDepthMax, '[')) == &LimitCounters::json_depth_max);
  CHECK(limit_of(std::string(limits::kDefinitionsBytesMax, ' ')) ==
        &LimitCounters::definitions_bytes_max);
  CHECK(limit_of(with_pattern(std::string(limits::kPatternBytesMax + 1, 'p'))) ==
        &LimitCounters::pattern_bytes_max);
  CHECK(limit_of(with_pattern('(' + std::string(100, 'p') + "){1000}")) ==
        &LimitCounters::pattern_memory_max);
  CHECK(limit_of(with_pattern("(a")) == nullptr);
}

TEST_CASE("patterns are counted over all definitions") {
  const auto definition = [](std::string_view name, std::size_t patterns) {
    std::string text =
        R"({"name":")" + std::string(name) + R"(","paramsSchema":{"type":"object","properties":{)";
    for (std::size_t i = 0; i < patterns; ++i) {
      text +=
          (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + R"(":{"type":"string","pattern":"a"})";
    }
    return text + "}}}";
  };
  CHECK(refused_body(set_of(definition("a", limits::kPatternsMax - 1) + ',' +
                            definition("b", 1))) == "accepted");
  CHECK(refused_body(set_of(definition("a", limits::kPatternsMax) + ',' + definition("b", 1)))
            .find("patterns") != std::string::npos);
}

TEST_CASE("an exact name wins, then the longest prefix") {
  const auto set = parsed(
      R"({"name":"*"},{"name":"private-*"},{"name":"private-chat-*"},{"name":"private-chat-1"})");
  CHECK(set->find("private-chat-1")->name == "private-chat-1");
  CHECK(set->find("private-chat-2")->name == "private-chat-*");
  CHECK(set->find("private-chat-")->name == "private-chat-*");
  CHECK(set->find("private-x")->name == "private-*");
  CHECK(set->find("private")->name == "*");
  const auto narrow = parsed(R"({"name":"chat"},{"name":"room-*"})");
  CHECK(narrow->find("chat2") == nullptr);
  CHECK(narrow->find("cha") == nullptr);
  CHECK(narrow->find("Chat") == nullptr);
  CHECK(narrow->find("room") == nullptr);
  CHECK(narrow->find("room-*") == nullptr);
  CHECK(DefinitionSet::empty()->find("chat") == nullptr);
}

TEST_CASE("declared params partition, context params and undeclared ones don't") {
  const Definition room =
      chat(R"(,"paramsSchema":{"type":"object","properties":{"roomId":{"type":"string"},
      "locale":{"type":"string"}}},"contextParams":["locale"])");
  const auto key = [&room](std::string_view query) {
    const auto params =
        room.params_schema->check_text(params_text(split_query(query).value())).value();
    return make_channel_key("chat", room.partition_of(params));
  };
  CHECK(key("roomId=1&locale=de&utm=x") == "chat?roomId=1");
  CHECK(key("roomId=1&locale=en") == key("roomId=1"));
  CHECK(key("roomId=2") != key("roomId=1"));
  CHECK(key("") == "chat");
  CHECK(chat("").partition_of({{"a", std::string("1")}}).empty());
}

TEST_CASE("printing and parsing again gives the same set") {
  const std::string_view definitions =
      R"({"name":"z*","auth":{"headerName":false,"cookieName":"s"},"slow":"latest"},
      {"name":"a","auth":false,"transport":"sse","handlers":{"b":"relay","a\"":"ephemeral"},"maxMessages":5,
       "paramsSchema":{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"string"}}},"contextParams":["y","x"]},
      {"name":"m","auth":{"headerName":"X-A","cookieName":"c"}})";
  const auto set = parsed(definitions);
  const std::string printed = set->to_json();
  const auto again = DefinitionSet::parse(printed);
  REQUIRE_MESSAGE(again.has_value(), printed);
  CHECK((*again)->to_json() == printed);
  REQUIRE(set->all().size() == 3);
  CHECK(
      set->all()[0].to_json() ==
      R"({"name":"a","paramsSchema":{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"string"}}},)"
      R"("contextParams":["x","y"],"auth":false,"transport":"sse","handlers":{"a\"":"ephemeral","b":"relay"},)"
      R"("replayWindowMs":600000,"inactivityTtlMs":0,"keepaliveIntervalMs":25000,)"
      R"("maxConnectionLifetimeMs":7200000,"maxMessages":5,"slow":"resume"})");
  CHECK((*again)->find("z1")->auth == set->find("z1")->auth);
  CHECK(DefinitionSet::empty()->to_json() == R"({"definitions":[]})");
}

TEST_CASE("of a newer broker what is unknown is skipped, and the rest holds") {
  const auto set = DefinitionSet::parse(
      R"({"definitions":[{"name":"chat","auth":{"headerName":"x-key","tokenName":"t"},
        "presence":{"limit":5},"rateLimit":7,"clientRate":{"ip":1},"webhooks":["channel-full"],
        "handlers":{"say":"relay","ask":"store","later":{"kind":"new"}}}],"revision":3})",
      DefinitionSource::Broker);
  REQUIRE(set.has_value());
  const Definition* chat = (*set)->find("chat");
  REQUIRE(chat != nullptr);
  CHECK(chat->auth->header_name == "x-key");
  CHECK(chat->handlers.size() == 1);
  CHECK(chat->handlers.contains("say"));
  CHECK((*set)->not_understood().empty());
}

TEST_CASE("a definition that a newer broker says in words unknown here closes its channels") {
  const auto set = DefinitionSet::parse(R"({"definitions":[{"name":"*","auth":false},
      {"name":"room:*","transport":"quic"},{"name":"chat","auth":"mutual"}]})",
                                        DefinitionSource::Broker);
  REQUIRE(set.has_value());
  // The wider one is public: it must not stand in.
  CHECK((*set)->find("chat") == nullptr);
  CHECK((*set)->find("room:7") == nullptr);
  CHECK((*set)->find("other") != nullptr);
  CHECK((*set)->not_understood() == "chat, room:*");
}

TEST_CASE("even of a newer broker a set without names can't be read") {
  for (const char* json : {"{}", "[]", R"({"definitions":[{"auth":false}]})",
                           R"({"definitions":[{"name":"a"},{"name":"a"}]})"}) {
    CAPTURE(json);
    CHECK_FALSE(DefinitionSet::parse(json, DefinitionSource::Broker).has_value());
  }
}

}  // namespace tako
