// ServerConnection: the server's side of one HTTP/1.1 connection, one request at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/http/message.h"
#include "common/http/request_parser.h"
#include "common/http/response.h"
#include "common/uv/listener.h"
#include "common/uv/loop.h"
#include "common/uv/send_queue.h"
#include "common/uv/stream.h"
#include "common/uv/timer_wheel.h"

namespace tako::http {

class ServerConnection;

// One request being handled. Made by the RequestHandler, owned by the connection, and destroyed at
// the end of the loop turn in which the response is complete, the client is gone, or the stream was
// taken. Its destructor cancels whatever the exchange waits for: after it nobody may call the
// connection on its behalf. Until then the connection lives, so a reference to it is safe.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // A piece of the request body, valid during the call. Not called after the response is complete:
  // what is left of the body is then dropped, or the connection closed.
  virtual void on_body(std::span<const std::byte> piece) { static_cast<void>(piece); }
  // The request is whole (at once for one without a body).
  virtual void on_body_end() {}
  // write_body() said false; now there is room again.
  virtual void on_writable() {}
  // The client has sent FIN. It may still read the answer (a half close), or be gone.
  virtual void on_client_end() {}
};

// Where requests go. One for all connections of a server.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // A head has come. Either answer right here and return null, or return the exchange that will.
  // Neither is our fault: 500 is sent, and it is counted.
  // The connection is valid during the call, and for as long as the returned exchange lives.
  [[nodiscard]] virtual std::unique_ptr<Exchange> on_request(ServerConnection& connection,
                                                             RequestHead head) = 0;
};

struct ServerTimeouts {              // defaults: limits.h, section HTTP
  std::chrono::milliseconds head;    // from the first byte (or the connect) to the whole head
  std::chrono::milliseconds idle;    // keep-alive, between requests
  std::chrono::milliseconds body;    // between pieces of a body, unless paused by us
  std::chrono::milliseconds write;   // without any progress of a response
  std::chrono::milliseconds linger;  // after our FIN, reading what the client still sends
  ServerTimeouts();
};

struct ServerCounters {  // shared by all connections of a server; the thing behind its metrics
  std::uint64_t connections = 0;          // accepted
  std::uint64_t connections_refused = 0;  // at the limit: told 503, or not told
  std::uint64_t connections_untold = 0;   // of those: too many were being told already
  std::uint64_t requests = 0;
  std::uint64_t requests_malformed = 0;  // refused by the parser
  std::uint64_t urls_too_long = 0;       // of those
  std::uint64_t heads_too_large = 0;
  std::uint64_t headers_too_many = 0;
  std::uint64_t chunks_too_wordy = 0;
  std::uint64_t head_timeouts = 0;
  std::uint64_t idle_timeouts = 0;
  std::uint64_t body_timeouts = 0;
  std::uint64_t write_timeouts = 0;
  std::uint64_t linger_timeouts = 0;
  std::uint64_t linger_floods = 0;    // too many bytes came behind our FIN
  std::uint64_t pipelines_full = 0;   // reading stopped: too much came behind a request
  std::uint64_t write_pauses = 0;     // writers were told to wait
  std::uint64_t bodies_too_long = 0;  // to be read and dropped: the connection closes instead
  std::uint64_t unanswered = 0;       // a handler that did neither: our fault
  uv::ListenerCounters listening;
};

// Who owns a connection and is told when it is over (the Server).
class ConnectionOwner {
 public:
  // Destroy the connection; called at the end of a loop turn, from no frame of its own.
  virtual void on_connection_over(ServerConnection& connection) = 0;
  // True: answer with `Connection: close` and don't wait for a next request.
  [[nodiscard]] virtual bool is_draining() const = 0;

 protected:
  ~ConnectionOwner() = default;
};

// The stream of a connection that left HTTP, with what had come behind the request.
struct TakenStream {
  std::unique_ptr<uv::Stream> stream;  // no observer, not reading
  std::string unread;                  // already read: the first bytes of the next protocol
};

//  Waiting ──first byte──▶ Head ──whole head──▶ Exchanging ──response done, body done──▶ Waiting
//     │                      │                   │   │
//     │ idle timeout, FIN    │ bad: 4xx          │   └─take_stream()──▶ Over
//     ▼                      ▼                   ▼ response done, body left: small: Discarding ▶
//     Waiting
//   Over ◀──drained/timeout─ Lingering ◀──close after response ──┘
//
// Lingering: our FIN is sent, what the client still sends is dropped for a while: closing at once
// would make the kernel send RST, which can take our answer from under the client's hands.
class ServerConnection final : private uv::StreamObserver {
 public:
  ServerConnection(std::unique_ptr<uv::Stream> stream, uv::TimerWheel& wheel,
                   RequestHandler& handler, ConnectionOwner& owner, const ServerTimeouts& timeouts,
                   ServerCounters& counters);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // ---- Answering. By the exchange, or by the handler inside on_request(). None of these calls
  // back into the exchange. All are without effect once the client is gone (is_open()).

  // The whole answer. Content-Length and Connection are added; to HEAD only the head is sent; a
  // 204 or 304 has no body.
  void respond(const Response& response);
  void respond_error(const Error& error) { respond(error_response(error)); }

  // An answer in pieces. Without a length the body is chunked (HTTP/1.0: until close).
  // Transfer-Encoding and Content-Length in `headers` are replaced by what is true.
  void begin_response(int status, const Headers& headers,
                      std::optional<std::uint64_t> content_length = std::nullopt);
  // False: more than limits::kHttpWriteHighBytes wait for the client; go on at on_writable().
  // The bytes are taken either way. More bytes than content_length is our fault (TAKO_CHECK).
  bool write_body(std::string_view piece);
  // The response is complete. Less than content_length: as abort_response().
  void end_response();
  // Resets the connection, so that the client can't take the half for the whole.
  void abort_response();

  // ---- Reading the body.
  // Stops on_body() until resume_body(): the client is held up by TCP. Callable in on_request().
  // A client that waits for `100 Continue` gets it when the exchange takes the body: after
  // on_request(), or from resume_body().
  void pause_body();
  void resume_body();

  // ---- Leaving HTTP: an upgrade, or a stream that needs no parser (SSE). Only before a response
  // has begun and with the request whole (TAKO_CHECK). Nothing of a response has been written; the
  // taker writes its own head (response_head()). The connection and the exchange are destroyed at
  // the end of the turn; the exchange gets no further call.
  [[nodiscard]] TakenStream take_stream();
  [[nodiscard]] bool can_take_stream() const noexcept;

  // ---- Who and how.
  [[nodiscard]] bool is_open() const noexcept { return stream_ != nullptr; }
  [[nodiscard]] bool response_begun() const noexcept { return response_begun_; }
  // The client's address as the kernel has it; "" for a unix socket.
  [[nodiscard]] std::string peer_ip() const;
  [[nodiscard]] std::optional<uv::PeerCredentials> credentials() const;
  [[nodiscard]] uv::Loop& loop() noexcept { return loop_; }
  [[nodiscard]] uv::TimerWheel& wheel() noexcept { return wheel_; }

  // ---- For the owner.
  // When draining: closes if between requests, and no request is on its way. One that never had a
  // request gets ServerTimeouts::linger for it: who connects is about to ask.
  void close_if_idle();
  // The stream of a connection that is between two requests, for another process to serve; null: it
  // is not. Over behind it, as after take_stream().
  [[nodiscard]] std::unique_ptr<uv::Stream> take_if_idle();
  // It has served requests in another process: an idle connection, not a new one.
  void note_kept();
  // Answers without reading a request, and closes: there are too many connections.
  void refuse_connection(const Error& error);

 private:
  enum class State { Waiting, Head, Exchanging, Discarding, Lingering, Over };

  // Reading: server_connection.cc.
  void on_bytes(std::span<const std::byte> bytes) override;
  void on_end() override;
  void on_closed(uv::CloseReason reason) override;
  void on_read_deadline();
  void on_late_bytes(std::size_t count);
  void on_turn_end();
  void parse();
  void parse_unread();
  void handle_step(const ParseStep& step);
  void note_head_begun();
  void begin_exchange();
  void hand_to_handler(RequestHead head);
  void refuse(const Response& response);
  void count_refusal(const ParseError& error);
  void time_out_request(std::uint64_t& counter);
  void advance_after_response();
  void next_request();
  void linger();
  void over();
  void adjust_reading();
  void send_continue();
  [[nodiscard]] bool can_parse() const noexcept;
  [[nodiscard]] bool wants_input() const noexcept;

  // Answering: server_response.cc.
  void on_writable() override;
  void on_write_deadline();
  [[nodiscard]] std::string build_head(int status, Headers headers, std::string_view framing_name,
                                       std::string framing_value);
  void decide_close(const Headers& headers);
  void complete_response();
  void send(std::span<const std::string_view> pieces);
  void send(std::string_view bytes) { send({&bytes, 1}); }
  void flush_pending_head();
  [[nodiscard]] bool can_discard_rest() const noexcept;

  uv::Loop& loop_;
  uv::TimerWheel& wheel_;
  RequestHandler& handler_;
  ConnectionOwner& owner_;
  const ServerTimeouts& timeouts_;
  ServerCounters& counters_;
  std::unique_ptr<uv::Stream> stream_;
  RequestParser parser_;
  uv::SendQueue out_;
  std::unique_ptr<Exchange> exchange_;
  std::span<const std::byte> input_;  // What parse() has not used yet; empty outside of it.
  std::string unread_;  // Behind the current request, or held back by pause_body(): bounded.
  std::string
      pending_head_;  // begin_response()'s, until the first piece joins it or the turn ends.
  uv::TurnEndTask turn_end_;
  uv::MemberDeadline<ServerConnection, &ServerConnection::on_read_deadline> read_deadline_{*this};
  uv::MemberDeadline<ServerConnection, &ServerConnection::on_write_deadline> write_deadline_{*this};

  State state_ = State::Waiting;
  std::uint64_t requests_ = 0;
  std::size_t dropped_ = 0;  // bytes read and dropped while Lingering
  // Of the request.
  std::uint64_t body_left_ = 0;  // of a body with Content-Length
  BodyFraming body_framing_ = BodyFraming::None;
  bool is_head_request_ = false;
  bool is_http10_ = false;
  bool wants_keep_alive_ = false;
  bool wants_upgrade_ = false;
  bool wants_continue_ = false;
  bool is_body_done_ = true;
  bool is_body_paused_ = false;
  // Of the response.
  std::optional<std::uint64_t> length_left_;
  bool response_begun_ = false;
  bool response_done_ = false;
  bool is_chunked_ = false;
  bool has_no_body_ = false;
  bool close_after_ = false;
  bool wants_room_ = false;
  // Of the connection.
  bool peer_ended_ = false;
};

}  // namespace tako::http
