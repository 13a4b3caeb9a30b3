// A broker that is not there yet, dies or comes back; an edge that dies; strangers on the link.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/behaviour/fixtures.h"
#include "tests/support/link_peer.h"

using namespace tako::test;

namespace {

// A broker that knows its definitions as soon as it starts.
ClusterOptions with_definitions_file(const TempDir& folder) {
  const std::string file =
      folder.write("definitions.json", R"({"definitions":)" + std::string(kDefinitions) + "}");
  return {.broker_config = "[[apps]]\nid = \"default\"\ndefinitions_file = \"" + file + "\"\n"};
}

}  // namespace

TEST_CASE("a broker starts over the socket file of one that was killed") {
  Cluster tako(with_definitions());
  tako.restart_broker();
  CHECK(tako.api("GET", "/healthz").status == 200);
  tako.wait_until_ready();
}

TEST_CASE("without a broker the edge waits and says so, then serves when it comes") {
  ClusterOptions options;
  options.starts_broker = false;
  Cluster tako(options);
  CHECK(http_get(tako.edge_admin(), "/healthz").status == 200);
  CHECK(http_get(tako.edge_admin(), "/readyz").status == 503);
  const HttpResponse response = http_get(tako.edge(), channel_path("feed"));
  CHECK(response.status == 503);
  CHECK(response.has_header("retry-after"));
  WsClient socket(tako.edge(), channel_path("wire"));
  CHECK(socket.wait_for_close().code == 4503);
  CHECK(http_get(tako.edge(), "/app").body == "app /app");  // The proxy needs no broker.
  tako.start_broker();
  tako.put_definitions(kDefinitions);
  tako.wait_until_ready();
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
}

TEST_CASE("when the broker dies clients stay, readyz tells, and publishing fails clearly") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"});
  CHECK(client.next_json()["type"].string() == "tako.ready");
  tako.kill_broker();
  wait_until("readyz to turn",
             [&] { return http_get(tako.edge_admin(), "/readyz").status == 503; });
  client.send({.opcode = kWsPing, .payload = "here?"});
  const auto pong = client.next_frame();
  REQUIRE(pong.has_value());
  CHECK(pong->opcode == kWsPong);
  client.send_text(R"({"type":"say","data":1,"ref":"r"})");
  const Json error = client.next_json();
  CHECK(error["type"].string() == "tako.error");
  CHECK(error["data"]["ref"].string() == "r");
  CHECK(error["data"]["code"].string() == "unavailable");
  CHECK(error["data"]["retryable"].boolean());
}

TEST_CASE("strangers on the link socket are turned away, and edges stay linked") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  Socket garbage = Socket::connect("unix:" + tako.link_path());
  garbage.offer(std::string("\xff\xff\xff\xff", 4) + std::string(1000, 'g'));
  CHECK(garbage.closed_by_peer());
  Socket http = Socket::connect("unix:" + tako.link_path());
  http.offer("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(http.closed_by_peer());
  bystander.check_unharmed();
  CHECK(http_get(tako.edge_admin(), "/readyz").status == 200);
}

TEST_CASE("an edge of another user is refused with what to do, and counted") {
  if (geteuid() != 0) return;  // Only root can be somebody else.
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  // As if an operator had opened the socket and its folder to all.
  REQUIRE(chmod(tako.link_path().c_str(), 0666) == 0);
  REQUIRE(chmod(tako.folder().path().c_str(), 0755) == 0);
  const auto is_told = [&tako] {
    LinkPeer peer = LinkPeer::dial(tako.link_path());
    const LinkItem refused = peer.next(BrokerSays::Refused);
    const bool says_what_to_do = refused.bytes(1).find("run it as that user") != std::string::npos;
    return says_what_to_do && peer.closed_by_peer();
  };
  CHECK(as_nobody(is_told) == 0);
  CHECK(as_nobody(is_told) == 0);
  CHECK(metric(tako.broker_admin(), "tako_broker_link_strangers_total") == 2);
  const std::string warning = "an edge was refused: it runs as another user";
  tako.broker().wait_for_text(warning);
  const std::string log = tako.broker().errors();
  CHECK(log.find(warning) == log.rfind(warning));  // The log is not filled by one that goes on.
  bystander.check_unharmed();
}

TEST_CASE("an edge that dies takes only its own clients along") {
  ClusterOptions options = with_definitions();
  options.edges = 2;
  Cluster tako(options);
  Bystander bystander(tako);
  SseClient doomed(tako.edge(1), channel_path("feed"));
  static_cast<void>(doomed.opening_id());
  tako.edge_process(1).kill();
  CHECK(doomed.ends());
  bystander.check_unharmed();
  wait_until("its subscribers to be forgotten", [&] {
    const Json channels = tako.api("GET", "/v1/channels").json()["channels"];
    return channels.size() == 1 && channels[0]["subscribers"].number() == 1;
  });
}

TEST_CASE("requests that come while the broker starts again wait for it and are served") {
  const TempDir folder;
  ClusterOptions options = with_definitions_file(folder);
  options.edge_arguments = {"--limit", "link_wait_ms=60000"};
  Cluster tako(options);
  tako.kill_broker();
  wait_until("readyz to turn",
             [&] { return http_get(tako.edge_admin(), "/readyz").status == 503; });
  HttpConnection history(tako.edge());
  history.send({.target = "/_tako/channels/feed/messages"});
  HttpConnection stream(tako.edge());
  stream.send({.target = channel_path("feed")});
  tako.start_broker();
  CHECK(history.read_response().status == 200);
  const auto head = stream.stream().read_head();
  REQUIRE(head.has_value());
  CHECK(head->status() == 200);
}

TEST_CASE("clients that were there before the broker died get what it is told when it is back") {
  const TempDir folder;
  Cluster tako(with_memory_log(with_definitions_file(folder)));
  WsClient rich(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"});
  SseClient events(tako.edge(), channel_path("wire", "_events=1"));
  static_cast<void>(expect(rich, "tako.ready"));
  static_cast<void>(events.opening_id());
  for (int death = 1; death <= 2; ++death) {
    tako.restart_broker();
    CHECK(expect(rich, "tako.gap")["data"]["reason"].string() == "history-lost");
    const std::string id = tako.publish("wire", "n", std::to_string(death))["id"].string();
    CHECK(rich.next_json()["id"].string() == id);
    CHECK(*events.next_message().id == id);
  }
}

TEST_CASE("edges find a broker again after several starts, and none is left behind") {
  const TempDir folder;
  ClusterOptions options = with_definitions_file(folder);
  options.edges = 3;
  Cluster tako(options);
  for (int start = 0; start < 3; ++start) tako.restart_broker();
  for (const std::size_t edge : {0U, 1U, 2U}) {
    tako.wait_until_ready(edge);
    CHECK(SseClient(tako.edge(edge), channel_path("feed")).status() == 200);
  }
}
