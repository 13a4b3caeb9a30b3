// The seam between connections (edge/server: sockets, HTTP, WebSocket framing) and protocols
// (edge/adapters: what the bytes mean). Neither side sees the other's types.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/result.h"
#include "common/shared_bytes.h"
#include "edge/fanout/frame_sink.h"

namespace tako::proto {
class ClientRecord;
}

namespace tako::edge {

// Whether a client can pass to another process as it is.
enum class Movability : std::uint8_t {
  Now,
  Soon,   // an answer of the app or the broker is under way; nothing of the client should be read
  Never,  // it is ending
};

// One HTTP request of a client, already checked by the server: path normalised, app found by Host.
struct ClientRequest {
  std::string app;     // the app that the Host belongs to
  std::string method;  // GET, POST, …
  std::string path;    // raw, without the query
  std::string query;   // raw, behind `?`
  std::string host;    // lower case, with port as sent
  std::string ip;      // the client's, behind trusted proxies the forwarded one
  std::string body;    // whole, for POST (bounded by the server)
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  bool is_websocket = false;  // HTTP/1.1 with an Upgrade header, as a valid handshake
  bool is_http_1_0 = false;   // streams are then closed-delimited, not chunked

  // First value; nullptr when absent. `name` in lower case.
  [[nodiscard]] const std::string* header(std::string_view name) const;
  // A cookie's raw value; nullopt when absent.
  [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const;
};

// One open client connection (WebSocket or event stream) as a protocol sees it. Owned by the
// server; lives until its ClientHandler::on_closed returns.
class ClientConnection : public FrameSink {
 public:
  // Queues whole frames (as the wire form needs them) behind earlier ones. All of one loop turn
  // leave in one gathered write. The pump asks has_room() first; a frame or batch that was begun
  // is always taken.
  void send(const SharedBytes& frame) override = 0;
  // Replies, acks, errors: counted against their own bound; above it the client is closed TooSlow.
  virtual void send_control(const SharedBytes& frame) = 0;
  // Below limits::kOutboxBytesMax of unsent bytes. When it turned false, on_room() tells the
  // change.
  [[nodiscard]] bool has_room() const override = 0;

  // WebSocket: an empty ping. Event stream: the comment `: keepalive`.
  virtual void keepalive() = 0;
  // Monotonic ms of the last bytes received from / frame sent to this client.
  [[nodiscard]] virtual std::int64_t last_received_ms() const = 0;
  [[nodiscard]] virtual std::int64_t last_sent_ms() const = 0;
  // on_deadline() comes once at or after this monotonic time (~100 ms steps); 0 cancels.
  virtual void set_deadline(std::int64_t monotonic_ms) = 0;

  // Flushes what is queued, then ends: WebSocket by a close frame with the code's close code and
  // `reason` (empty: the catalogue's name, or its message for 1000/1003/1012), event stream by the
  // final chunk. No callback but on_closed follows.
  virtual void close(ErrorCode code, std::string_view reason = {}) = 0;
  // As close(), but of what is queued nothing leaves any more, only the rest of a frame that was
  // begun.
  virtual void drop_and_close(ErrorCode code, std::string_view reason = {}) = 0;
  // Sends what is queued now, as far as the kernel takes it; true when nothing is queued any more.
  [[nodiscard]] virtual bool send_all() = 0;
  // Ends at once without flushing (dead or hostile peer).
  virtual void abort() = 0;
};

// The protocol's side of one connection. Owned by the connection; destroyed after on_closed.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  // The connection is open: WebSocket after the 101, event stream after its head is queued.
  virtual void on_open(ClientConnection& connection) = 0;
  // A whole text/binary message (WebSocket only). Valid UTF-8 when text.
  virtual void on_text(std::string_view message) = 0;
  virtual void on_binary(std::string_view message) = 0;
  // The outbox has room again.
  virtual void on_room() = 0;
  virtual void on_deadline() = 0;
  // The edge is leaving: tell the client when to come back (retry_ms has jitter), then close.
  virtual void on_drain(std::int64_t retry_ms) = 0;
  // The client says goodbye (WebSocket: a close frame with 1000 or without a code); on_closed
  // follows. Whoever goes without it may be about to come back.
  virtual void on_goodbye() {}
  // The connection is gone (either side). No calls to it any more.
  virtual void on_closed() = 0;

  // The handoff to another process.
  [[nodiscard]] virtual Movability movability() const { return Movability::Never; }
  // While movability() is Now: what the protocol must remember. Destroyed behind it, without
  // on_closed.
  virtual void save(proto::ClientRecord& /*record*/) const {}
  // In place of on_open, for a handler that ClientProtocol::restore made: goes on where the other
  // process has stopped. May close the connection.
  virtual void on_restored(ClientConnection& /*connection*/,
                           const proto::ClientRecord& /*record*/) {}
};

// The answer to one HTTP request, given by a protocol, now or later, once. Owned by the server
// until then; when the client goes away first, `on_gone` of the pending work is called.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // A whole answer. CORS headers are added by the server.
  virtual void respond(int status, Headers headers, std::string body) = 0;
  // An error in the catalogue's form, with Retry-After where it has one.
  virtual void refuse(const Error& error) = 0;
  // 200 text/event-stream (headers of the protocol document); `handler` drives it from now on.
  // Error: LimitReached, when no more clients can stay: the request is still to be answered.
  [[nodiscard]] virtual Result<void> accept_event_stream(
      std::unique_ptr<ClientHandler> handler) = 0;
  // 101; only for requests with is_websocket. `subprotocol` may be empty. Errors: as above.
  [[nodiscard]] virtual Result<void> accept_websocket(std::string_view subprotocol,
                                                      std::unique_ptr<ClientHandler> handler) = 0;
  // Called at most once, when the client is gone before an answer was given; the exchange is then
  // destroyed. Set by whoever answers later, to cancel its work.
  virtual void on_gone(std::move_only_function<void()> callback) = 0;
};

// What serves a set of paths: one protocol. The list is explicit (adapters.cc).
class ClientProtocol {
 public:
  virtual ~ClientProtocol() = default;
  // Whether this path is this protocol's (raw path, before percent-decoding).
  [[nodiscard]] virtual bool owns_path(std::string_view path) const = 0;
  // Serves it. `exchange` lives until it is answered or gone. May answer at once or later.
  virtual void serve(std::shared_ptr<const ClientRequest> request, HttpExchange& exchange) = 0;
  // The handler of a client that another process has served; on_restored() follows. Null: it is not
  // of this protocol, or holds what this version can't go on with.
  [[nodiscard]] virtual std::unique_ptr<ClientHandler> restore(
      const proto::ClientRecord& /*record*/) {
    return nullptr;
  }
};

}  // namespace tako::edge
