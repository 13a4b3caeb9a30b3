// Plays the app behind the edge: answers the edge's calls as the test says, and serves proxied
// paths.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/http_stream.h"
#include "tests/support/json.h"

namespace tako::test {

struct StubRequest {
  std::string method = {};
  std::string target = {};
  HttpHead head = {};
  std::string body = {};  // Of calls to /channels/*; routes read theirs from the stream.

  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
  [[nodiscard]] Json json() const { return Json::parse(body); }
};

struct StubReply {
  int status = 200;
  std::string body = R"({"ok":true})";
  Duration delay{0};
  bool never = false;  // Takes the call and leaves it unanswered.
  Headers headers = {};
};

class StubApp {
 public:
  // Answers a call of the edge.
  using Answer = std::function<StubReply(const Json& call)>;
  // Serves one request: reads the body from the stream as it likes, writes the whole response.
  // Returns false when the connection must end behind it.
  using Route = std::function<bool(const StubRequest& request, HttpStream& stream)>;

  // "127.0.0.1:0" takes a free port; "unix:/path" a socket file.
  // Routes there from the start:
  //   /inspect  the request's head as it arrived, as text
  //   /echo     the request's body, streamed back chunk by chunk while it arrives
  //   /count    {"bytes":n} of the body
  //   /upgrade  101 to any Upgrade, then every byte back
  //   /channels/authorize, by default {"ok":true}; others below /channels: 404 until on_call();
  //   anything else: 200 "app <target>"
  explicit StubApp(Endpoint endpoint = "127.0.0.1:0");
  ~StubApp();
  StubApp(const StubApp&) = delete;
  StubApp& operator=(const StubApp&) = delete;

  // Where it listens; the form that tako-edge's --upstream wants.
  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }
  [[nodiscard]] std::string upstream() const;

  // Takes effect for the calls that arrive from now on.
  void on_call(const std::string& path, Answer answer);
  void on_authorize(Answer answer) { on_call("/channels/authorize", std::move(answer)); }
  void on_dispatch(Answer answer) { on_call("/channels/dispatch", std::move(answer)); }
  void authorize_with(StubReply reply);
  void dispatch_with(StubReply reply);
  void on(std::string path, Route route);

  // The calls to such a path so far, in order of arrival.
  [[nodiscard]] std::vector<StubRequest> calls(std::string_view path) const;
  [[nodiscard]] std::vector<StubRequest> authorize_calls() const {
    return calls("/channels/authorize");
  }
  [[nodiscard]] std::size_t authorize_count() const { return authorize_calls().size(); }
  [[nodiscard]] std::size_t dispatch_count() const { return calls("/channels/dispatch").size(); }
  // Waits until there were at least `count`, and returns them.
  [[nodiscard]] std::vector<StubRequest> wait_for_calls(std::string_view path,
                                                        std::size_t count) const;
  [[nodiscard]] std::vector<StubRequest> wait_for_authorize_calls(std::size_t count) const {
    return wait_for_calls("/channels/authorize", count);
  }
  [[nodiscard]] std::vector<StubRequest> wait_for_dispatch_calls(std::size_t count) const {
    return wait_for_calls("/channels/dispatch", count);
  }
  // All other requests so far.
  [[nodiscard]] std::vector<StubRequest> proxied_requests() const;
  // Connections accepted since the start.
  [[nodiscard]] std::size_t connection_count() const;

  // The app dies: nobody listens, every connection is cut. `start` brings it back where it was.
  void stop();
  void start();

 private:
  struct Connection {
    int fd = -1;
    std::jthread thread;
  };

  void accept_loop(int listener, int wake);
  void serve(int fd);
  [[nodiscard]] bool serve_one(HttpStream& stream);
  [[nodiscard]] bool serve_call(StubRequest request, HttpStream& stream);
  [[nodiscard]] bool serve_route(const StubRequest& request, HttpStream& stream);
  [[nodiscard]] StubReply decide(const StubRequest& request);

  Endpoint endpoint_;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  struct Calls {
    Answer answer;
    std::vector<StubRequest> seen;
  };
  std::map<std::string, Calls, std::less<>> calls_;  // By path.
  std::map<std::string, Route> routes_;
  std::vector<StubRequest> proxied_;
  std::list<Connection> connections_;
  std::size_t connection_count_ = 0;
  int wake_ = -1;
  std::jthread acceptor_;
};

// A whole HTTP/1.1 response as bytes.
[[nodiscard]] std::string response_bytes(const StubReply& reply);

}  // namespace tako::test
