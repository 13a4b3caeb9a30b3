// Laws 1 to 3: order, no silent gap, no duplicate; for every cursor and across the broker's death.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

int status_with(Cluster& tako, std::string_view channel, std::string_view cursor) {
  return SseClient(tako.edge(), channel_path(channel), last_event_id(cursor)).status();
}

}  // namespace

TEST_CASE("offsets are dense from 1 and every subscriber sees the same order") {
  Cluster tako(with_definitions());
  SseClient one(tako.edge(), channel_path("feed"));
  SseClient two(tako.edge(), channel_path("feed"));
  const std::string start = one.opening_id();
  static_cast<void>(two.opening_id());
  {
    std::vector<std::jthread> publishers;
    publishers.reserve(4);
    for (int publisher = 0; publisher < 4; ++publisher) {
      publishers.emplace_back([&tako] { tako.publish_numbers("feed", 50); });
    }
  }
  for (int offset = 1; offset <= 200; ++offset) {
    const SseBlock block = one.next_message();
    REQUIRE(*block.id == std::to_string(offset) + "-" + epoch_of(start));
    REQUIRE(two.next_message().raw == block.raw);
  }
}

TEST_CASE("a client that drops and resumes at random places gets everything once and in order") {
  Cluster tako(with_definitions());
  std::jthread publisher([&tako] { tako.publish_numbers("feed", 400); });
  std::string cursor = "0";
  int expected = 1;
  while (expected <= 400) {
    SseClient client(tako.edge(), channel_path("feed"), last_event_id(cursor));
    REQUIRE(client.status() == 200);
    static_cast<void>(client.opening_id());
    for (int taken = expected * 7 % 23; taken >= 0 && expected <= 400; --taken) {
      const SseBlock block = client.next_message();
      REQUIRE(block.json()["data"].number() == expected++);
      cursor = *block.id;
    }
  }
}

TEST_CASE("the cursor 0 is everything retained, without complaint") {
  Cluster tako(with_definitions());
  CHECK(SseClient(tako.edge(), channel_path("feed"), last_event_id("0")).status() == 200);
  tako.publish_numbers("short", 5);
  SseClient client(tako.edge(), channel_path("short"), last_event_id("0"));
  CHECK(client.next_data(2) == std::vector<std::string>{"4", "5"});
  tako.publish("short", "n", "6");
  CHECK(client.next_data(1)[0] == "6");
}

TEST_CASE("a cursor ahead of the head, of another epoch or of no epoch is told") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 2);
  CHECK(status_with(tako, "feed", "3-" + epoch_of(ids[0])) == 410);
  CHECK(status_with(tako, "feed", "1-00000000") == 410);
  CHECK(status_with(tako, "feed", "0-00000000") == 410);
  for (const char* malformed :
       {"1", "-1", "1-", "1-xyz", "1-0000000w", "1-000000000", "01-00000000",
        "99999999999999999999-00000000", "1 -00000000", "0x1-00000000"}) {
    CAPTURE(malformed);
    CHECK(status_with(tako, "feed", malformed) == 400);
  }
}

TEST_CASE("an id is an offset and an epoch, and all channels of one life share the epoch") {
  Cluster tako(with_definitions());
  const std::string id = tako.publish("feed", "n", "1")["id"].string();
  CHECK(id.starts_with("1-"));
  CHECK(epoch_of(id).size() == 8);
  CHECK(epoch_of(id).find_first_not_of("0123456789abcdefghijklmnopqrstuv") == std::string::npos);
  SseClient quiet(tako.edge(), channel_path("wire"));
  CHECK(quiet.opening_id() == "0-" + epoch_of(id));
  CHECK(tako.publish("wire", "n", "1")["id"].string() == id);
}

TEST_CASE("a gap says which of its three causes it has") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("short", 5);
  for (const auto& [cursor, reason] :
       {std::pair{ids[0], "window-passed"}, std::pair{std::string("1-00000000"), "history-lost"},
        std::pair{"9-" + epoch_of(ids[0]), "ahead-of-head"}}) {
    CAPTURE(cursor);
    SseClient client(tako.edge(), channel_path("short", "_events=1"), last_event_id(cursor));
    SseBlock block = client.next();
    while (!block.event) block = client.next();
    CHECK(block.json()["reason"].string() == reason);
    CHECK(block.json()["from"].string() == cursor);
    CHECK(block.json()["to"].string() == ids[4]);
    WsClient plain(tako.edge(), channel_path("short", "last_message_id=" + cursor));
    CHECK(plain.wait_for_close().code == 4410);
  }
}

TEST_CASE("a channel that was never published to resumes at its opening cursor") {
  Cluster tako(with_definitions());
  SseClient first(tako.edge(), channel_path("feed"));
  const std::string cursor = first.opening_id();
  first.close();
  CHECK(status_with(tako, "feed", cursor) == 200);
  tako.publish("feed", "n", "1");
  SseClient second(tako.edge(), channel_path("feed"), last_event_id(cursor));
  CHECK(second.next_data(1)[0] == "1");
}

TEST_CASE("a cursor at the head of a quiet channel resumes after its window has passed") {
  Cluster tako(with_channel(R"("replayWindowMs":200)"));
  const auto ids = tako.publish_numbers("c", 3);
  wait_until("the window to pass", [&] {
    return tako.api("GET", "/v1/channels/c/messages").json()["messages"].size() == 0;
  });
  SseClient client(tako.edge(), channel_path("c"), last_event_id(ids[2]));
  REQUIRE(client.status() == 200);
  CHECK(client.opening_id() == ids[2]);
  const std::string next = tako.publish("c", "n", "4")["id"].string();
  CHECK(next == "4-" + epoch_of(ids[2]));
  CHECK(*client.next_message().id == next);
}

TEST_CASE("a channel that was forgotten begins a new epoch, and its old cursors are told") {
  Cluster tako(with_channel(R"("replayWindowMs":200,"inactivityTtlMs":300)"));
  const std::string old = tako.publish("c", "n", "1")["id"].string();
  // Asked of the broker: whoever subscribes keeps the channel.
  wait_until("the channel to be forgotten", [&] {
    return tako.api("GET", "/v1/channels/c/messages?_after=" + old).status == 410;
  });
  const std::string fresh = tako.publish("c", "n", "2")["id"].string();
  CHECK(epoch_of(fresh) != epoch_of(old));
  CHECK(status_with(tako, "c", old) == 410);
}

TEST_CASE("the window and the cap are enforced while subscribers stay and nobody connects") {
  Cluster tako(with_channel(R"("maxMessages":10)"));
  SseClient client(tako.edge(), channel_path("c"));
  static_cast<void>(client.opening_id());
  tako.publish_numbers("c", 50);
  for (int number = 1; number <= 50; ++number) {
    REQUIRE(client.next_data(1)[0] == std::to_string(number));
  }
  const Json history = tako.api("GET", "/v1/channels/c/messages").json();
  CHECK(history["messages"].size() == 10);
  CHECK(history["messages"][0]["data"].number() == 41);
}

TEST_CASE("a broker that died took the memory log along: SSE ends, and the reconnect is told") {
  Cluster tako(with_memory_log());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  tako.publish_numbers("feed", 3);
  CHECK(client.next_data(3).size() == 3);
  SseClient quiet(tako.edge(), channel_path("wire"));
  const std::string quiet_cursor = quiet.opening_id();
  tako.restart_broker();
  tako.put_definitions(kDefinitions);
  CHECK(client.ends());
  CHECK(quiet.ends());
  tako.wait_until_ready();
  CHECK(status_with(tako, "feed", client.last_id()) == 410);
  CHECK(status_with(tako, "wire", quiet_cursor) == 410);
  const std::string fresh = tako.publish("feed", "n", "4")["id"].string();
  CHECK(epoch_of(fresh) != epoch_of(client.last_id()));
}

TEST_CASE("a broker that ended in good order has lost the memory log too, and says so") {
  Cluster tako(with_memory_log());
  const std::string id = tako.publish("feed", "n", "1")["id"].string();
  CHECK(tako.broker().terminate() == 0);
  tako.start_broker();
  tako.put_definitions(kDefinitions);
  tako.wait_until_ready();
  CHECK(status_with(tako, "feed", id) == 410);
  CHECK(epoch_of(tako.publish("feed", "n", "2")["id"].string()) != epoch_of(id));
}

TEST_CASE("lost history while live closes the plain dialect with 4410") {
  Cluster tako(with_memory_log());
  WsClient client(tako.edge(), channel_path("wire"));
  client.send_text(R"({"type":"say","data":1})");
  CHECK(client.next_json()["data"].number() == 1);
  tako.restart_broker();
  tako.put_definitions(kDefinitions);
  const WsEnd end = client.wait_for_close();
  CHECK(end.code == 4410);
  CHECK(end.reason == "replay-too-old");
}

TEST_CASE("lost history while live is a gap frame in the rich dialect, and it goes on") {
  Cluster tako(with_memory_log());
  WsClient client(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"});
  CHECK(client.next_json()["type"].string() == "tako.ready");
  const std::string seen = tako.publish("wire", "n", "1")["id"].string();
  CHECK(client.next_json()["id"].string() == seen);
  tako.restart_broker();
  tako.put_definitions(kDefinitions);
  const Json gap = client.next_json();
  CHECK(gap["type"].string() == "tako.gap");
  CHECK(gap["data"]["from"].string() == seen);
  CHECK(epoch_of(gap["data"]["to"].string()) != epoch_of(seen));
  tako.wait_until_ready();
  tako.publish("wire", "n", "2");
  CHECK(client.next_json()["data"].number() == 2);
}

TEST_CASE("lost history while live is a gap event with _events=1, and it goes on") {
  Cluster tako(with_memory_log());
  SseClient client(tako.edge(), channel_path("feed", "_events=1"));
  static_cast<void>(client.opening_id());
  tako.restart_broker();
  tako.put_definitions(kDefinitions);
  SseBlock block = client.next();
  while (!block.event) block = client.next();
  CHECK(block.event == "tako.gap");
  tako.wait_until_ready();
  tako.publish("feed", "n", "2");
  CHECK(client.next_data(1)[0] == "2");
}

TEST_CASE("clients stay connected while the broker is stopped for a while, and miss nothing") {
  Cluster tako(with_definitions());
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  tako.broker().signal(SIGSTOP);
  std::atomic<bool> done = false;
  std::jthread publisher([&] {
    tako.publish_numbers("feed", 3);  // Its first request waits in the stopped broker's socket.
    done = true;
  });
  CHECK_FALSE(done);
  tako.broker().signal(SIGCONT);
  CHECK(client.next_data(3) == std::vector<std::string>{"1", "2", "3"});
}
