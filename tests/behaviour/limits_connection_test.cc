// Limits of taking connections in and of letting them go: each driven to its bound.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

std::vector<Socket> connect_all(Cluster& tako, int count) {
  std::vector<Socket> sockets;
  for (int number = 0; number < count; ++number) sockets.push_back(Socket::connect(tako.edge()));
  return sockets;
}

// How many file descriptors the edge may have, while it lives.
class DescriptorLimit {
 public:
  DescriptorLimit(Cluster& tako, rlim_t most) : pid_(tako.edge_process().pid()) {
    REQUIRE(prlimit(pid_, RLIMIT_NOFILE, nullptr, &saved_) == 0);
    const rlimit tight{most, saved_.rlim_max};
    REQUIRE(prlimit(pid_, RLIMIT_NOFILE, &tight, nullptr) == 0);
  }
  ~DescriptorLimit() { prlimit(pid_, RLIMIT_NOFILE, &saved_, nullptr); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  pid_t pid_;
  rlimit saved_{};
};

}  // namespace

TEST_CASE("accepts_per_turn") {
  Cluster tako(with_definitions());
  tako.edge_process().signal(SIGSTOP);
  std::vector<Socket> waiting = connect_all(tako, 200);
  tako.edge_process().signal(SIGCONT);
  waiting.back().write("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(waiting.back().read().bytes.starts_with("HTTP/1.1 200"));
  CHECK(edge_hits(tako, "accepts_per_turn") >= 1);
}

TEST_CASE("accept_retry_ms") {
  Cluster tako(with_definitions());
  HttpConnection admin(tako.edge_admin());  // Before there are no descriptors for another one.
  const auto is_counted = [&admin] {
    const std::string text = admin.request({.target = "/metrics"}).body;
    return !text.contains(hits_series("accept_retry_ms") + " 0\n");
  };
  CHECK_FALSE(is_counted());
  HttpConnection waiting = [&] {
    const DescriptorLimit none(tako, 1);
    HttpConnection connection(tako.edge());  // The kernel takes it in.
    wait_until("the edge to run out of descriptors", is_counted);
    return connection;
  }();
  CHECK(waiting.request({.target = "/x"}).status == 200);
  CHECK(edge_hits(tako, "accept_retry_ms") >= 1);
}

TEST_CASE("http_refusing_max") {
  Cluster tako(with_limits({"http_connections_max=1"}));
  HttpConnection kept(tako.edge());
  CHECK(kept.request({.target = "/x"}).status == 200);
  std::vector<Socket> refused = connect_all(tako, 300);
  CHECK(refused.front().read().bytes.starts_with("HTTP/1.1 503"));
  CHECK(refused.back().read().is_closed());  // Without a word.
  CHECK(edge_hits(tako, "http_refusing_max") == 300 - 256);
  CHECK(edge_hits(tako, "http_connections_max") == 300);
  CHECK(kept.request({.target = "/x"}).status == 200);
}

TEST_CASE("http_linger_ms") {
  Cluster tako(with_definitions());
  HttpConnection connection(tako.edge());
  CHECK(connection.request({.target = "/x", .headers = {{"Connection", "close"}}}).status == 200);
  CHECK(edge_hits(tako, "http_linger_ms") == 0);
  wait_for_edge_hits(tako, "http_linger_ms");  // The client has not closed its side.
}

TEST_CASE("http_linger_bytes_max") {
  Cluster tako(with_definitions());
  const std::string body(16UL * 1024 * 1024, 'b');
  HttpConnection connection(tako.edge());
  connection.send_raw("POST /channels/authorize HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n");
  CHECK(connection.read_response().status == 404);
  CHECK(connection.stream().socket().offer(body) < body.size());
  CHECK(edge_hits(tako, "http_linger_bytes_max") == 1);
}
