// The handoff: a new edge takes over the running one, and no client notices.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

std::string subscribe_frame(std::string_view channel, std::string_view more = "") {
  return R"({"type":"tako.subscribe","data":{"channel":)" + json_string(channel) +
         std::string(more) + "}}";
}

WsClient open_rich(Cluster& tako, Headers headers = {}) {
  WsClient client(tako.edge(), "/_tako/channels",
                  {.headers = std::move(headers), .subprotocol = "tako.v1"});
  REQUIRE(client.status() == 101);
  return client;
}

// The payload of a masked frame in two parts.
std::pair<std::string, std::string> cut(const WsFrame& frame, std::size_t at) {
  const std::string bytes = encode_frame(frame);
  return {bytes.substr(0, at), bytes.substr(at)};
}

// The body of the next answer on a kept connection.
std::string read_answer(HttpStream& stream) {
  const HttpHead head = stream.read_head().value();
  CHECK(head.status() == 200);
  stream.begin_body(Framing::of_response(head, "GET"));
  return stream.read_body();
}

void ask(HttpStream& stream, std::string_view path) {
  stream.write("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
}

std::string read_raw(HttpStream& stream, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    const ReadResult read = stream.read_raw();
    if (read.kind != ReadResult::Kind::Bytes) break;
    text += read.bytes;
  }
  return text;
}

}  // namespace

TEST_CASE("a plain WebSocket and event streams go on in the new process, each message once") {
  Cluster tako(with_definitions());
  WsClient socket(tako.edge(), channel_path("wire"));
  settle(socket);
  SseClient stream(tako.edge(), channel_path("feed"));
  static_cast<void>(stream.opening_id());
  tako.publish_numbers("wire", 3);
  tako.publish_numbers("feed", 3);
  for (int number = 1; number <= 3; ++number) CHECK(socket.next_json()["data"].number() == number);
  CHECK(stream.next_data(3) == std::vector<std::string>{"1", "2", "3"});

  tako.take_over();

  const std::string on_wire = tako.publish("wire", "n", "4")["id"].string();
  CHECK(socket.next_json()["id"].string() == on_wire);
  const std::string on_feed = tako.publish("feed", "n", "4")["id"].string();
  CHECK(*stream.next_message().id == on_feed);
  socket.send_text(R"({"type":"say","data":"still here"})");
  CHECK(socket.next_json()["data"].string() == "still here");
  CHECK(SseClient(tako.edge(), channel_path("feed")).status() == 200);
  CHECK(metric(tako.edge_admin(), "tako_edge_handoff_taken_total") >= 2);
}

TEST_CASE(
    "with no edge of the name --takeover starts as ever; without it a second one is refused") {
  Cluster tako({.edges = 0});
  int starts = 0;
  const auto start = [&](std::string_view option) {
    std::vector<std::string> arguments{
        "--listen", "127.0.0.1:0", "--link",  tako.link_path(),
        "--name",   "solo",        "--limit", "handoff_step_ms=2000"};
    if (!option.empty()) arguments.emplace_back(option);
    return std::make_unique<Process>(ProcessOptions{.program = program("tako-edge"),
                                                    .arguments = std::move(arguments),
                                                    .output_folder = tako.folder().path(),
                                                    .name = "solo" + std::to_string(++starts)});
  };
  const auto first = start("--takeover");
  CHECK(Socket::reachable(first->output_line(0)));
  const auto second = start("");
  CHECK(second->wait_for_exit() == 1);
  CHECK(second->errors().find("--takeover") != std::string::npos);
  first->kill();  // What it leaves behind is no hindrance.
  const auto third = start("--takeover");
  CHECK(Socket::reachable(third->output_line(0)));
  CHECK(third->terminate() == 0);
}

TEST_CASE("a rich connection keeps its channels, cursors, id and credentials") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  WsClient client = open_rich(tako, kGoodToken);
  constexpr int kRooms = 40;
  const auto key = [](int room) { return "chat?roomId=" + std::to_string(room); };
  const auto params = [](int room) {
    return R"(,"params":{"roomId":")" + std::to_string(room) + "\"}";
  };
  for (int room = 0; room < kRooms; ++room) {
    client.send_text(subscribe_frame("chat", params(room)));
    static_cast<void>(expect(client, "tako.ready"));
  }
  tako.take_over();
  for (int room = 0; room < kRooms; ++room) {
    const std::string id =
        tako.publish("chat", "m", "1", "roomId=" + std::to_string(room))["id"].string();
    const Json message = client.next_json();
    CHECK(message["id"].string() == id);
    CHECK(message["key"].string() == key(room));
  }
  // Its own messages are still its own, and the next subscription is judged by the same header.
  client.send_text(R"({"type":"say","data":"x","ref":7,"echo":false,"key":")" + key(3) + "\"}");
  CHECK(expect(client, "tako.ack")["data"]["ref"].number() == 7);
  client.send_text(subscribe_frame("chat", params(kRooms)));
  CHECK(expect(client, "tako.ready")["data"]["subject"].string() == "ann");
  client.send_text(R"({"type":"tako.unsubscribe","data":{"key":")" + key(0) + R"("},"ref":"u"})");
  CHECK(expect(client, "tako.ack")["data"]["ref"].string() == "u");
}

TEST_CASE("a rich connection without subscriptions moves, and its patience is not begun anew") {
  Cluster tako([] {
    ClusterOptions options = with_definitions();
    options.edge_arguments = {"--limit", "empty_connection_ms=1500"};
    return options;
  }());
  WsClient client = open_rich(tako);
  const std::int64_t opened = now_ms();
  tako.take_over();
  WsClient other = open_rich(tako);
  other.send_text(subscribe_frame("wire"));
  static_cast<void>(expect(other, "tako.ready"));
  check_close(client, 4401, "auth-frame-missing");
  CHECK(now_ms() - opened < 3'000);
}

TEST_CASE("a frame cut anywhere is put together by the new process") {
  Cluster tako(with_definitions());
  const WsFrame say{.payload = R"({"type":"say","data":"in two pieces"})"};
  std::vector<std::unique_ptr<WsClient>> clients;
  const std::size_t size = encode_frame(say).size();
  const std::vector<std::size_t> cuts{1, 2, 3, 5, 6, 7, size / 2, size - 1};
  for (const std::size_t at : cuts) {
    clients.push_back(std::make_unique<WsClient>(tako.edge(), channel_path("wire")));
    settle(*clients.back());
    clients.back()->send_raw(cut(say, at).first);
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    // A ping of another client's has been answered behind what was sent above.
    WsClient probe(tako.edge(), channel_path("wire"));
    settle(probe);
  }
  tako.take_over();
  for (std::size_t i = 0; i < cuts.size(); ++i) clients[i]->send_raw(cut(say, cuts[i]).second);
  for (const auto& client : clients) {
    std::size_t heard = 0;
    while (heard < clients.size()) {
      if (client->next_json()["data"].string() == "in two pieces") ++heard;
    }
  }
}

TEST_CASE("a message in fragments, with pings between them, is put together by the new process") {
  Cluster tako(with_definitions());
  WsClient client(tako.edge(), channel_path("wire"));
  settle(client);
  client.send({.fin = false, .opcode = kWsText, .payload = R"({"type":"say",)"});
  client.send({.opcode = kWsPing, .payload = "one"});
  CHECK(client.next_frame()->payload == "one");
  client.send({.fin = false, .opcode = kWsContinuation, .payload = "\"data\":\"frag"});
  const auto [ping_begin, ping_end] = cut({.opcode = kWsPing, .payload = "two"}, 4);
  client.send_raw(ping_begin);
  WsClient probe(tako.edge(), channel_path("wire"));
  settle(probe);
  CHECK(client.next_json()["data"].string() == "settled");
  tako.take_over();
  client.send_raw(ping_end);
  const WsFrame pong = client.next_frame().value();
  CHECK(pong.opcode == kWsPong);
  CHECK(pong.payload == "two");
  client.send({.opcode = kWsContinuation, .payload = "ments\"}"});
  CHECK(client.next_json()["data"].string() == "fragments");
}

TEST_CASE("a client that does not read gets all of it from the new process, in order and once") {
  constexpr int kMessages = 150;
  Cluster tako(with_definitions());
  WsClient socket(tako.edge(), channel_path("wire"), {.receive_buffer = 4096});
  settle(socket);
  SseClient stream(tako.edge(), channel_path("feed"), {}, 4096);
  static_cast<void>(stream.opening_id());
  const std::string padding(20'000, 'x');
  const auto publish = [&](int from, int to) {
    for (int number = from; number < to; ++number) {
      const std::string data = json_string(std::to_string(number) + padding);
      tako.publish("wire", "n", data);
      tako.publish("feed", "n", data);
    }
  };
  publish(0, kMessages / 2);
  tako.take_over();
  publish(kMessages / 2, kMessages);
  tako.take_over();
  for (int number = 0; number < kMessages; ++number) {
    CHECK(std::stoi(socket.next_json()["data"].string()) == number);
    CHECK(std::stoi(stream.next_message().json()["data"].string()) == number);
  }
}

TEST_CASE("streams of HTTP/1.0, with events, and with cursors behind the head go on as they are") {
  Cluster tako(with_definitions());
  tako.publish_numbers("feed", 2);
  SseClient events(tako.edge(), channel_path("feed", "_events=1"), last_event_id("0"));
  CHECK(events.next_data(2) == std::vector<std::string>{"1", "2"});
  Socket old = Socket::connect(tako.edge());
  old.write("GET " + channel_path("feed") + " HTTP/1.0\r\nHost: x\r\n\r\n");
  std::string text;
  const auto read_until = [&](std::string_view part) {
    wait_until(std::string(part), [&] {
      text += old.read(std::chrono::milliseconds(50)).bytes;
      return text.find(part) != std::string::npos;
    });
  };
  read_until("\n\n");
  tako.take_over();
  const Json message = tako.publish("feed", "n", "3");
  CHECK(*events.next_message().id == message["id"].string());
  read_until("\"data\":3}\n\n");
  CHECK(text.find("id: " + message["id"].string() + "\ndata: ") != std::string::npos);
}

TEST_CASE("a permission that ends, ends in the new process; a new credential is judged there") {
  Cluster tako(with_definitions());
  const std::int64_t end = now_ms() + 2'500;
  tako.app().on_authorize([end](const Json& call) -> StubReply {
    const bool is_short = call["header"]["value"].string() == "short";
    return {.body = R"({"ok":true,"subject":"ann","expiresAt":)" +
                    std::to_string(is_short ? end : end + 60'000) + "}"};
  });
  const Headers token{{"Authorization", "Bearer short"}};
  WsClient plain(tako.edge(), channel_path("chat", "roomId=1"), {.headers = token});
  settle(plain);
  WsClient rich(tako.edge(), channel_path("chat", "roomId=2"),
                {.headers = token, .subprotocol = "tako.v1"});
  static_cast<void>(expect(rich, "tako.ready"));
  static_cast<void>(expect(rich, "tako.reauth"));
  tako.take_over();
  const std::size_t asked = tako.app().authorize_count();
  rich.send_text(R"({"type":"tako.auth","token":"Bearer long"})");
  static_cast<void>(tako.app().wait_for_authorize_calls(asked + 1));
  check_close(plain, 1000, "connection expired");
  tako.publish("chat", "m", "1", "roomId=2");
  CHECK(expect(rich, "m")["data"].number() == 1);
}

TEST_CASE("a client whose credential is awaited may send it to the new process") {
  Cluster tako(with_definitions());
  allow_good_tokens(tako.app());
  const std::string first = tako.publish("chat", "m", "1", "roomId=1")["id"].string();
  tako.publish("chat", "m", "2", "roomId=1");
  WsClient client(tako.edge(), channel_path("chat", "roomId=1&last_message_id=" + first));
  WsClient refused(tako.edge(), channel_path("chat", "roomId=1"));
  tako.take_over();
  client.send_text(auth_envelope("good"));
  CHECK(client.next_json()["data"].number() == 2);
  refused.send_text(auth_envelope("wrong"));
  check_close(refused, 4403, "verify-rejected");
}

TEST_CASE("what the app is being asked is answered on the old side, and moves behind it") {
  ClusterOptions options = with_definitions();
  options.drain_ms = 5'000;
  Cluster tako(std::move(options));
  tako.app().authorize_with({.body = R"({"ok":true})", .delay = std::chrono::milliseconds(400)});
  WsClient plain(tako.edge(), channel_path("chat", "roomId=1"), {.headers = kGoodToken});
  WsClient rich = open_rich(tako, kGoodToken);
  rich.send_text(subscribe_frame("chat", R"(,"params":{"roomId":"2"})"));
  static_cast<void>(tako.app().wait_for_authorize_calls(2));
  plain.send_text(R"({"type":"say","data":"early"})");  // Held until the app has answered.
  tako.take_over();
  static_cast<void>(expect(rich, "tako.ready"));
  wait_for_metric(tako.edge_admin(), "tako_edge_handoff_taken_total", 2);
  CHECK(tako.app().authorize_count() == 2);
  plain.send_text(R"({"type":"say","data":"late"})");
  CHECK(plain.next_json()["data"].string() == "early");
  CHECK(plain.next_json()["data"].string() == "late");
}

TEST_CASE("definitions that change while the new edge starts are what it judges by") {
  Cluster tako(with_definitions(R"([{"name":"c","auth":false,"transport":"ws"},
                                    {"name":"gone","auth":false,"transport":"ws"}])"));
  WsClient kept(tako.edge(), channel_path("c"));
  WsClient rich = open_rich(tako);
  for (const std::string_view name : {"c", "gone"}) {
    rich.send_text(subscribe_frame(name));
    static_cast<void>(expect(rich, "tako.ready"));
  }
  tako.begin_takeover();
  tako.put_definitions(R"([{"name":"c","auth":false,"transport":"ws","maxMessages":7}])");
  tako.finish_takeover();
  CHECK(expect(rich, "tako.error")["data"]["code"].string() == "channel-unknown");
  tako.publish("c", "m", "1");
  CHECK(kept.next_json()["data"].number() == 1);
  CHECK(rich.next_json()["data"].number() == 1);
}

TEST_CASE("a window that has passed a slow client is told by the new process as by the old one") {
  Cluster tako(with_definitions(R"([{"name":"c","auth":false,"transport":"ws","maxMessages":5}])"));
  WsClient rich(tako.edge(), channel_path("c"), {.subprotocol = "tako.v1", .receive_buffer = 4096});
  static_cast<void>(expect(rich, "tako.ready"));
  const std::string padding(60'000, 'x');
  for (int number = 0; number < 60; ++number) {
    tako.publish("c", "n", json_string(std::to_string(number) + padding));
  }
  tako.take_over();
  int next = 0;
  bool has_gap = false;
  while (next < 60) {
    const Json frame = rich.next_json();
    if (frame["type"].string() == "tako.gap") {
      has_gap = true;
      next = static_cast<int>(offset_of(frame["data"]["to"].string()));
    } else {
      CHECK(std::stoi(frame["data"].string()) == next++);
    }
  }
  CHECK(has_gap);
}

TEST_CASE("a broker that is started anew during the life of a moved client is resumed as ever") {
  Cluster tako(with_definitions());
  WsClient rich(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"});
  static_cast<void>(expect(rich, "tako.ready"));
  tako.publish("wire", "n", "1");
  static_cast<void>(rich.next_json());
  tako.take_over();
  tako.restart_broker();
  tako.wait_until_ready();
  tako.put_definitions(kDefinitions);
  tako.publish("wire", "n", "2");
  CHECK(expect(rich, "n")["data"].number() == 2);
}

TEST_CASE("requests in flight finish on the old side; kept connections go on with the new one") {
  Cluster tako;
  HttpStream kept(Socket::connect(tako.edge()));
  ask(kept, "/one");
  CHECK(read_answer(kept) == "app /one");
  HttpStream slow(Socket::connect(tako.edge()));
  std::atomic<bool> may_answer = false;
  tako.app().on("/slow", [&may_answer](const StubRequest&, HttpStream& stream) {
    wait_until("the new side to serve", [&may_answer] { return may_answer.load(); });
    stream.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    return true;
  });
  ask(slow, "/slow");
  wait_until("the app to be asked", [&] { return tako.app().proxied_requests().size() == 2; });
  tako.begin_takeover().wait_for_text("taken over");
  may_answer = true;
  CHECK(read_answer(slow) == "done");
  tako.finish_takeover();
  ask(kept, "/two");
  CHECK(read_answer(kept) == "app /two");
}

TEST_CASE("the app's own WebSockets go on between the same two ends") {
  Cluster tako;
  HttpStream tunnel(Socket::connect(tako.edge()));
  tunnel.write(
      "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  CHECK(tunnel.read_head().value().status() == 101);
  const auto echo = [&](const std::string& text) {
    tunnel.write(text);
    CHECK(read_raw(tunnel, text.size()) == text);
  };
  echo("before");
  const std::size_t connections = tako.app().connection_count();
  for (int round = 0; round < 3; ++round) {
    tako.take_over();
    echo("after " + std::to_string(round) + std::string(100'000, 'x'));
  }
  CHECK(tako.app().connection_count() == connections);
}

TEST_CASE(
    "clients that publish without a pause get one answer to each message, and each echo once") {
  constexpr int kMessages = 400;
  ClusterOptions options = with_definitions();
  options.drain_ms = 5'000;
  Cluster tako(std::move(options));
  WsClient rich(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"});
  static_cast<void>(expect(rich, "tako.ready"));
  WsClient plain(tako.edge(), channel_path("wire"));
  settle(plain);
  static_cast<void>(expect(rich, "say"));
  const std::jthread publisher([&rich](const std::stop_token& stop) {
    for (int number = 0; number < kMessages && !stop.stop_requested(); ++number) {
      const std::string text = std::to_string(number);
      rich.send_text(R"({"type":"say","data":)" + text + R"(,"ref":)" + text + "}");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  int acks = 0;
  int echoes = 0;
  while (acks < kMessages || echoes < kMessages) {
    const Json frame = rich.next_json();
    CAPTURE(frame.print());
    if (frame["type"].string() == "tako.ack") {
      REQUIRE(frame["data"]["ref"].number() == acks++);
      // Here, because a process ends with the thread that has started it.
      if (acks == 50 || acks == 150 || acks == 250) tako.take_over();
    } else {
      REQUIRE(frame["type"].string() == "say");
      REQUIRE(frame["data"].number() == echoes++);
    }
  }
  for (int number = 0; number < kMessages; ++number) {
    REQUIRE(plain.next_json()["data"].number() == number);
  }
}
