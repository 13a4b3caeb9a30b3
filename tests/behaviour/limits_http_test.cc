// Limits of HTTP towards clients and towards the app behind: each driven to its bound.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <thread>

#include "tests/behaviour/limits_fixture.h"

using namespace tako::test;

namespace {

const std::string kStart = "GET /x HTTP/1.1\r\nHost: x\r\n";

int status_of(Cluster& tako, std::string_view bytes) {
  HttpConnection connection(tako.edge());
  connection.stream().socket().offer(bytes);
  return connection.read_response().status;
}

// Two connections whose requests reach the app, one held there by `/hold`.
struct Held {
  explicit Held(Cluster& tako) : connection(tako.edge()) {
    tako.app().on("/hold", [](const StubRequest&, HttpStream& stream) {
      static_cast<void>(stream.read_raw(std::chrono::seconds(30)));
      return false;
    });
    connection.send({.target = "/hold"});
    wait_until("the held request", [&] { return tako.app().proxied_requests().size() == 1; });
  }
  HttpConnection connection;
};

// Listens, and never accepts: with its backlog full, connecting to it takes for ever.
class FullListener {
 public:
  FullListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener_.fd(), generic, size) == 0);
    REQUIRE(listen(listener_.fd(), 0) == 0);
    REQUIRE(getsockname(listener_.fd(), generic, &size) == 0);
    endpoint_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    filler_ = Socket::connect(endpoint_);
  }
  [[nodiscard]] std::string upstream() const { return "http://" + endpoint_; }

 private:
  Socket listener_;
  Socket filler_;
  Endpoint endpoint_;
};

}  // namespace

TEST_CASE("http_connections_max") {
  Cluster tako(with_limits({"http_connections_max=3"}));
  std::vector<std::unique_ptr<HttpConnection>> kept;
  for (int number = 0; number < 3; ++number) {
    kept.push_back(std::make_unique<HttpConnection>(tako.edge()));
    CHECK(kept.back()->request({.target = "/x"}).status == 200);
  }
  HttpConnection refused(tako.edge());
  const HttpResponse response = refused.request({.target = "/x"});
  CHECK(response.status == 503);
  CHECK(response.has_header("retry-after"));
  CHECK(edge_hits(tako, "http_connections_max") == 1);
}

TEST_CASE("http_head_bytes_max") {
  Cluster tako(with_definitions());
  CHECK(status_of(tako, kStart + "A: " + std::string(8'000, 'a') +
                            "\r\nB: " + std::string(7'000, 'b') + "\r\n\r\n") == 200);
  CHECK(status_of(tako, kStart + "A: " + std::string(17'000, 'a') + "\r\n\r\n") == 431);
  CHECK(edge_hits(tako, "http_head_bytes_max") == 1);
}

TEST_CASE("http_headers_max") {
  Cluster tako(with_definitions());
  const auto with = [](int count) {
    std::string head = kStart;
    for (int number = 1; number < count; ++number) head += "A" + std::to_string(number) + ": 1\r\n";
    return head + "\r\n";
  };
  CHECK(status_of(tako, with(100)) == 200);
  CHECK(status_of(tako, with(101)) == 431);
  CHECK(edge_hits(tako, "http_headers_max") == 1);
}

TEST_CASE("http_url_bytes_max") {
  Cluster tako(with_definitions());
  const auto with = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 1, 'u') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  };
  CHECK(status_of(tako, with(8192)) == 200);
  CHECK(status_of(tako, with(8193)) == 414);
  CHECK(edge_hits(tako, "http_url_bytes_max") == 1);
}

TEST_CASE("http_head_ms") {
  Cluster tako(with_limits({"http_head_ms=200"}));
  HttpConnection connection(tako.edge());
  connection.send_raw("GET /slow");
  CHECK(connection.read_response().status == 408);
  CHECK(connection.closed_by_peer());
  CHECK(edge_hits(tako, "http_head_ms") == 1);
}

TEST_CASE("http_idle_ms") {
  Cluster tako(with_limits({"http_idle_ms=200"}));
  HttpConnection connection(tako.edge());
  CHECK(connection.request({.target = "/x"}).status == 200);
  CHECK_FALSE(connection.stream().read_head().has_value());  // Closed without a word.
  CHECK(edge_hits(tako, "http_idle_ms") == 1);
}

TEST_CASE("http_body_progress_ms") {
  Cluster tako(with_limits({"http_body_progress_ms=200"}));
  HttpConnection connection(tako.edge());
  connection.send_raw("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
  CHECK(connection.read_response().status == 408);
  CHECK(connection.closed_by_peer());
  CHECK(edge_hits(tako, "http_body_progress_ms") == 1);
}

TEST_CASE("http_write_progress_ms") {
  Cluster tako(with_limits({"http_write_progress_ms=300"}));
  tako.app().on("/large", [](const StubRequest&, HttpStream& stream) {
    stream.write(response_bytes({.body = std::string(32UL * 1024 * 1024, 'l')}));
    return true;
  });
  Socket socket = Socket::connect(tako.edge(), 4096);
  socket.write("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for_edge_hits(tako, "http_write_progress_ms");
  CHECK(socket.closed_by_peer());
}

TEST_CASE("http_write_high_bytes") {
  constexpr std::size_t kLarge = 8UL * 1024 * 1024;
  Cluster tako(with_definitions());
  tako.app().on("/large", [](const StubRequest&, HttpStream& stream) {
    stream.write(response_bytes({.body = std::string(kLarge, 'l')}));
    return true;
  });
  Socket socket = Socket::connect(tako.edge(), 4096);
  socket.write("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  wait_for_edge_hits(tako, "http_write_high_bytes");
  std::size_t received = 0;  // Nobody has read yet; now all of it comes.
  for (ReadResult some = socket.read(); some.kind == ReadResult::Kind::Bytes; some = socket.read())
    received += some.bytes.size();
  CHECK(received > kLarge);
}

TEST_CASE("http_chunk_overhead_bytes_max") {
  Cluster tako(with_definitions());
  const auto with_extension = [](std::size_t bytes) {
    return "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;e=" +
           std::string(bytes, 'e') + "\r\nb\r\n0\r\n\r\n";
  };
  CHECK(status_of(tako, with_extension(3'000)) == 200);
  CHECK(edge_hits(tako, "http_chunk_overhead_bytes_max") == 0);
  CHECK(status_of(tako, with_extension(200'000)) == 400);
  CHECK(edge_hits(tako, "http_chunk_overhead_bytes_max") == 1);
}

TEST_CASE("http_pipeline_bytes_max") {
  Cluster tako(with_definitions());
  Held held(tako);
  std::string requests;
  while (requests.size() < 8UL * 1024 * 1024) requests += kStart + "\r\n";
  const std::size_t taken =
      held.connection.stream().socket().offer(requests, std::chrono::milliseconds(300));
  CHECK(taken < requests.size());  // TCP holds it up.
  CHECK(edge_hits(tako, "http_pipeline_bytes_max") == 1);
  CHECK(tako.app().proxied_requests().size() == 1);
}

TEST_CASE("http_discard_bytes_max") {
  Cluster tako(with_definitions());
  const auto answer_to = [&tako](std::size_t length) {  // Refused before its body has come.
    HttpConnection connection(tako.edge());
    connection.send_raw("POST /channels/authorize HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                        std::to_string(length) + "\r\n\r\n");
    return connection.read_response();
  };
  CHECK_FALSE(answer_to(65'536).has_header("connection"));
  CHECK(edge_hits(tako, "http_discard_bytes_max") == 0);
  const HttpResponse closed = answer_to(65'537);
  CHECK(closed.status == 404);
  CHECK(closed.header("connection") == "close");
  CHECK(edge_hits(tako, "http_discard_bytes_max") == 1);
}

TEST_CASE("upstream_connections_max") {
  Cluster tako(with_limits({"upstream_connections_max=1"}));
  Held held(tako);
  HttpConnection waiting(tako.edge());
  waiting.send({.target = "/second"});
  wait_for_edge_hits(tako, "upstream_connections_max");
  CHECK(tako.app().proxied_requests().size() == 1);
  held.connection.stream().socket().close();
  CHECK(waiting.read_response().body == "app /second");
}

TEST_CASE("upstream_waiting_max") {
  Cluster tako(with_limits({"upstream_connections_max=1", "upstream_waiting_max=0"}));
  const Held held(tako);
  const HttpResponse refused = http_get(tako.edge(), "/second");
  CHECK(refused.status == 503);
  CHECK(refused.has_header("retry-after"));
  CHECK(edge_hits(tako, "upstream_waiting_max") == 1);
}

TEST_CASE("upstream_wait_ms") {
  Cluster tako(with_limits({"upstream_connections_max=1", "upstream_wait_ms=200"}));
  const Held held(tako);
  const HttpResponse refused = http_get(tako.edge(), "/second");
  CHECK(refused.status == 504);
  CHECK(refused.error_code() == "upstream-timeout");
  CHECK(edge_hits(tako, "upstream_wait_ms") == 1);
}

TEST_CASE("upstream_idle_max") {
  Cluster tako(with_limits({"upstream_idle_max=0"}));
  CHECK(http_get(tako.edge(), "/one").status == 200);
  CHECK(http_get(tako.edge(), "/two").status == 200);
  CHECK(tako.app().connection_count() == 2);
  CHECK(edge_hits(tako, "upstream_idle_max") == 2);
}

TEST_CASE("upstream_idle_ms") {
  Cluster tako(with_limits({"upstream_idle_ms=200"}));
  CHECK(http_get(tako.edge(), "/one").status == 200);
  wait_for_edge_hits(tako, "upstream_idle_ms");
  CHECK(http_get(tako.edge(), "/two").status == 200);
  CHECK(tako.app().connection_count() == 2);
}

TEST_CASE("upstream_head_ms") {
  Cluster tako(with_limits({"upstream_head_ms=200"}));
  tako.app().on("/never", [](const StubRequest&, HttpStream& stream) {
    static_cast<void>(stream.read_raw(std::chrono::seconds(30)));
    return false;
  });
  const HttpResponse refused = http_get(tako.edge(), "/never");
  CHECK(refused.status == 504);
  CHECK(refused.error_code() == "upstream-timeout");
  CHECK(edge_hits(tako, "upstream_head_ms") == 1);
}

TEST_CASE("upstream_connect_ms") {
  const FullListener nobody;
  ClusterOptions options = with_limits({"upstream_connect_ms=300"});
  options.upstream = nobody.upstream();
  Cluster tako(options);
  const HttpResponse response = http_get(tako.edge(), "/x");
  CHECK(response.status == 504);
  CHECK(response.error_code() == "upstream-timeout");
  CHECK(edge_hits(tako, "upstream_connect_ms") == 1);
}
