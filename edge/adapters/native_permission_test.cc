// Permissions of the native dialects: taken back, asked for again, and running out.
#include "common/limits.h"
#include "edge/adapters/testing/native_fixture.h"

namespace tako::edge::testing {
namespace {

struct PermissionFixture : NativeFixture {
  Revocation revocation(std::string subject) {
    return {.app = "default", .subject = std::move(subject), .at_ms = edge.clock.monotonic_ms()};
  }
  std::uint32_t revoke(const Revocation& revocation) {
    const std::uint32_t met = edge.events.on_revocation(revocation);
    edge.run();
    return met;
  }
  // All of ann's subscriptions that stand now.
  std::uint32_t revoke_ann() { return revoke(revocation("ann")); }
  void answer_with(Grant grant) {
    edge.authorizer.decide = [grant](const AuthorizeCall&) { return Result<Grant>(grant); };
  }
  void refuse_with(ErrorCode code) {
    edge.authorizer.decide = [code](const AuthorizeCall&) -> Result<Grant> { return fail(code); };
  }
  Grant ann_for(std::int64_t ms) {
    Grant grant;
    grant.subject = "ann";
    grant.expires_at_ms = edge.clock.wall_ms() + ms;
    return grant;
  }
  static bool has_error(FakeExchange& client, std::string_view code) {
    return client.connection.texts().back().find(R"("code":")" + std::string(code) + '"') !=
           std::string::npos;
  }
};

constexpr std::string_view kSubscribeOpen =
    R"({"type":"tako.subscribe","data":{"channel":"open"}})";

TEST_CASE_FIXTURE(PermissionFixture, "a revocation ends what the subject has, in every dialect") {
  FakeExchange& plain = connect("chat?roomId=1", kGood);
  FakeExchange& rich = connect_rich("chat?roomId=2", kGood);
  FakeExchange& stream = get("chat?roomId=3", kGood);
  FakeExchange& other = connect("open");
  CHECK(revoke_ann() == 3);
  CHECK(plain.connection.closed == ErrorCode::Revoked);
  CHECK(rich.connection.closed == ErrorCode::Revoked);
  CHECK(stream.connection.closed == ErrorCode::Revoked);
  CHECK_FALSE(other.connection.closed.has_value());
  CHECK(edge.counters.permissions_revoked == 3);
  CHECK(revoke_ann() == 0);  // Nothing is left of it.
}

TEST_CASE_FIXTURE(PermissionFixture, "what is queued does not leave any more") {
  FakeExchange& plain = connect("chat?roomId=1", kGood);
  FakeExchange& stream = get("chat?roomId=1", kGood);
  plain.connection.is_stuck = true;
  stream.connection.is_stuck = true;
  publish("chat?roomId=1");
  CHECK(revoke_ann() == 2);
  CHECK(plain.connection.dropped);
  CHECK(stream.connection.dropped);
}

TEST_CASE_FIXTURE(PermissionFixture, "what was granted later stays") {
  const Revocation before = revocation("ann");
  edge.advance(10);
  FakeExchange& client = connect("chat?roomId=1", kGood);
  CHECK(revoke(before) == 0);
  CHECK_FALSE(client.connection.closed.has_value());
}

TEST_CASE_FIXTURE(PermissionFixture, "a revocation of one channel leaves the others") {
  FakeExchange& one = connect("chat?roomId=1", kGood);
  FakeExchange& two = connect("chat?roomId=2", kGood);
  Revocation of_one = revocation("ann");
  of_one.name = "chat";
  of_one.key = "chat?roomId=1";
  CHECK(revoke(of_one) == 1);
  CHECK(one.connection.closed == ErrorCode::Revoked);
  CHECK_FALSE(two.connection.closed.has_value());
  of_one.key.clear();
  CHECK(revoke(of_one) == 1);
  CHECK(two.connection.closed == ErrorCode::Revoked);
}

TEST_CASE_FIXTURE(PermissionFixture,
                  "a channel's revocation ends everybody, also who is anonymous") {
  FakeExchange& one = connect("open");
  FakeExchange& two = get("open");
  FakeExchange& other = connect("a%2Fb");
  Revocation all = revocation("");
  all.name = "open";
  all.key = "open";
  CHECK(revoke(all) == 2);
  CHECK(one.connection.closed == ErrorCode::Revoked);
  CHECK(two.connection.closed == ErrorCode::Revoked);
  CHECK_FALSE(other.connection.closed.has_value());
}

TEST_CASE_FIXTURE(PermissionFixture, "on a connection with other channels only the one ends") {
  FakeExchange& client = connect_rich("chat?roomId=1", kGood);
  say(client, kSubscribeOpen);
  Revocation revoked = revocation("ann");
  SUBCASE("told, when nothing is queued") {
    revoked.reason = "you were rude";
    CHECK(revoke(revoked) == 1);
    CHECK(has_error(client, "revoked"));
    CHECK(client.connection.texts().back().find("you were rude") != std::string::npos);
    publish("chat?roomId=1");
    publish("open");
    CHECK(client.connection.texts().back() == message("open", "open", 1, R"(,"key":"open")"));
  }
  SUBCASE("with the connection, when something is") {
    client.connection.is_stuck = true;
    CHECK(revoke(revoked) == 1);
    CHECK(client.connection.closed == ErrorCode::Restarting);
    CHECK(client.connection.dropped);
  }
}

TEST_CASE_FIXTURE(PermissionFixture, "an answer that was on its way is asked for again, once") {
  FakeExchange& client =
      begin("GET", "chat?roomId=1", {{"authorization", "Bearer good"}, {"upgrade", "websocket"}});
  Revocation revoked = revocation("ann");
  edge.events.on_revocation(revoked);
  CHECK(edge.authorizer.calls.size() == 1);
  edge.run();  // The app answers, and is asked again, were it within the same millisecond.
  CHECK(edge.authorizer.calls.size() == 2);
  CHECK_FALSE(client.connection.closed.has_value());
  publish("chat?roomId=1");
  CHECK(client.connection.texts().size() == 1);
}

TEST_CASE_FIXTURE(PermissionFixture, "an answer that is overtaken twice is none") {
  FakeExchange& client = begin("GET", "chat?roomId=1", kGood);
  edge.authorizer.decide = [this](const AuthorizeCall&) {
    edge.clock.advance(5);
    edge.events.on_revocation(revocation("ann"));
    Grant grant;
    grant.subject = "ann";
    return Result<Grant>(grant);
  };
  edge.run();
  CHECK(edge.authorizer.calls.size() == 2);
  CHECK(client.status == 503);
}

TEST_CASE_FIXTURE(PermissionFixture,
                  "the banned are refused whatever the app says, until it is over") {
  Revocation ban = revocation("ann");
  ban.name = "chat";
  ban.banned_until_ms = edge.clock.wall_ms() + 10'000;
  ban.reason = "spam";
  revoke(ban);
  edge.advance(1);
  FakeExchange& stream = get("chat?roomId=1", kGood);
  CHECK(stream.status == 403);
  REQUIRE(stream.error.has_value());
  CHECK(stream.error->code == ErrorCode::Revoked);
  CHECK(stream.error->message() == "spam");
  CHECK(connect("chat?roomId=1", kGood).connection.closed == ErrorCode::Revoked);
  CHECK(get("chat/messages?roomId=1", kGood).status == 403);
  CHECK(get("both", {{"x-token", "Bearer good"}}).status == 200);
  edge.advance(10'000);
  CHECK(get("chat?roomId=1", kGood).status == 200);
}

TEST_CASE_FIXTURE(PermissionFixture, "the app is asked again, and nothing is delivered before") {
  FakeExchange& plain = connect("chat?roomId=1", kGood);
  FakeExchange& stream = get("chat?roomId=1", kGood);
  Revocation ask = revocation("ann");
  ask.reauthorize = true;
  edge.advance(1);
  CHECK(edge.events.on_revocation(ask) == 2);
  edge.broker.publish_to("chat?roomId=1", {.type = "message", .data = "1"});
  edge.broker.run();
  const std::size_t blocks = stream.connection.frames.size();
  CHECK(plain.connection.frames.empty());
  SUBCASE("a yes goes on where it stood") {
    edge.run();
    CHECK(plain.connection.frames.size() == 1);
    CHECK(stream.connection.frames.size() == blocks + 1);
    CHECK(edge.counters.permissions_renewed == 2);
  }
  SUBCASE("a no ends it") {
    refuse_with(ErrorCode::VerifyRejected);
    edge.run();
    CHECK(plain.connection.closed == ErrorCode::VerifyRejected);
    CHECK(stream.connection.closed == ErrorCode::VerifyRejected);
  }
  SUBCASE("so does an app that does not answer") {
    refuse_with(ErrorCode::Unavailable);
    edge.run();
    CHECK(plain.connection.closed == ErrorCode::Unavailable);
  }
  SUBCASE("and so does another subject") {
    Grant bob;
    bob.subject = "bob";
    answer_with(bob);
    edge.run();
    CHECK(plain.connection.closed == ErrorCode::VerifyRejected);
  }
}

TEST_CASE_FIXTURE(PermissionFixture,
                  "what is taken back while a client changes processes meets it") {
  FakeExchange& client = connect("chat?roomId=1", kGood);
  const proto::ClientRecord record = client.connection.pack();
  Revocation taken = revocation("ann");
  FakeConnection there(edge.clock);
  SUBCASE("it ends") {
    CHECK(revoke(taken) == 0);
    there.restore(*protocols.front(), record);
    CHECK(there.closed == ErrorCode::Revoked);
  }
  SUBCASE("without a credential that came along, it has to come again") {
    taken.reauthorize = true;
    CHECK(revoke(taken) == 0);
    there.restore(*protocols.front(), record);
    CHECK(there.closed == ErrorCode::Restarting);
  }
  SUBCASE("what was taken back of another, or before it was granted, does not") {
    taken.subject = "bob";
    revoke(taken);
    taken.subject = "ann";
    --taken.at_ms;
    revoke(taken);
    there.restore(*protocols.front(), record);
    edge.run();
    CHECK_FALSE(there.closed.has_value());
    publish("chat?roomId=1");
    CHECK(there.frames.size() == 1);
    CHECK(revoke_ann() == 1);
    CHECK(there.closed == ErrorCode::Revoked);
  }
  there.hang_up();
}

TEST_CASE_FIXTURE(PermissionFixture,
                  "a client with a credential is asked about in its new process") {
  answer_with(ann_for(600'000));
  FakeExchange& client = connect("chat?roomId=1", kGood);
  const proto::ClientRecord record = client.connection.pack();
  Revocation taken = revocation("ann");
  taken.reauthorize = true;
  CHECK(revoke(taken) == 0);
  FakeConnection there(edge.clock);
  edge.broker.publish_to("chat?roomId=1", {.type = "message", .data = "1"});
  there.restore(*protocols.front(), record);
  edge.broker.run();
  CHECK(there.frames.empty());
  edge.run();
  CHECK_FALSE(there.closed.has_value());
  CHECK(there.frames.size() == 1);
  there.hang_up();
}

TEST_CASE_FIXTURE(PermissionFixture, "a channel's clients are asked about once each") {
  FakeExchange& one = connect("chat?roomId=1", kGood);
  connect("chat?roomId=1", kGood);
  Revocation ask = revocation("");
  ask.name = "chat";
  ask.reauthorize = true;
  CHECK(edge.events.on_revocation(ask) == 2);
  CHECK(edge.authorizer.calls.size() == 4);
  CHECK(edge.events.on_revocation(ask) == 0);
  edge.run();
  CHECK_FALSE(one.connection.closed.has_value());
}

TEST_CASE_FIXTURE(PermissionFixture, "who can't be asked about has to come again") {
  FakeExchange& client = connect("open");
  Revocation ask = revocation("");
  ask.reauthorize = true;
  CHECK(revoke(ask) == 1);
  CHECK(client.connection.closed == ErrorCode::Restarting);
}

TEST_CASE_FIXTURE(PermissionFixture, "plain dialects are renewed with what they brought") {
  answer_with(ann_for(60'000));
  FakeExchange& plain = connect("chat?roomId=1", kGood);
  FakeExchange& stream = get("chat?roomId=1", kGood);
  pass(29'900);
  CHECK(edge.authorizer.calls.size() == 2);
  SUBCASE("a yes goes on") {
    answer_with(ann_for(90'000));
    pass(100);
    CHECK(edge.authorizer.calls.size() == 4);
    pass(50'000);
    CHECK_FALSE(plain.connection.closed.has_value());
    CHECK_FALSE(stream.connection.closed.has_value());
  }
  SUBCASE("a no ends them at once") {
    refuse_with(ErrorCode::VerifyRejected);
    pass(100);
    edge.run();
    CHECK(plain.connection.closed == ErrorCode::VerifyRejected);
    CHECK(stream.connection.closed == ErrorCode::VerifyRejected);
  }
  SUBCASE("an app that is down is asked again, and the end is the end") {
    refuse_with(ErrorCode::Unavailable);
    pass(30'000);
    CHECK_FALSE(plain.connection.closed.has_value());
    CHECK(edge.authorizer.calls.size() > 6);
    CHECK(edge.authorizer.calls.size() < 20);
    pass(100);
    CHECK(plain.connection.closed == ErrorCode::ConnectionExpired);
    CHECK(stream.connection.closed == ErrorCode::ConnectionExpired);
  }
}

TEST_CASE_FIXTURE(PermissionFixture, "a rich client with a cookie is renewed by it, unasked") {
  answer_with(ann_for(60'000));
  FakeExchange& client =
      connect_rich("both", {{"cookie", "sid=good"}, {"origin", "http://example.com"}});
  REQUIRE_FALSE(client.connection.closed.has_value());
  pass(29'900);
  answer_with(ann_for(90'000));
  pass(100);
  CHECK(edge.authorizer.calls.size() == 2);
  CHECK(client.connection.texts().size() == 1);  // tako.ready, and no tako.reauth.
  pass(40'000);
  CHECK_FALSE(client.connection.closed.has_value());
}

TEST_CASE_FIXTURE(PermissionFixture, "rights hold for subscribing, too") {
  Grant grant;
  grant.subject = "ann";
  grant.rights = std::vector<std::string>{"publish"};
  answer_with(grant);
  CHECK(get("chat?roomId=1", kGood).status == 403);
  CHECK(connect("chat?roomId=1", kGood).connection.closed == ErrorCode::Forbidden);
  grant.rights = std::vector<std::string>{"subscribe"};
  answer_with(grant);
  CHECK(get("chat?roomId=1", kGood).status == 200);
  CHECK_FALSE(connect("chat?roomId=1", kGood).connection.closed.has_value());
}

}  // namespace
}  // namespace tako::edge::testing
