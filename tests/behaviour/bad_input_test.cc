// Bad input and bad clients: each gets its designed answer, and nothing else is harmed.
#include <doctest/doctest.h>
#include <signal.h>

#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

WsClient open_wire(Cluster& tako) {
  WsClient client(tako.edge(), channel_path("wire"));
  REQUIRE(client.status() == 101);
  return client;
}

}  // namespace

TEST_CASE("a message that is too big is 1009 from a browser and 413 from the app") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  WsClient client = open_wire(tako);
  const std::string large(70'000, 'x');
  client.socket().offer(encode_frame({.payload = R"({"type":"say","data":")" + large + "\"}"}));
  CHECK(client.wait_for_close().code == 1009);
  const HttpResponse response =
      tako.api("POST", "/v1/channels/feed/messages",
               R"({"type":"t","data":")" + std::string(2'000'000, 'x') + "\"}");
  CHECK(response.status == 413);
  bystander.check_unharmed();
}

TEST_CASE("an announced length of gigabytes is refused before a byte of it is kept") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  WsClient client = open_wire(tako);
  std::string head = encode_frame({.payload = std::string(70'000, 'x')}).substr(0, 14);
  head.replace(2, 8, std::string("\0\0\0\1\0\0\0\0", 8));
  client.send_raw(head);
  CHECK(client.wait_for_close().code == 1009);
  bystander.check_unharmed();
}

TEST_CASE("bad UTF-8 is 1007, also when the fault is in the second fragment") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  WsClient whole = open_wire(tako);
  whole.send({.payload = "{\"type\":\"say\",\"data\":\"\xc3\x28\"}"});
  CHECK(whole.wait_for_close().code == 1007);
  WsClient split = open_wire(tako);
  split.send({.fin = false, .payload = "{\"type\":\"say\",\"data\":\"\xe2\x82"});
  split.send({.opcode = kWsContinuation, .payload = "\x28\"}"});
  CHECK(split.wait_for_close().code == 1007);
  bystander.check_unharmed();
}

TEST_CASE("reserved bits, reserved opcodes, and broken control frames are 1002") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  const std::vector<WsFrame> faults{{.rsv = 4, .payload = "x"},
                                    {.rsv = 2, .payload = "x"},
                                    {.rsv = 1, .payload = "x"},
                                    {.opcode = 3},
                                    {.opcode = 11},
                                    {.opcode = kWsContinuation, .payload = "x"},
                                    {.fin = false, .opcode = kWsPing},
                                    {.opcode = kWsPing, .payload = std::string(126, 'p')},
                                    {.opcode = kWsClose, .payload = "x"},
                                    {.opcode = kWsClose, .payload = close_payload(1005, "")},
                                    {.masked = false, .payload = "x"}};
  for (const WsFrame& fault : faults) {
    WsClient client = open_wire(tako);
    client.send(fault);
    REQUIRE(client.wait_for_close().code == 1002);
    CHECK(client.tcp_ends());
  }
  bystander.check_unharmed();
}

TEST_CASE("JSON nested without end is refused, from browsers and from the app") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  WsClient client = open_wire(tako);
  client.send_text(R"({"type":"say","data":)" + deep + "}");
  CHECK(client.wait_for_close().code == 4415);
  CHECK(tako.api("POST", "/v1/channels/feed/messages", R"({"type":"t","data":)" + deep + "}")
            .status == 400);
  bystander.check_unharmed();
}

TEST_CASE("ping floods are answered, and nobody else waits") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  WsClient flooder = open_wire(tako);
  std::jthread sender([&flooder] {
    std::string burst;
    for (int number = 0; number < 5000; ++number) {
      burst += encode_frame({.opcode = kWsPing, .payload = std::to_string(number)});
    }
    flooder.socket().offer(burst);
  });
  std::string last;
  while (last != "4999") {
    const auto pong = flooder.next_frame();
    REQUIRE(pong.has_value());
    CHECK(pong->opcode == kWsPong);
    last = pong->payload;
  }
  bystander.check_unharmed();
}

TEST_CASE("clients that connect and say nothing, half-close, or vanish do no harm") {
  Cluster tako(with_definitions());
  Bystander bystander(tako);
  std::vector<Socket> silent;
  silent.reserve(200);
  for (int number = 0; number < 200; ++number) silent.push_back(Socket::connect(tako.edge()));
  for (std::size_t index = 0; index < silent.size(); index += 4) {
    silent[index].write("GET /_tako/channels/feed HT");
    if (index % 8 == 0) silent[index].shutdown_write();
    if (index % 12 == 0) silent[index].reset();
  }
  bystander.check_unharmed();
  CHECK(http_get(tako.edge(), "/app").status == 200);
  CHECK(silent[8].closed_by_peer());  // A head that can never be complete.
}

TEST_CASE("a client that half-closes behind its request still gets its answer") {
  Cluster tako(with_definitions());
  HttpConnection connection(tako.edge());
  connection.send({.target = "/app"});
  connection.stream().socket().shutdown_write();
  CHECK(connection.read_response().body == "app /app");
}

TEST_CASE("a stream or a WebSocket that the client half-closes ends, and its place is free again") {
  ClusterOptions options = with_definitions();
  options.edge_arguments = {"--limit", "connections_max=2"};
  Cluster tako(options);
  SseClient stream(tako.edge(), channel_path("feed"));
  WsClient socket = open_wire(tako);
  static_cast<void>(stream.opening_id());
  stream.stream().socket().shutdown_write();
  socket.socket().shutdown_write();
  CHECK(stream.stream().closed_by_peer());
  CHECK(socket.stream().closed_by_peer());
  SseClient next(tako.edge(), channel_path("feed"));
  CHECK(next.status() == 200);
  CHECK(SseClient(tako.edge(), channel_path("wire")).status() == 200);
}

TEST_CASE("a client that resets while the app is asked about it takes no place") {
  ClusterOptions options = with_definitions();
  options.edge_arguments = {"--limit", "connections_max=1"};
  Cluster tako(options);
  tako.app().authorize_with({.never = true});
  for (int round = 0; round < 5; ++round) {
    HttpConnection asking(tako.edge());
    asking.send(
        {.target = channel_path("chat", "roomId=" + std::to_string(round)), .headers = kGoodToken});
    static_cast<void>(tako.app().wait_for_authorize_calls(static_cast<std::size_t>(round) + 1));
    asking.stream().socket().reset();
  }
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
}

TEST_CASE("a socket that is in use is told by name, and the program ends") {
  Cluster tako(with_definitions());
  const auto check_refused = [](const Finished& ended, const std::string& address) {
    CHECK(ended.status != 0);
    CHECK(ended.errors.find(address) != std::string::npos);
    CHECK(ended.errors.find("in use") != std::string::npos);
  };
  const auto run_edge = [&tako](const Endpoint& listen, const Endpoint& admin) {
    return run_program("tako-edge", {"--listen", listen, "--admin", admin, "--link",
                                     tako.link_path(), "--name", "second"});
  };
  check_refused(run_edge(tako.app().endpoint(), "127.0.0.1:0"), tako.app().endpoint());
  check_refused(run_edge("127.0.0.1:0", tako.edge_admin()), tako.edge_admin());
  const auto run_broker = [&tako](const std::string& app_socket, const std::string& link) {
    return run_program("tako-broker", {"--app-socket", app_socket, "--link", link, "--data-dir",
                                       tako.folder().file("other-data"), "--log", "memory"});
  };
  const std::string app_socket = tako.app_socket().substr(5);
  check_refused(run_broker(app_socket, tako.folder().file("other-link")), app_socket);
  check_refused(run_broker(tako.folder().file("other-app"), tako.link_path()), tako.link_path());
  CHECK(tako.api("GET", "/healthz").status == 200);  // The first one still has its sockets,
  CHECK(http_get(tako.edge_admin(), "/readyz").status == 200);
  tako.add_edge();  // and new edges find the way to it.
}

TEST_CASE("edges may share an address: each takes its part of the connections") {
  Cluster tako(with_definitions());
  Process second({.program = program("tako-edge"),
                  .arguments = {"--listen", tako.edge(), "--link", tako.link_path()},
                  .output_folder = tako.folder().path(),
                  .name = "second"});
  CHECK(second.output_line(0) == tako.edge());
  tako.edge_process().kill();
  wait_until("the other one to serve", [&] {
    return Socket::reachable(tako.edge()) &&
           SseClient(tako.edge(), channel_path("feed")).status() == 200;
  });
}
