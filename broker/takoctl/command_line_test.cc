// takoctl's commands against a scripted server: what they ask, print, and end with.
#include "broker/takoctl/command_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "broker/log/test_segments.h"
#include "broker/takoctl/tail.h"
#include "tests/support/stub_app.h"
#include "tests/support/temp_dir.h"

namespace tako::takoctl {
namespace {

using test::HttpStream;
using test::StubRequest;

struct Ended {
  int code = 0;
  std::string out;
  std::string errors;
};

// A server on a unix socket that remembers what it was asked.
class Server {
 public:
  [[nodiscard]] std::string socket() const { return folder_.file("s"); }
  [[nodiscard]] const test::TempDir& folder() const { return folder_; }

  void answer(const std::string& path, int status, const std::string& body) {
    app_.on(path, [this, status, body](const StubRequest& request, HttpStream& stream) {
      request_ = request;
      request_.body = stream.read_body();
      stream.write(test::response_bytes({.status = status, .body = body}));
      return true;
    });
  }
  // One stream after another, each cut at its end; the cursors that came are in `cursors`.
  void stream(const std::string& path, std::vector<std::string> streams) {
    streams_ = std::move(streams);
    app_.on(path, [this](const StubRequest& request, HttpStream& stream) {
      cursors.push_back(request.head.header("last-event-id").value_or(""));
      const std::string body = cursors.size() > streams_.size() ? "" : streams_[cursors.size() - 1];
      if (body.empty()) {
        stream.write(test::response_bytes(
            {.status = 404, .body = R"({"error":{"code":"channel-unknown","message":"m"}})"}));
        return false;
      }
      stream.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body);
      return false;
    });
  }

  Ended run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--app-socket", socket()});
    std::ostringstream out;
    std::ostringstream errors;
    const int code = takoctl::run(arguments, {.out = out, .errors = errors});
    return {.code = code, .out = out.str(), .errors = errors.str()};
  }
  [[nodiscard]] const StubRequest& asked() const { return request_; }
  void stop() { app_.stop(); }

  std::vector<std::string> cursors;

 private:
  test::TempDir folder_;
  StubRequest request_;
  std::vector<std::string> streams_;
  test::StubApp app_{"unix:" + folder_.file("s")};
};

constexpr const char* kRefusal =
    R"({"error":{"code":"channel-unknown","message":"Channel not defined","hint":"PUT one."}})";

TEST_CASE("publish sends the message and prints the answer") {
  Server server;
  server.answer("/v1/channels/a%20b/messages", 201, R"({"id":"1-a"})");
  const Ended ended = server.run({"--app", "shop", "publish", "a b", "t", R"({"x":1})", "--param",
                                  "room=1", "--idempotency-key", "k"});
  CHECK(ended.code == kExitOk);
  CHECK(ended.out == "{\"id\":\"1-a\"}\n");
  CHECK(server.asked().method == "POST");
  CHECK(server.asked().target == "/v1/channels/a%20b/messages?room=1");
  CHECK(server.asked().body == R"({"type":"t","data":{"x":1}})");
  CHECK(server.asked().head.header("tako-app") == "shop");
  CHECK(server.asked().head.header("idempotency-key") == "k");
}

TEST_CASE("a refusal is told with its hint and ends with 1") {
  Server server;
  server.answer("/v1/channels/nope/messages", 404, kRefusal);
  const Ended ended = server.run({"publish", "nope", "t", "1"});
  CHECK(ended.code == kExitRefused);
  CHECK(ended.out.empty());
  CHECK(ended.errors == "takoctl: channel-unknown: Channel not defined\n  PUT one.\n");
  server.answer("/v1/stats", 500, "no JSON");
  CHECK(server.run({"stats"}).errors == "takoctl: the server answered 500\n");
}

TEST_CASE("wrong words end with 2, nobody there with 3") {
  Server server;
  CHECK(server.run({"nonsense"}).code == kExitUsage);
  CHECK(server.run({}).code == kExitUsage);
  CHECK(server.run({"publish", "feed"}).code == kExitUsage);
  CHECK(server.run({"publish", "feed", "t", "no json"}).code == kExitUsage);
  CHECK(server.run({"publish", "feed", "t", "x", "--text", "--base64"}).code == kExitUsage);
  CHECK(server.run({"--help"}).code == kExitOk);
  CHECK(server.run({"--version"}).out.starts_with("takoctl "));
  server.stop();
  const Ended nobody = server.run({"stats"});
  CHECK(nobody.code == kExitNobodyThere);
  CHECK(nobody.errors.find(server.socket()) != std::string::npos);
}

TEST_CASE("channels are a table over all pages, or JSON") {
  Server server;
  server.answer(
      "/v1/channels", 200,
      R"({"channels":[{"channel":"chat","params":{"r":"1"},"subscribers":2,"messages":30}],"next":null})");
  CHECK(server.run({"channels"}).out ==
        "CHANNEL  PARAMS     SUBSCRIBERS  MESSAGES\n"
        "chat     {\"r\":\"1\"}  2            30\n");
  CHECK(server.run({"channels", "--json"}).out.starts_with("{\"channels\":["));
}

TEST_CASE("definitions are read, and put from a file") {
  Server server;
  const std::string file = server.folder().write("d.json", R"({"definitions":[]})");
  server.answer("/v1/definitions", 200, R"({"version":2})");
  CHECK(server.run({"definitions"}).out == "{\"version\":2}\n");
  CHECK(server.asked().method == "GET");
  CHECK(server.run({"definitions", "put", file}).code == kExitOk);
  CHECK(server.asked().method == "PUT");
  CHECK(server.asked().body == R"({"definitions":[]})");
  CHECK(server.run({"definitions", "put", file + ".not"}).code == kExitUsage);
}

TEST_CASE("presence is a table with the counts below it, or JSON; a refusal is told") {
  Server server;
  server.answer("/v1/channels/c/presence", 200,
                R"({"version":"7-0a3f9k2m","connections":12,"subjects":1,"members":[)"
                R"({"subject":"ann","info":{"name":"Ann"},"since":1790000000000}],"next":null})");
  CHECK(server.run({"presence", "c", "--param", "room=1"}).out ==
        "SUBJECT  SINCE                     INFO            DATA\n"
        "ann      2026-09-21T14:13:20.000Z  {\"name\":\"Ann\"}  \n"
        "connections 12, subjects 1, version 7-0a3f9k2m\n");
  CHECK(server.asked().target == "/v1/channels/c/presence?room=1&_limit=1000");
  CHECK(server.run({"presence", "c", "--json"}).out.starts_with("{\"version\":"));

  server.answer("/v1/channels/c/presence", 400,
                R"({"error":{"code":"presence-off","message":"no presence","hint":""}})");
  const Ended ended = server.run({"presence", "c"});
  CHECK(ended.code == kExitRefused);
  CHECK(ended.errors == "takoctl: presence-off: no presence\n");
}

TEST_CASE("tail resumes at the last id when the stream breaks, and tells gaps") {
  Server server;
  server.stream("/v1/channels/feed/stream",
                {"id: 0-a\n\nid: 1-a\ndata: {\"n\":1}\n\n",
                 "id: 9-a\nevent: tako.gap\ndata: {\"reason\":\"window-passed\"}\n\n"
                 "id: 10-a\ndata: {\"n\":10}\n\ndata: half"});
  std::ostringstream out;
  std::ostringstream errors;
  ApiClient client(server.socket(), "");
  const TailOptions options{.channel = {.name = "feed", .params = {}},
                            .after = "",
                            .wait = [](std::chrono::milliseconds) { return true; }};
  const int code = run_tail(client, options, {.out = out, .errors = errors});
  CHECK(code == kExitRefused);  // The third answer is 404.
  CHECK(out.str() == "{\"n\":1}\n{\"n\":10}\n");
  CHECK(errors.str().find("gap {\"reason\":\"window-passed\"}") != std::string::npos);
  CHECK(errors.str().find("resuming at 1-a") != std::string::npos);
  CHECK(server.cursors == std::vector<std::string>{"", "1-a", "10-a"});
}

TEST_CASE("tail begins behind the cursor it is given, and fails when nobody is there") {
  Server server;
  server.stream("/v1/channels/feed/stream", {});
  CHECK(server.run({"tail", "feed", "--after", "0"}).code == kExitRefused);
  CHECK(server.cursors == std::vector<std::string>{"0"});
  server.stop();
  CHECK(server.run({"tail", "feed"}).code == kExitNobodyThere);
}

// A log of one segment in a data folder.
class LogFolder {
 public:
  explicit LogFolder(const std::string& bytes) {
    std::filesystem::create_directory(folder_.file("log"));
    folder_.write("log/" + broker::log_format::segment_name(1), bytes);
  }
  Ended run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"log", "--data-dir", folder_.path().string()});
    std::ostringstream out;
    std::ostringstream errors;
    const int code = takoctl::run(arguments, {.out = out, .errors = errors});
    return {.code = code, .out = out.str(), .errors = errors.str()};
  }

 private:
  test::TempDir folder_;
};

broker::SegmentText small_log() {
  broker::SegmentText text(1);
  text.state(1, "7:defaultch\x1b", {0, Epoch{7}});
  text.message({.stream = 1, .position = {1, Epoch{7}}});
  text.message({.stream = 1, .position = {2, Epoch{7}}});
  return text.end();
}

TEST_CASE("log check prints segments, findings and what a start would do") {
  const broker::SegmentText text = small_log();
  const Ended sound = LogFolder(text.bytes()).run({"check"});
  CHECK(sound.code == kExitOk);
  CHECK(sound.out.starts_with(
      "SEGMENT               CREATED                   BYTES  RECORDS  DAMAGED\n"
      "0000000000000001.seg  1970-01-01T00:16:40.000Z  "));
  CHECK(sound.out.find("finds 2 messages of 1 channel, goes on in every epoch.") !=
        std::string::npos);

  std::string bytes = text.bytes();
  bytes[text.spans()[1].place] ^= 1;
  const LogFolder damaged(bytes);
  const Ended ended = damaged.run({"check"});
  CHECK(ended.code == kExitRefused);
  CHECK(ended.out.find("0000000000000001.seg at " + std::to_string(text.spans()[1].place) + ": ") !=
        std::string::npos);
  CHECK(ended.out.ends_with("/log: damaged\n"));
  const Ended json = damaged.run({"check", "--json"});
  CHECK(json.code == kExitRefused);
  CHECK(json.out.find(R"("sound":false)") != std::string::npos);
  CHECK(json.out.find(R"({"kind":"damaged","damage":true,"file":"0000000000000001.seg","at":)") !=
        std::string::npos);
}

TEST_CASE("log stats and dump show no control characters") {
  const LogFolder folder(small_log().bytes());
  const Ended stats = folder.run({"stats", "--channels"});
  CHECK(stats.code == kExitOk);
  CHECK(stats.out.find("messages          2\n") != std::string::npos);
  CHECK(stats.out.find("ch\\x1b") != std::string::npos);
  CHECK(
      folder.run({"stats", "--channels", "--json"}).out.find(R"("byChannel":[{"app":"default")") !=
      std::string::npos);
  const Ended dump = folder.run({"dump", "--limit", "1"});
  CHECK(dump.code == kExitOk);
  CHECK(std::ranges::count(dump.out, '\n') == 1);
  CHECK(dump.out.find(R"("channel":"ch\u001b")") != std::string::npos);
  CHECK(std::ranges::count(folder.run({"dump", "--raw"}).out, '\n') == 4);
  CHECK(folder.run({"dump", "--channel", "none", "--after", "0"}).code == kExitRefused);
}

TEST_CASE("a log of a newer version is refused with words, by each command") {
  const LogFolder folder(
      broker::log_format::encode({.version = 9, .version_min = 9, .number = 1, .salt = 1}));
  CHECK(folder.run({"check"}).out.find("would not start: the segment") != std::string::npos);
  for (const char* command : {"check", "stats", "dump"}) {
    CHECK(folder.run({command}).code == kExitRefused);
  }
  CHECK(folder.run({"stats"}).errors.find("format 9") != std::string::npos);
}

}  // namespace
}  // namespace tako::takoctl
