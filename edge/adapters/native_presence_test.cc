// Presence as clients of the native protocol have it, sentence by sentence.
#include "edge/adapters/native_presence.h"

#include <doctest/doctest.h>

#include "edge/adapters/native_path.h"
#include "edge/adapters/testing/native_fixture.h"

namespace tako::edge::testing {
namespace {

constexpr std::string_view kPresenceDefinitions = R"({"definitions":[
  {"name":"room","auth":{},"presence":{"dataBytesMax":32},
   "paramsSchema":{"type":"object","properties":{"id":{"type":"string"}}}},
  {"name":"hall","auth":{},"presence":{"list":"counts"}},
  {"name":"pub","auth":false,"presence":true},
  {"name":"bare","auth":false},
  {"name":"hooked","auth":false,"webhooks":["channel-occupied"]}]})";

const Epoch kEpoch{1};

struct PresenceNativeFixture : NativeFixture {
  PresenceNativeFixture() {
    edge.define(kPresenceDefinitions);
    edge.authorizer.decide = [this](const AuthorizeCall& call) -> Result<Grant> {
      if (!call.header) return fail(ErrorCode::VerifyRejected);
      grant.subject = call.header->value;
      return grant;
    };
  }
  // What the edge said to the broker of presence since the last call.
  Texts said() { return edge.broker.presence.take(); }
  // `target` by its first channel, as `subject`.
  FakeExchange& enter(const std::string& target, const std::string& subject = "ann") {
    return connect_rich(target, {{"authorization", "Bearer " + subject}});
  }
  static Texts take(FakeExchange& client) {
    Texts texts = client.connection.texts();
    client.connection.frames.clear();
    return texts;
  }
  static bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }
  // The one frame that came is a tako.error with this code.
  static bool is_error(FakeExchange& client, std::string_view code) {
    const Texts texts = take(client);
    return texts.size() == 1 && texts[0].starts_with(R"({"type":"tako.error")") &&
           holds(texts[0], "\"code\":\"" + std::string(code) + "\"");
  }
  void tell_list(const std::string& key, std::uint64_t number,
                 std::vector<PresenceMember> members) {
    edge.broker.tell_presence(
        key, MemberList{.version = {number, kEpoch}, .members = std::move(members)});
  }
  static std::string version(std::uint64_t number) {
    return to_string(PresenceVersion{number, kEpoch});
  }

  Grant grant;
};

const PresenceMember kAnn{.subject = "ann", .info = R"({"name":"Ann"})", .data = {}, .since_ms = 5};

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "who has a subject is listed from the subscription on, with what the app says") {
  grant.presence_info = R"({"name":"Ann"})";
  FakeExchange& client = enter("room?id=1");
  CHECK(said() == Texts{"open room?id=1 1", R"(session room?id=1 ann info {"name":"Ann"})"});
  CHECK(take(client).size() == 1);  // Ready. It did not ask, so it is told nothing.
  tell_list("room?id=1", 1, {kAnn});
  CHECK(take(client).empty());
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "ready says what of presence is told, to those who ask") {
  CHECK_FALSE(holds(take(enter("room")).at(0), "presence"));
  CHECK(holds(take(enter("room?_presence=list")).at(0), R"("resumed":false,"presence":"list"})"));
  CHECK(holds(take(enter("room?_presence=counts")).at(0), R"("presence":"counts")"));
  CHECK(holds(take(enter("hall?_presence=list")).at(0), R"("presence":"counts")"));
  CHECK(holds(take(enter("bare?_presence=list")).at(0), R"("presence":null)"));
  grant.rights = {"subscribe"};
  CHECK(holds(take(enter("room?_presence=list")).at(0), R"("presence":null)"));
  edge.broker.knows_presence = false;
  CHECK(holds(take(enter("pub?_presence=list")).at(0), R"("presence":null)"));
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "the list comes behind ready, then its changes, as frames") {
  FakeExchange& client = enter("room?_presence=list");
  tell_list("room", 7, {kAnn, {.subject = "b\"", .info = {}, .data = "[1]", .since_ms = 6}});
  edge.broker.tell_presence(
      "room",
      PresenceChanges{
          .after = {7, kEpoch},
          .version = {10, kEpoch},
          .changes = {{.action = PresenceAction::Enter,
                       .member = {.subject = "cid", .info = {}, .data = "1", .since_ms = 8}},
                      {.action = PresenceAction::Update, .member = kAnn},
                      {.action = PresenceAction::Leave,
                       .member = {.subject = "b\""},
                       .reason = PresenceEnd::Expired}}});
  const Texts texts = take(client);
  REQUIRE(texts.size() == 3);
  CHECK(texts[1] == R"({"type":"tako.presence","data":{"version":")" + version(7) +
                        R"(","members":[{"subject":"ann","info":{"name":"Ann"},"since":5},)"
                        R"({"subject":"b\"","data":[1],"since":6}]},"key":"room"})");
  CHECK(texts[2] == R"({"type":"tako.presence","data":{"after":")" + version(7) +
                        R"(","version":")" + version(10) +
                        R"(","changes":[{"action":"enter","subject":"cid","data":1,"since":8},)"
                        R"({"action":"update","subject":"ann","info":{"name":"Ann"},"since":5},)"
                        R"({"action":"leave","subject":"b\"","reason":"expired"}]},"key":"room"})");
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "occupancy is a frame, and an event, of its own") {
  FakeExchange& client = enter("hall?_presence=list");
  FakeExchange& stream = get("pub?_presence=counts");
  stream.connection.frames.clear();
  static_cast<void>(take(client));
  edge.broker.tell_presence("hall", PresenceCounts{.connections = 12, .subjects = 9});
  edge.broker.tell_presence("pub", PresenceCounts{.connections = 3, .subjects = 0});
  CHECK(take(client) ==
        Texts{R"({"type":"tako.occupancy","data":{"connections":12,"subjects":9},"key":"hall"})"});
  CHECK(holds(stream.connection.bytes(),
              "event: tako.occupancy\ndata: {\"connections\":3,\"subjects\":0}\n\n"));
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "an event stream gets the list as an event, without an id") {
  FakeExchange& stream = get("pub?_presence=list");
  stream.connection.frames.clear();
  tell_list("pub", 1, {kAnn});
  CHECK(holds(stream.connection.bytes(),
              "\r\nevent: tako.presence\ndata: {\"version\":\"" + version(1) +
                  R"(","members":[{"subject":"ann","info":{"name":"Ann"},"since":5}]})"
                  "\n\n"));
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "the plain dialect is listed, and told nothing") {
  FakeExchange& client =
      connect("room?_presence=list&_presence_data=1", {{"authorization", "Bearer ann"}});
  CHECK(said() == Texts{"open room 1", "session room ann data 1"});
  tell_list("room", 1, {kAnn});
  CHECK(client.connection.frames.empty());
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "anonymous clients, and those without the right, are counted") {
  static_cast<void>(connect("pub"));
  CHECK(said() == Texts{"open pub 1"});
  grant.rights = {"subscribe", "publish"};
  static_cast<void>(enter("room"));
  CHECK(said() == Texts{"open room 1"});
  static_cast<void>(connect("hooked"));  // Its app wants to hear of occupancy.
  CHECK(said() == Texts{"open hooked 1"});
  static_cast<void>(connect("bare"));
  CHECK(said().empty());
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "what the client says in its URL holds") {
  static_cast<void>(enter("room?_presence_enter=0"));
  CHECK(said() == Texts{"open room 1"});
  static_cast<void>(enter("room?_presence_data={%22a%22:%20[1,%202]}", "bob"));
  CHECK(said() == Texts{R"(session room bob data {"a":[1,2]})"});
  FakeExchange& watcher = enter("room?_presence=list&_presence_enter=0");
  tell_list("room", 3, {kAnn});
  FakeExchange& current = enter("room?_presence=list&_presence_version=" + version(3));
  FakeExchange& unknown = enter("room?_presence=list&_presence_version=nonsense");
  CHECK(take(watcher).size() == 2);
  CHECK(take(current).size() == 1);
  CHECK(take(unknown).size() == 2);
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "options that are none are refused before anything is begun") {
  for (const std::string query :
       {"_presence=all", "_presence_enter=true", "_presence_data={", "_presence_data="}) {
    CAPTURE(query);
    CHECK(get("pub?" + query).status == 400);
    CHECK(connect_rich("pub?" + query).status == 400);
  }
  const std::string large = "room?_presence_data=%22" + std::string(31, 'x') + "%22";
  CHECK(get(large, {{"authorization", "Bearer ann"}}).status == 413);
  CHECK(connect(large, {{"authorization", "Bearer ann"}}).status == 413);
  CHECK(edge.limit_counters.presence_data_bytes_max == 2);
  CHECK(said().empty());
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "a subscribe command takes the same wishes as members") {
  FakeExchange& client = connect_bare();
  say(client, R"({"type":"tako.subscribe","data":{"channel":"room","token":"ann","presence":true,
      "presenceData":{"a": 1},"presenceVersion":"2-00000001"}})");
  CHECK(said() == Texts{"open room 1 list", R"(session room ann data {"a":1})"});
  CHECK(holds(take(client).at(0), R"("presence":"list")"));
  say(client, R"({"type":"tako.subscribe","data":{"channel":"hall","token":"ann",
      "presence":"counts","presenceEnter":false}})");
  CHECK(said() == Texts{"open hall 1 counts"});
  static_cast<void>(take(client));
  const auto refused = [&](const std::string& members, std::string_view code) {
    say(client, R"({"type":"tako.subscribe","data":{"channel":"pub",)" + members + "}}");
    return is_error(client, code);
  };
  CHECK(refused(R"("presence":"all")", "message-malformed"));
  CHECK(refused(R"("presenceEnter":1)", "message-malformed"));
  say(client,
      R"({"type":"tako.subscribe","data":{"channel":"room","params":{"id":"2"},"token":"ann",
      "presenceData":"01234567890123456789012345678901"}})");
  CHECK(is_error(client, "payload-too-large"));
  CHECK(said().empty());
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "what a client says of itself counts as its messages do") {
  FakeExchange& client = enter("room");
  static_cast<void>(take(client));
  const std::string update =
      R"({"type":"tako.presence","key":"room","data":{"action":"update","data":1}})";
  for (std::int64_t i = 0; i < 2 * limits::kClientRateConnectionDefault; ++i) say(client, update);
  CHECK(take(client).empty());
  say(client, update);
  const Texts told = take(client);
  REQUIRE(told.size() == 1);
  CHECK(holds(told[0], R"("code":"rate-limited")"));
  CHECK(holds(told[0], R"("retryAfterMs":)"));
  CHECK(client.connection.is_open());
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "update, leave and enter are said, and acknowledged") {
  FakeExchange& client = enter("room");
  static_cast<void>(said());
  static_cast<void>(take(client));
  const auto command = [&](const std::string& data) {
    say(client, R"({"type":"tako.presence","ref":1,"key":"room","data":)" + data + "}");
    return take(client) == Texts{R"({"type":"tako.ack","data":{"ref":1,"id":null},"key":"room"})"};
  };
  CHECK(command(R"({"action":"update","data":{"busy": true}})"));
  CHECK(said() == Texts{R"(session room ann data {"busy":true})"});
  CHECK(command(R"({"action":"leave"})"));
  CHECK(said() == Texts{"gone room ann left"});
  CHECK(command(R"({"action":"leave"})"));  // It is off already.
  CHECK(said().empty());
  CHECK(command(R"({"action":"enter"})"));
  CHECK(said() == Texts{R"(session room ann data {"busy":true})"});
  CHECK(command(R"({"action":"enter","data":null})"));
  CHECK(said() == Texts{"session room ann data null"});
  say(client, R"({"type":"tako.presence","data":{"action":"update","data":2}})");
  CHECK(said() == Texts{"session room ann data 2"});
  CHECK(take(client).empty());  // Without a ref there is no ack.
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "what can't be done is refused with its rule") {
  FakeExchange& client = connect_bare();
  for (const char* channel : {"room", "pub", "bare"}) {
    say(client, R"({"type":"tako.subscribe","data":{"token":"ann","channel":")" +
                    std::string(channel) + "\"}}");
  }
  static_cast<void>(said());
  static_cast<void>(take(client));
  const auto refused = [&](const std::string& key, const std::string& data, std::string_view code) {
    say(client, R"({"type":"tako.presence","key":")" + key + R"(","data":)" + data + "}");
    return is_error(client, code);
  };
  CHECK(refused("nobody", R"({"action":"leave"})", "subscription-unknown"));
  CHECK(refused("bare", R"({"action":"enter"})", "presence-off"));
  CHECK(refused("pub", R"({"action":"enter"})", "forbidden"));
  CHECK(refused("room", R"({"action":"wave"})", "message-malformed"));
  CHECK(refused("room", R"({"action":"update"})", "message-malformed"));
  CHECK(refused("room", "1", "message-malformed"));
  CHECK(refused("room", R"({"action":"update","data":"0123456789012345678901234567890"})",
                "payload-too-large"));
  CHECK(said().empty());
  say(client, R"({"type":"tako.presence","key":"room","data":{"action":"leave"}})");
  CHECK(refused("room", R"({"action":"update","data":1})", "forbidden"));
  CHECK_FALSE(client.connection.closed.has_value());
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "a channel that is full is told; the subscription stands") {
  FakeExchange& client = enter("room");
  static_cast<void>(take(client));
  edge.broker.tell_presence("room", PresenceRefusal{.session = edge.broker.presence.last_session(),
                                                    .error = {ErrorCode::PresenceFull}});
  CHECK(is_error(client, "presence-full"));
  static_cast<void>(said());
  say(client, R"({"type":"tako.presence","data":{"action":"enter"}})");
  CHECK(said() == Texts{"session room ann"});
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "a broker that does not know the definition yet is told again when it does") {
  FakeExchange& client = enter("room");
  static_cast<void>(take(client));
  edge.broker.tell_presence("room", PresenceRefusal{.session = edge.broker.presence.last_session(),
                                                    .error = {ErrorCode::PresenceOff}});
  CHECK(take(client).empty());
  static_cast<void>(said());
  edge.define(kPresenceDefinitions);
  CHECK(said() == Texts{"session room ann"});
  edge.define(kPresenceDefinitions);
  CHECK(said().empty());
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "what the app says of a member is held to the same bound") {
  grant.presence_info = std::string(33, '1');
  FakeExchange& client = enter("room");
  CHECK(said() == Texts{"open room 1"});
  CHECK(holds(take(client).back(), "payload-too-large"));
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "a goodbye leaves; whoever goes without it was lost") {
  enter("room").connection.say_goodbye();
  CHECK(said() == Texts{"open room 1", "session room ann", "gone room ann left"});
  enter("room").connection.hang_up();
  CHECK(said() == Texts{"session room ann", "gone room ann lost"});
  FakeExchange& client = enter("room");
  say(client, R"({"type":"tako.unsubscribe","data":{"key":"room"}})");
  CHECK(said() == Texts{"session room ann", "gone room ann left"});
  FakeExchange& drained = enter("room");
  drained.connection.drain(1'000);
  CHECK(said() == Texts{"session room ann", "gone room ann lost"});
  get("room", {{"authorization", "Bearer bob"}}).connection.hang_up();
  CHECK(said() == Texts{"session room bob", "gone room bob lost"});
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "a permission that is over has expired, in each dialect") {
  grant.expires_at_ms = edge.clock.wall_ms() + 2'000;
  static_cast<void>(enter("room", "ann"));
  static_cast<void>(connect("room", {{"authorization", "Bearer bob"}}));
  static_cast<void>(get("room", {{"authorization", "Bearer cid"}}));
  static_cast<void>(said());
  pass(2'200);
  Texts gone;
  for (const std::string& word : said()) {
    if (word.starts_with("gone")) gone.push_back(word);
  }
  std::ranges::sort(gone);
  CHECK(gone == Texts{"gone room ann expired", "gone room bob expired", "gone room cid expired"});
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "a permission that the app takes back is revoked") {
  FakeExchange& client = enter("room");
  static_cast<void>(said());
  edge.authorizer.decide = [](const AuthorizeCall&) { return fail(ErrorCode::VerifyRejected); };
  say(client, R"({"type":"tako.auth","token":"ann"})");
  say(client, R"({"type":"tako.auth","token":"ann","key":"room"})");
  CHECK(said() == Texts{"gone room ann revoked"});
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "what is granted again is said again; without the right it leaves") {
  FakeExchange& client = enter("room?_presence=list");
  static_cast<void>(said());
  grant.presence_info = "2";
  say(client, R"({"type":"tako.auth","token":"ann","key":"room"})");
  CHECK(said() == Texts{"session room ann info 2"});
  grant.rights = {"subscribe"};
  say(client, R"({"type":"tako.auth","token":"ann","key":"room"})");
  CHECK(said() == Texts{"gone room ann revoked"});
  static_cast<void>(take(client));
  tell_list("room", 1, {kAnn});
  CHECK(take(client).empty());
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "definitions turn presence off and on under live clients") {
  FakeExchange& client = enter("room?_presence=list");
  static_cast<void>(said());
  std::string off(kPresenceDefinitions);
  off.replace(off.find(R"("presence":{"dataBytesMax":32},)"), 31, "");
  edge.define(off);
  CHECK(said() == Texts{"gone room ann lost"});
  tell_list("room", 1, {kAnn});
  CHECK(take(client).size() == 1);
  edge.define(kPresenceDefinitions);
  CHECK(said() == Texts{"session room ann"});
}

TEST_CASE_FIXTURE(PresenceNativeFixture, "a watcher without room gets the list once it has read") {
  FakeExchange& client = enter("room?_presence=list");
  tell_list("room", 1, {kAnn});
  client.connection.room = 0;
  for (std::uint64_t i = 1; i < 4; ++i) {
    edge.broker.tell_presence(
        "room", PresenceChanges{.after = {i, kEpoch}, .version = {i + 1, kEpoch}, .changes = {}});
  }
  CHECK(take(client).size() == 2);
  client.connection.read_all();
  const Texts texts = take(client);
  REQUIRE(texts.size() == 1);
  CHECK(holds(texts[0], R"("version":")" + version(4) + R"(","members":[)"));
}

TEST_CASE_FIXTURE(PresenceNativeFixture,
                  "the route asks the app for the right, and the broker for the page") {
  std::vector<ApiRequest> asked;
  edge.broker.answer_api = [&](const ApiRequest& request) -> Result<ApiAnswer> {
    asked.push_back(request);
    return ApiAnswer{.status = 200, .body = R"({"members":[]})", .retry_after_ms = 0};
  };
  const Headers ann = {{"authorization", "Bearer ann"}};
  FakeExchange& page = get("room/presence?id=a%20b&_after=bob&_limit=2", ann);
  CHECK(page.status == 200);
  CHECK(page.body == R"({"members":[]})");
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].method == "GET");
  CHECK(asked[0].app == "default");
  CHECK(asked[0].target == "/v1/channels/room/presence?id=a%20b&_view=client&_after=bob&_limit=2");
  CHECK(edge.authorizer.calls.back().operation == Operation::Presence);
  CHECK(get("pub/presence").status == 200);
  CHECK(asked.back().target == "/v1/channels/pub/presence?_view=client");
  CHECK(get("bare/presence").error->code == ErrorCode::PresenceOff);
  CHECK(get("room/presence").status == 401);
  grant.rights = {"subscribe"};
  CHECK(get("room/presence", ann).status == 403);
  edge.broker.answer_api = nullptr;
  CHECK(get("pub/presence").status == 503);
}

}  // namespace
}  // namespace tako::edge::testing
