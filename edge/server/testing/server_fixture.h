// A whole EdgeServer on a loopback port with a scripted protocol, and raw clients on the same loop.
#pragma once

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/random.h"
#include "common/uv/loop.h"
#include "common/uv/timer.h"
#include "common/uv/timer_wheel.h"
#include "edge/server/edge_server.h"
#include "edge/server/testing/upstream.h"

namespace tako::edge::testing {

// What handlers saw, and the connection that the last one got (null once it is closed).
struct Seen {
  std::vector<std::string> events;
  ClientConnection* connection = nullptr;
  std::shared_ptr<const ClientRequest> request;
  int rooms = 0;
  std::vector<std::size_t> goodbyes;  // behind so many events
  std::function<void(std::string_view)> on_text;
};

class ScriptedHandler final : public ClientHandler {
 public:
  explicit ScriptedHandler(Seen& seen) : seen_(seen) {}
  void on_open(ClientConnection& connection) override {
    connection_ = seen_.connection = &connection;
    seen_.events.emplace_back("open");
  }
  void on_text(std::string_view message) override {
    seen_.events.push_back("text:" + std::string(message));
    if (seen_.on_text) seen_.on_text(message);
  }
  void on_binary(std::string_view message) override {
    seen_.events.push_back("binary:" + std::string(message));
  }
  void on_room() override { ++seen_.rooms; }
  void on_deadline() override { seen_.events.emplace_back("deadline"); }
  void on_drain(std::int64_t retry_ms) override {
    seen_.events.emplace_back(retry_ms > 0 ? "drain" : "drain without a time");
    connection_->close(ErrorCode::Restarting);
  }
  void on_goodbye() override { seen_.goodbyes.push_back(seen_.events.size()); }
  void on_closed() override {
    seen_.events.emplace_back("closed");
    if (seen_.connection == connection_) seen_.connection = nullptr;
  }

 private:
  Seen& seen_;
  ClientConnection* connection_ = nullptr;
};

// Serves /_tako/channels as `on_serve` says; by default everything is accepted.
class ScriptedProtocol final : public ClientProtocol {
 public:
  bool owns_path(std::string_view path) const override {
    return path.starts_with("/_tako/channels");
  }
  void serve(std::shared_ptr<const ClientRequest> request, HttpExchange& exchange) override {
    seen.request = request;
    if (on_serve) return on_serve(*request, exchange);
    auto handler = std::make_unique<ScriptedHandler>(seen);
    const Result<void> accepted = request->is_websocket
                                      ? exchange.accept_websocket("", std::move(handler))
                                      : exchange.accept_event_stream(std::move(handler));
    if (!accepted) exchange.refuse(accepted.error());
  }

  Seen seen;
  std::function<void(const ClientRequest&, HttpExchange&)> on_serve;
};

// Answers app API calls with what they were; everything else is not used here.
class EchoBroker final : public BrokerPort {
 public:
  bool is_linked() const override { return true; }
  std::int64_t unlinked_since_ms() const override { return 0; }
  void subscribe(ChannelNumber, const ChannelIdentity&, const std::optional<Cursor>&) override {}
  void unsubscribe(ChannelNumber) override {}
  void occupancy(ChannelNumber, std::uint32_t) override {}
  bool takes_presence() const override { return false; }
  bool has_presence() const override { return false; }
  void presence_open(ChannelNumber, const ChannelIdentity&, const PresenceReport&,
                     const std::optional<PresenceVersion>&) override {}
  void presence_close(ChannelNumber) override {}
  void presence_session(ChannelNumber, std::uint64_t, const PresenceListing&) override {}
  void presence_gone(ChannelNumber, std::uint64_t, PresenceEnd) override {}
  void webhook_done(std::uint64_t, int, std::string_view) override {}
  void fetch(FetchRequest, Reply<FetchPage> reply) override { reply(fail(ErrorCode::Internal)); }
  void publish(PublishRequest, Reply<PublishAck> reply) override {
    reply(fail(ErrorCode::Internal));
  }
  void api_call(ApiRequest request, Reply<ApiAnswer> reply) override {
    calls.push_back(request);
    replies.push_back(std::move(reply));
  }

  std::vector<ApiRequest> calls;
  std::vector<Reply<ApiAnswer>> replies;
};

// A client socket that never blocks; it reads what has come.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd_ >= 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(); }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return;  // The server is right to hang up in the middle.
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // What the kernel takes at once.
  [[nodiscard]] std::size_t offer(std::string_view bytes) const {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  // Adds what has come to `received`; notices the end.
  void poll() {
    std::array<char, 65'536> buffer{};
    while (!has_ended && fd_ >= 0) {
      const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0) {
        received.append(buffer.data(), static_cast<std::size_t>(got));
        continue;
      }
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      was_reset = got < 0;
      has_ended = true;
    }
  }
  void shutdown_write() const { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

  std::string received;
  bool has_ended = false;
  bool was_reset = false;

 private:
  int fd_ = -1;
};

inline config::Config one_app() {
  config::Config config;
  config.apps.resize(1);
  config.edge.drain_ms = 100;
  return config;
}

inline config::Config with_limits(const std::function<void(RuntimeLimits&)>& change) {
  config::Config config = one_app();
  change(config.limits);
  return config;
}

// Turns a loop for a test whose clients are no part of it: a tick makes it look again.
class Turns {
 public:
  explicit Turns(uv::Loop& loop) : loop_(loop), tick_(loop, [] {}) {
    tick_.start_repeating(std::chrono::milliseconds(1));
  }
  bool wait(const std::function<bool()>& is_done) {
    return is_done() || loop_.run_until(is_done, std::chrono::seconds(20));
  }
  // Enough for anything that is under way on this machine to arrive.
  void settle() {
    int turns = 0;
    REQUIRE(wait([&] { return ++turns > 20; }));
  }

 private:
  uv::Loop& loop_;
  uv::Timer tick_;
};

class ServerFixture {
 public:
  explicit ServerFixture(config::Config settings = one_app(), bool has_upstream = false)
      : config(std::move(settings)) {
    if (has_upstream) app = std::make_unique<Upstream>(loop);
    for (config::AppConfig& one : config.apps) {
      one.limits = config.limits;
      if (has_upstream) one.upstream = app->origin();
    }
    server = std::make_unique<EdgeServer>(
        EdgeServerParts{loop, wheel.wheel(), random, broker, origins, config, limit_counters,
                        counters, [this](std::string_view text) { warnings.emplace_back(text); }},
        std::vector<ClientProtocol*>{&protocol});
    const auto bound = server->listen(uv::TcpAddress{"127.0.0.1", 0}, {});
    REQUIRE(bound.has_value());
    port = std::get<uv::TcpAddress>(*bound).port;
  }

  // Turns the loop until `is_done()`; false when that takes too long.
  bool wait(const std::function<bool()>& is_done) { return turns.wait(is_done); }
  bool wait_for(RawClient& client, std::string_view text) {
    return wait([&] {
      client.poll();
      return client.received.find(text) != std::string::npos;
    });
  }
  bool wait_for_end(RawClient& client) {
    return wait([&] {
      client.poll();
      return client.has_ended;
    });
  }
  // One request on a connection of its own; the whole answer, which ends the connection.
  std::string request(const std::string& start_line, const std::string& headers = "",
                      const std::string& body = "") {
    RawClient client(port);
    client.send(start_line + "\r\nHost: app.example\r\nConnection: close\r\n" + headers + "\r\n" +
                body);
    CHECK(wait_for_end(client));
    return client.received;
  }

  uv::Loop loop;
  Turns turns{loop};
  uv::LoopTimerWheel wheel{loop};
  SeededRandom random{1};
  OriginPolicies origins;
  config::Config config;
  LimitCounters limit_counters;
  ServerSideCounters counters;
  EchoBroker broker;
  ScriptedProtocol protocol;
  std::vector<std::string> warnings;
  std::unique_ptr<Upstream> app;
  std::unique_ptr<EdgeServer> server;
  std::uint16_t port = 0;
};

inline const std::string kHandshake =
    "GET /_tako/channels/x HTTP/1.1\r\nHost: app.example\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// A client's frame of up to 125 bytes; `first` is FIN and the opcode.
inline std::string client_frame(unsigned first, std::string_view payload) {
  std::string out{static_cast<char>(first), static_cast<char>(0x80U | payload.size()), 1, 2, 3, 4};
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(payload[i] ^ static_cast<char>(1 + i % 4));
  }
  return out;
}

// Drops the answer's head, so that `received` is frames alone.
inline void drop_head(RawClient& client) {
  client.received.erase(0, client.received.find("\r\n\r\n") + 4);
}

}  // namespace tako::edge::testing
