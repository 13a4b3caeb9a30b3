// The app decides about a message while something breaks: the app, the client, the edge.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

constexpr std::string_view kDesk = R"([
  {"name":"desk","auth":false,"transport":"ws","handlers":{"ask":"dispatch","say":"relay"}}])";

const std::string kPath = channel_path("desk");

std::string ask(std::string_view data, std::string_view more = "") {
  return R"({"type":"ask","data":)" + std::string(data) + std::string(more) + "}";
}

WsClient open_desk(Cluster& tako) {
  WsClient client(tako.edge(), kPath, {.subprotocol = "tako.v1"});
  static_cast<void>(expect(client, "tako.ready"));
  return client;
}

// A handler that answers when the test lets it.
class Gate {
 public:
  explicit Gate(StubApp& app) {
    app.on_dispatch([is_open = is_open_](const Json&) -> StubReply {
      wait_until("the test to let the handler answer", [&] { return is_open->load(); });
      return {.body = R"({"action":"fanout"})"};
    });
  }
  void open() { *is_open_ = true; }

 private:
  std::shared_ptr<std::atomic<bool>> is_open_ = std::make_shared<std::atomic<bool>>(false);
};

std::size_t stored(Cluster& tako) {
  return tako.api("GET", "/v1/channels/desk/messages").json()["messages"].size();
}

void check_unavailable(WsClient& client) {
  const Json error = expect(client, "tako.error")["data"];
  CHECK(error["code"].string() == "unavailable");
  CHECK(error["retryable"].boolean());
}

}  // namespace

TEST_CASE("a handler that throws, is not there, or says nonsense: the sender may try again") {
  Cluster tako(with_definitions(kDesk));
  WsClient client = open_desk(tako);
  client.send_text(ask("1", R"(,"ref":1)"));  // 404: the app knows no handlers.
  check_unavailable(client);
  for (const StubReply& reply :
       {StubReply{.status = 500, .body = R"({"action":"fanout"})"}, StubReply{.body = "{}"},
        StubReply{.body = R"({"action":"publish"})"}, StubReply{.body = "<html>"},
        StubReply{.body = R"({"action":"fanout","data":")" + std::string(70'000, 'x') + "\"}"}}) {
    tako.app().dispatch_with(reply);
    client.send_text(ask("1"));
    check_unavailable(client);
  }
  CHECK(stored(tako) == 0);
  CHECK(metric(tako.edge_admin(), "tako_edge_dispatch_failures_total") == 6);
  tako.edge_process().wait_for_text("the app's dispatch answer is not as agreed");
  WsClient plain(tako.edge(), kPath);
  plain.send_text(ask("1"));
  check_close(plain, 4503, "unavailable");
  const HttpResponse posted = http(
      tako.edge(), {.method = "POST", .target = "/_tako/channels/desk/messages", .body = ask("1")});
  check_refused(posted, 503, "unavailable");
  CHECK(posted.has_header("retry-after"));
}

TEST_CASE("a dead app, and one that dies over a call; it comes back, and the next one is asked") {
  Cluster tako(with_definitions(kDesk));
  WsClient client = open_desk(tako);
  tako.app().dispatch_with({.never = true});
  client.send_text(ask("1"));
  client.send_text(R"({"type":"say","data":"behind it"})");
  static_cast<void>(tako.app().wait_for_dispatch_calls(1));
  tako.app().stop();
  check_unavailable(client);
  CHECK(client.next_json()["data"].string() == "behind it");
  client.send_text(ask("2"));
  check_unavailable(client);
  tako.app().dispatch_with({.body = R"({"action":"fanout"})"});
  tako.app().start();
  client.send_text(ask("3"));
  CHECK(client.next_json()["data"].number() == 3);
}

TEST_CASE(
    "a handler that is too slow: the sender is told, and what it says later counts for nothing") {
  ClusterOptions options = with_definitions(kDesk);
  options.edge_arguments = {"--limit", "dispatch_timeout_ms=300"};
  Cluster tako(std::move(options));
  Gate gate(tako.app());
  WsClient client = open_desk(tako);
  client.send_text(ask("1"));
  check_unavailable(client);
  gate.open();
  client.send_text(ask("2"));
  CHECK(client.next_json()["data"].number() == 2);
  CHECK(stored(tako) == 1);
}

TEST_CASE("a client that closes over a call, or dies: what it sent is published all the same") {
  Cluster tako(with_definitions(kDesk));
  Gate gate(tako.app());
  SseClient listener(tako.edge(), kPath);
  static_cast<void>(listener.opening_id());
  {
    WsClient closes = open_desk(tako);
    closes.send_text(ask("1"));
    closes.send_text(R"({"type":"say","data":2})");
    static_cast<void>(tako.app().wait_for_dispatch_calls(1));
    closes.send_close(1000);
    CHECK(closes.wait_for_close().code == 1000);
  }
  {
    HttpConnection dies(tako.edge());
    dies.send({.method = "POST", .target = "/_tako/channels/desk/messages", .body = ask("3")});
    static_cast<void>(tako.app().wait_for_dispatch_calls(2));
  }
  gate.open();
  std::vector<std::string> heard = listener.next_data(3);
  std::ranges::sort(heard);
  CHECK(heard == std::vector<std::string>{"1", "2", "3"});
}

TEST_CASE(
    "an edge that is told to stop over a call ends when the app has answered, and it is stored") {
  Cluster tako(with_definitions(kDesk));
  Gate gate(tako.app());
  WsClient client = open_desk(tako);
  client.send_text(ask("1"));
  static_cast<void>(tako.app().wait_for_dispatch_calls(1));
  tako.edge_process().signal(SIGTERM);
  CHECK(client.wait_for_close().code == 1012);
  CHECK(client.tcp_ends());
  tako.edge_process().wait_for_text("waiting for messages under way");
  gate.open();
  CHECK(tako.edge_process().wait_for_exit() == 0);
  CHECK(stored(tako) == 1);
}

TEST_CASE(
    "an edge that is told to stop waits for an app without an answer no longer than for any") {
  ClusterOptions options = with_definitions(kDesk);
  options.edge_arguments = {"--limit", "dispatch_timeout_ms=500"};
  Cluster tako(std::move(options));
  tako.app().dispatch_with({.never = true});
  WsClient client = open_desk(tako);
  client.send_text(ask("1"));
  static_cast<void>(tako.app().wait_for_dispatch_calls(1));
  tako.edge_process().signal(SIGTERM);
  CHECK(tako.edge_process().wait_for_exit() == 0);
  CHECK(stored(tako) == 0);
}

TEST_CASE(
    "an edge that is taken over over a call: the answer comes, and the client moves behind it") {
  Cluster tako(with_definitions(kDesk));
  Gate gate(tako.app());
  WsClient client = open_desk(tako);
  client.send_text(ask("1", R"(,"ref":1,"echo":false)"));
  static_cast<void>(tako.app().wait_for_dispatch_calls(1));
  tako.begin_takeover();
  std::jthread handler([&] {
    tako.app().on_dispatch(
        [](const Json&) -> StubReply { return {.body = R"({"action":"drop"})"}; });
    gate.open();
  });
  tako.finish_takeover();
  CHECK(expect(client, "tako.ack")["data"]["ref"].number() == 1);
  client.send_text(ask("2", R"(,"ref":2)"));
  CHECK(expect(client, "tako.ack")["data"]["id"].is_null());
  CHECK(stored(tako) == 1);
}
