// Permissions taken back: POST …/disconnect ends what was granted, on every edge, before it
// answers.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>

#include "tests/behaviour/fixtures.h"
#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

const std::string kRoom = channel_path("chat", "roomId=1");
const Headers kBob{{"Authorization", "Bearer bob"}};
const WsOptions kPlainAnn{.headers = kGoodToken};
const WsOptions kRichAnn{.headers = kGoodToken, .subprotocol = "tako.v1"};

HttpResponse disconnect(Cluster& tako, std::string_view subject, std::string body = "") {
  return tako.api("POST", "/v1/subjects/" + percent_encoded(subject) + "/disconnect",
                  std::move(body));
}

// The answer's count; fails when an edge is pending.
int disconnected(Cluster& tako, std::string_view subject, std::string body = "") {
  const HttpResponse response = disconnect(tako, subject, std::move(body));
  REQUIRE(response.status == 200);
  CHECK_FALSE(response.json().has("pending"));
  return static_cast<int>(response.json()["subscriptions"].number());
}

ClusterOptions with_edges(int edges, ClusterOptions options = with_definitions()) {
  options.edges = edges;
  return options;
}

void publish_to_room(Cluster& tako, std::string_view data) {
  tako.publish("chat", "t", data, "roomId=1");
}

// Nothing but the end follows, and the end is this one.
void check_revoked(WsClient& client) {
  const auto frame = client.next_frame();
  REQUIRE(frame.has_value());
  CHECK(frame->opcode == kWsClose);
  CHECK(frame->close_code() == 4403);
  CHECK(frame->close_reason() == "revoked");
}

void check_ended_silently(SseClient& stream) {
  for (auto block = stream.next_or_end(); block; block = stream.next_or_end()) {
    CHECK_FALSE(block->is_message());
  }
}

}  // namespace

TEST_CASE("a disconnect ends the subject's subscriptions on every edge, and nobody else's") {
  Cluster tako(with_edges(2));
  allow_good_tokens(tako.app());
  WsClient plain(tako.edge(0), kRoom, kPlainAnn);
  settle(plain);
  WsClient rich(tako.edge(1), kRoom, kRichAnn);
  static_cast<void>(expect(rich, "tako.ready"));
  SseClient stream(tako.edge(0), kRoom, kGoodToken);
  static_cast<void>(stream.opening_id());
  WsClient bob(tako.edge(1), kRoom, {.headers = kBob});
  settle(bob);
  while (plain.next_json()["subject"].string() != "bob") {
  }
  while (rich.next_json()["subject"].string() != "bob") {
  }
  CHECK(disconnected(tako, "ann") == 3);
  publish_to_room(tako, "1");
  check_revoked(plain);
  check_revoked(rich);
  while (const auto block = stream.next_or_end()) {
    if (block->is_message()) CHECK(block->json()["subject"].string() == "bob");
  }
  CHECK(bob.next_json()["data"].number() == 1);
  // The client may come again: the app decides.
  WsClient again(tako.edge(1), kRoom, kPlainAnn);
  settle(again);
}

TEST_CASE("one channel, or all of a name, can be taken alone") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client(tako.edge(), kRoom, kRichAnn);
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text(
      R"({"type":"tako.subscribe","data":{"channel":"chat","params":{"roomId":"2"}}})");
  static_cast<void>(expect(client, "tako.ready"));
  client.send_text(R"({"type":"tako.subscribe","data":{"channel":"wire"}})");
  static_cast<void>(expect(client, "tako.ready"));
  CHECK(disconnected(tako, "ann",
                     R"({"channel":"chat","params":{"roomId":"2"},"reason":"rude"})") == 1);
  const Json error = expect(client, "tako.error");
  CHECK(error["key"].string() == "chat?roomId=2");
  CHECK(error["data"]["code"].string() == "revoked");
  CHECK(error["data"]["message"].string() == "rude");
  CHECK(disconnected(tako, "ann", R"({"channel":"feed"})") == 0);
  CHECK(disconnected(tako, "ann", R"({"channel":"chat"})") == 1);
  CHECK(expect(client, "tako.error")["key"].string() == "chat?roomId=1");
  tako.publish("wire", "t", "7");
  CHECK(client.next_json()["data"].number() == 7);
}

TEST_CASE("a channel's disconnect ends everybody's subscription, also of a public channel") {
  Cluster tako(with_edges(2));
  allow_good_tokens(tako.app());
  WsClient public_one(tako.edge(0), channel_path("wire"));
  settle(public_one);
  SseClient public_two(tako.edge(1), channel_path("wire"));
  static_cast<void>(public_two.opening_id());
  WsClient ann(tako.edge(0), kRoom, kPlainAnn);
  settle(ann);
  CHECK(tako.api("POST", "/v1/channels/wire/disconnect").json()["subscriptions"].number() == 2);
  check_revoked(public_one);
  check_ended_silently(public_two);
  publish_to_room(tako, "1");
  CHECK(ann.next_json()["data"].number() == 1);
  CHECK(
      tako.api("POST", "/v1/channels/chat/disconnect?roomId=2").json()["subscriptions"].number() ==
      0);
  CHECK(tako.api("POST", "/v1/channels/chat/disconnect").json()["subscriptions"].number() == 1);
  check_revoked(ann);
}

TEST_CASE("a call that can't be meant is refused, and says why") {
  Cluster tako(with_definitions());
  for (const char* body :
       {"[]", R"({"chanel":"chat"})", R"({"params":{"roomId":"1"}})", R"({"banMs":-1})",
        R"({"banMs":1,"reauthorize":true})", R"({"channel":"bad name"})",
        R"({"channel":"chat","params":{"roomId":""}})"}) {
    CAPTURE(body);
    CHECK(disconnect(tako, "ann", body).status == 400);
  }
  CHECK(tako.api("POST", "/v1/subjects//disconnect").status == 404);
  CHECK(tako.api("GET", "/v1/subjects/ann/disconnect").status == 405);
  CHECK(tako.api("POST", "/v1/channels/chat/disconnect", R"({"banMs":5})").status == 400);
}

TEST_CASE("an edge that does not answer is named, and applies it before it delivers anything") {
  Cluster tako(with_edges(2));
  allow_good_tokens(tako.app());
  WsClient stays(tako.edge(0), kRoom, kPlainAnn);
  settle(stays);
  WsClient stopped(tako.edge(1), kRoom, kPlainAnn);
  settle(stopped);
  static_cast<void>(stays.next_json());  // The other's settling.
  tako.edge_process(1).signal(SIGSTOP);
  const HttpResponse response = disconnect(tako, "ann");
  CHECK(response.json()["subscriptions"].number() == 1);
  REQUIRE(response.json()["pending"].size() == 1);
  publish_to_room(tako, "1");
  check_revoked(stays);
  tako.edge_process(1).signal(SIGCONT);
  check_revoked(stopped);
}

TEST_CASE("a slow reader gets nothing of what was queued for it after the answer") {
  constexpr int kMessages = 60;
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient slow(tako.edge(), kRoom, {.headers = kGoodToken, .receive_buffer = 4096});
  settle(slow);
  const std::string pad = '"' + std::string(50'000, 'p') + '"';
  for (int i = 0; i < kMessages; ++i) publish_to_room(tako, pad);
  wait_for_metric(tako.edge_admin(), hits_series("outbox_bytes_max"), 1);
  const double sent = metric(tako.edge_admin(), "tako_edge_bytes_sent_total");
  CHECK(disconnected(tako, "ann") == 1);
  // It reads on: what the kernel held, the rest of one frame, and the end.
  const WsEnd end = slow.wait_for_close();
  CHECK(end.code == 4403);
  CHECK(end.reason == "revoked");
  const double later = metric(tako.edge_admin(), "tako_edge_bytes_sent_total") - sent;
  CHECK(later < 2 * 50'000);
}

TEST_CASE("an authorization that is under way does not count: the app is asked again") {
  Cluster tako(with_definitions());
  std::atomic<int> calls = 0;
  tako.app().on_authorize([&calls](const Json&) -> StubReply {
    if (++calls == 1) {
      return {.body = R"({"ok":true,"subject":"ann"})", .delay = std::chrono::milliseconds(400)};
    }
    return {.status = 403, .body = "{}"};
  });
  WsClient client(tako.edge(), kRoom, kPlainAnn);
  static_cast<void>(tako.app().wait_for_authorize_calls(1));
  CHECK(disconnected(tako, "ann") == 0);
  check_close(client, 4403, "verify-rejected");
  CHECK(calls == 2);
}

TEST_CASE("reauthorize asks the app: a yes goes on with nothing missing, a no ends it") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient ann(tako.edge(), kRoom, kPlainAnn);
  settle(ann);
  WsClient bob(tako.edge(), kRoom, {.headers = kBob});
  settle(bob);
  static_cast<void>(ann.next_json());
  CHECK(disconnected(tako, "ann", R"({"reauthorize":true})") == 1);
  publish_to_room(tako, "1");
  CHECK(ann.next_json()["data"].number() == 1);
  CHECK(bob.next_json()["data"].number() == 1);
  tako.app().authorize_with({.status = 403, .body = "{}"});
  CHECK(disconnected(tako, "bob", R"({"reauthorize":true})") == 1);
  publish_to_room(tako, "2");
  const auto end = bob.next_frame();
  REQUIRE(end.has_value());
  CHECK(end->opcode == kWsClose);
  CHECK(end->close_code() == 4403);
  CHECK(ann.next_json()["data"].number() == 2);
}

TEST_CASE("a ban holds against reconnects, and can be lifted") {
  Cluster tako(with_edges(2));
  allow_good_tokens(tako.app());
  WsClient ann(tako.edge(0), kRoom, kPlainAnn);
  settle(ann);
  CHECK(disconnected(tako, "ann", R"({"channel":"chat","banMs":60000,"reason":"spam"})") == 1);
  check_revoked(ann);
  for (const std::size_t edge : {0U, 1U}) {
    WsClient again(tako.edge(edge), kRoom, kPlainAnn);
    check_close(again, 4403, "revoked");
    const HttpResponse history =
        http_get(tako.edge(edge), "/_tako/channels/chat/messages?roomId=1", kGoodToken);
    check_refused(history, 403, "revoked");
    CHECK(history.error_message() == "spam");
  }
  WsClient bob(tako.edge(0), kRoom, {.headers = kBob});
  settle(bob);
  CHECK(disconnected(tako, "ann", R"({"channel":"chat","banMs":0})") == 0);
  WsClient back(tako.edge(1), kRoom, kPlainAnn);
  settle(back);
}

TEST_CASE("an edge that was not linked applies what it missed before it delivers anything") {
  Cluster tako(with_edges(2));
  allow_good_tokens(tako.app());
  WsClient away(tako.edge(1), kRoom, kRichAnn);
  static_cast<void>(expect(away, "tako.ready"));
  WsClient bob(tako.edge(1), kRoom, {.headers = kBob, .subprotocol = "tako.v1"});
  static_cast<void>(expect(bob, "tako.ready"));
  tako.edge_process(1).signal(SIGSTOP);
  tako.restart_broker();  // Which does not know this edge yet.
  tako.wait_until_ready(0);
  CHECK(disconnected(tako, "ann") == 0);
  publish_to_room(tako, "1");
  tako.edge_process(1).signal(SIGCONT);
  check_revoked(away);
  CHECK(bob.next_json()["data"].number() == 1);
}

TEST_CASE("a disconnect outlives a broker that is killed behind its answer") {
  Cluster tako(with_edges(2));
  allow_good_tokens(tako.app());
  WsClient stopped(tako.edge(1), kRoom, kRichAnn);
  static_cast<void>(expect(stopped, "tako.ready"));
  tako.edge_process(1).signal(SIGSTOP);
  tako.restart_broker();
  tako.wait_until_ready(0);
  CHECK(disconnected(tako, "ann") == 0);  // Nobody who is linked has her.
  tako.restart_broker();
  publish_to_room(tako, "1");
  tako.edge_process(1).signal(SIGCONT);
  check_revoked(stopped);
}

TEST_CASE("a ban outlives a broker that is killed, and holds at an edge that is new") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  CHECK(disconnected(tako, "ann", R"({"banMs":60000})") == 0);
  tako.restart_broker();
  tako.wait_until_ready();
  for (int round = 0; round < 2; ++round) {
    WsClient again(tako.edge(), kRoom, kPlainAnn);
    check_close(again, 4403, "revoked");
    CHECK(SseClient(tako.edge(), kRoom, kGoodToken).status() == 403);
    if (round == 0) tako.take_over();
  }
}

TEST_CASE("a client that is handed over is met by a disconnect in its new process") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient ann(tako.edge(), kRoom, kPlainAnn);
  settle(ann);
  WsClient bob(tako.edge(), kRoom, {.headers = kBob});
  settle(bob);
  static_cast<void>(ann.next_json());
  tako.take_over();
  CHECK(disconnected(tako, "ann") == 1);
  publish_to_room(tako, "1");
  check_revoked(ann);
  CHECK(bob.next_json()["data"].number() == 1);
  CHECK(disconnected(tako, "bob") == 1);
  check_revoked(bob);
}

TEST_CASE("the call is served through an edge, too") {
  ClusterOptions options = with_definitions();
  options.edge_config =
      "[[apps]]\nid = \"default\"\nkeys = [{ key = \"k\", secret = \"s3cret\" }]\n";
  Cluster tako(options);
  SseClient stream(tako.edge(), channel_path("feed"));
  static_cast<void>(stream.opening_id());
  const HttpResponse response =
      http(tako.edge(), {.method = "POST",
                         .target = "/_tako/api/v1/channels/feed/disconnect",
                         .headers = {{"Authorization", "Bearer k:s3cret"}}});
  CAPTURE(response.body);
  CHECK(response.status == 200);
  CHECK(response.json()["subscriptions"].number() == 1);
  CHECK(stream.ends());
}
