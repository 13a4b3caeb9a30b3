// The log on disk: a broker that is restarted or killed goes on where it stopped.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

HttpResponse publish_with_key(Cluster& tako, std::string_view data, std::string_view key) {
  return tako.api("POST", "/v1/channels/feed/messages",
                  R"({"type":"n","data":)" + std::string(data) + "}",
                  {{"Idempotency-Key", std::string(key)}});
}

std::string epoch_in(const std::string& id) { return id.substr(id.find('-') + 1); }

bool mentions(const Finished& finished, std::string_view text) {
  return finished.errors.find(text) != std::string::npos;
}

enum class End : std::uint8_t { InOrder, Kill };

void end_broker(Cluster& tako, End how) {
  if (how == End::Kill) {
    tako.kill_broker();
  } else {
    CHECK(tako.broker().terminate() == 0);
  }
}

}  // namespace

TEST_CASE("clients stay and miss nothing over a restart and over a kill of the broker") {
  for (const End how : {End::InOrder, End::Kill}) {
    CAPTURE(static_cast<int>(how));
    Cluster tako(with_definitions());
    WsClient rich(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"});
    WsClient plain(tako.edge(), channel_path("wire"));
    WsClient silent(tako.edge(), channel_path("short"));  // never had a message
    SseClient events(tako.edge(), channel_path("feed"));
    CHECK(rich.next_json()["type"].string() == "tako.ready");
    static_cast<void>(events.opening_id());
    const std::string before = tako.publish("wire", "n", "1")["id"].string();
    CHECK(rich.next_json()["id"].string() == before);
    CHECK(plain.next_json()["id"].string() == before);
    tako.publish_numbers("feed", 2);
    CHECK(events.next_data(2).size() == 2);
    for (int round = 2; round <= 4; ++round) {
      end_broker(tako, how);
      tako.start_broker();
      const std::string id = tako.publish("wire", "n", std::to_string(round))["id"].string();
      CHECK(id.starts_with(std::to_string(round) + "-"));
      CHECK((epoch_in(id) == epoch_in(before)) == (how == End::InOrder));
      CHECK(rich.next_json()["id"].string() == id);
      CHECK(plain.next_json()["id"].string() == id);
      const std::string next = tako.publish("feed", "n", std::to_string(round))["id"].string();
      CHECK(*events.next_message().id == next);
    }
    const std::string first = tako.publish("short", "n", "1")["id"].string();
    CHECK(silent.next_json()["id"].string() == first);
  }
}

TEST_CASE("what was published while nobody listened is there after a kill, for every cursor") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 5);
  tako.restart_broker();
  tako.wait_until_ready();
  SseClient all(tako.edge(), channel_path("feed"), last_event_id("0"));
  CHECK(all.next_data(5) == std::vector<std::string>{"1", "2", "3", "4", "5"});
  SseClient later(tako.edge(), channel_path("feed"), last_event_id(ids[2]));
  CHECK(later.next_data(2) == std::vector<std::string>{"4", "5"});
  const auto page = tako.api("GET", "/v1/channels/feed/messages?_before=" + ids[3]).json();
  CHECK(page["messages"].size() == 3);
  CHECK(page["messages"][0]["id"].string() == ids[0]);
}

TEST_CASE("definitions that an app has put hold for the next broker") {
  Cluster tako(with_definitions());
  tako.put_definitions(R"([{"name":"only","auth":false,"transport":"sse"}])");
  tako.publish("only", "n", "1");
  tako.restart_broker();
  CHECK(tako.api("GET", "/v1/definitions").json()["definitions"].size() == 1);
  tako.wait_until_ready();
  CHECK(SseClient(tako.edge(), channel_path("only")).status() == 200);
  CHECK(tako.api("GET", "/v1/channels").json()["channels"][0]["messages"].number() == 1);
}

TEST_CASE("a key that was used before a kill is answered once and the same") {
  Cluster tako(with_definitions());
  const HttpResponse first = publish_with_key(tako, "1", "order-1");
  CHECK(first.status == 201);
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  tako.restart_broker();
  const HttpResponse again = publish_with_key(tako, "1", "order-1");
  CHECK(again.status == 200);
  CHECK(again.json()["id"].string() == first.json()["id"].string());
  CHECK(again.json()["data"].number() == 1);
  CHECK(publish_with_key(tako, "2", "order-1").error_code() == "idempotency-key-reused");
  tako.publish("feed", "n", "3");
  CHECK(client.next_data(1)[0] == "3");  // Nothing came twice.
}

TEST_CASE("an app chooses what its acknowledgements promise, and so does a publish") {
  ClusterOptions options = with_definitions();
  options.broker_config = "[[apps]]\nid = \"default\"\nack = \"written\"\n";
  Cluster tako(options);
  CHECK(tako.publish("feed", "n", "1")["ack"].string() == "written");
  const auto post = [&tako](std::string_view ack) {
    return tako.api("POST", "/v1/channels/feed/messages",
                    R"({"type":"n","data":1,"ack":)" + std::string(ack) + "}");
  };
  CHECK(post("\"synced\"").json()["ack"].string() == "synced");
  CHECK(post("\"memory\"").status == 400);
  CHECK(post("1").status == 400);
  const HttpResponse batch =
      tako.api("POST", "/v1/batch",
               R"({"messages":[{"channel":"feed","type":"n","data":1}],"ack":"synced"})");
  CHECK(batch.json()["ack"].string() == "synced");
}

// The kernel refuses to let a file of this process grow beyond its limit, as a full disk would.
void limit_files(pid_t pid, rlim_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
  REQUIRE(prlimit(pid, RLIMIT_FSIZE, &limit, nullptr) == 0);
}

TEST_CASE(
    "a disk that takes no more refuses publishes clearly, and serves on until it does again") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  SseClient live(tako.edge(), channel_path("feed"));
  static_cast<void>(live.opening_id());
  limit_files(tako.broker().pid(), 100);
  const HttpResponse refused = publish_with_key(tako, "4", "k4");
  CHECK(refused.status == 507);
  CHECK(refused.error_code() == "log-full");
  CHECK(refused.has_header("retry-after"));
  SseClient later(tako.edge(), channel_path("feed"), last_event_id(ids[0]));
  CHECK(later.next_data(2) == std::vector<std::string>{"2", "3"});
  limit_files(tako.broker().pid(), RLIM_INFINITY);
  const HttpResponse stored = publish_with_key(tako, "4", "k4");
  CHECK(stored.status == 201);
  CHECK(live.next_data(1)[0] == "4");
  tako.restart_broker();
  tako.wait_until_ready();
  SseClient all(tako.edge(), channel_path("feed"), last_event_id("0"));
  CHECK(all.next_data(4) == std::vector<std::string>{"1", "2", "3", "4"});
}

// What a disk that takes nothing more must not keep clients from; ends with room again.
void check_reads_only(Cluster& tako, const std::vector<std::string>& ids,
                      const std::function<void()>& make_room) {
  tako.wait_until_ready();
  SseClient live(tako.edge(), channel_path("feed"), last_event_id(ids[0]));
  CHECK(live.next_data(2) == std::vector<std::string>{"2", "3"});
  CHECK(publish_with_key(tako, "4", "k4").error_code() == "log-full");
  make_room();
  const HttpResponse stored = publish_with_key(tako, "4", "k4");
  CHECK(stored.status == 201);
  CHECK(live.next_data(1)[0] == "4");
}

TEST_CASE("a disk that is full at the start: what is stored is served, publishes are refused") {
  for (const End how : {End::InOrder, End::Kill}) {
    Cluster tako(with_definitions());
    const auto ids = tako.publish_numbers("feed", 3);
    end_broker(tako, how);
    tako.start_broker({"/usr/bin/prlimit", "--fsize=40:unlimited"});
    check_reads_only(tako, ids, [&] { limit_files(tako.broker().pid(), RLIM_INFINITY); });
    end_broker(tako, End::InOrder);
    tako.start_broker();
    tako.wait_until_ready();
    SseClient all(tako.edge(), channel_path("feed"), last_event_id("0"));
    CHECK(all.next_data(4) == std::vector<std::string>{"1", "2", "3", "4"});
  }
}

TEST_CASE("a log folder that is read-only: what is stored is served, publishes are refused") {
  Cluster tako(with_definitions());
  const auto ids = tako.publish_numbers("feed", 3);
  end_broker(tako, End::InOrder);
  const std::string folder = tako.folder().file("data/log");
  REQUIRE(chmod(folder.c_str(), 0500) == 0);
  // Permissions do not stop root, unless it has given up its capabilities.
  std::vector<std::string> launcher;
  if (geteuid() == 0) launcher = {"/usr/bin/setpriv", "--bounding-set", "-all"};
  tako.start_broker(launcher);
  tako.broker().wait_for_text("the log can't be written, publishes are refused");
  check_reads_only(tako, ids, [&] { REQUIRE(chmod(folder.c_str(), 0700) == 0); });
}

TEST_CASE("a second broker on the same folder is refused, and says what to do") {
  Cluster tako(with_definitions());
  const TempDir folder;
  const Finished second =
      run_program("tako-broker", {"--app-socket", folder.file("app"), "--link", folder.file("link"),
                                  "--data-dir", tako.folder().file("data")});
  CHECK(second.status != 0);
  CHECK(mentions(second, "another tako-broker uses"));
  CHECK(mentions(second, "--data-dir"));
  CHECK(tako.api("GET", "/healthz").status == 200);
}

TEST_CASE("a folder that can't be written is refused with what to do") {
  const TempDir folder;
  folder.write("data", "a file where a folder should be");
  const Finished finished =
      run_program("tako-broker", {"--app-socket", folder.file("app"), "--link", folder.file("link"),
                                  "--data-dir", folder.file("data")});
  CHECK(finished.status != 0);
  CHECK(mentions(finished, "the log folder"));
}

TEST_CASE("files that are none of the log's are left alone and named") {
  Cluster tako(with_definitions());
  tako.publish("feed", "n", "1");
  tako.kill_broker();
  tako.folder().write("data/log/notes.txt", "mine");
  tako.start_broker();
  CHECK(tako.publish("feed", "n", "2")["id"].string().starts_with("2-"));
  CHECK(read_file(tako.folder().file("data/log/notes.txt")) == "mine");
  CHECK(tako.broker().errors().find("notes.txt") != std::string::npos);
}
