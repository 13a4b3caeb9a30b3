// ClientConnection: the client's side of one HTTP/1.1 connection, one request at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/http/message.h"
#include "common/http/response.h"
#include "common/http/response_parser.h"
#include "common/result.h"
#include "common/uv/loop.h"
#include "common/uv/send_queue.h"
#include "common/uv/stream.h"
#include "common/uv/timer_wheel.h"

namespace tako::http {

// What is asked of an upstream. Host must be among the headers; Content-Length, Transfer-Encoding
// and Connection are set from what follows here.
struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers;

  struct NoBody {};
  struct Length {
    std::uint64_t bytes = 0;
  };  // then write_body() until as many are written
  struct Chunked {};  // then write_body() until end_body()
  // A std::string is the whole body, and is kept until the response has begun.
  std::variant<NoBody, std::string, Length, Chunked> body;

  // Asks for the stream: `Connection: Upgrade` and this protocol are sent. A 101 hands it over.
  std::optional<std::string> upgrade;
  // May be sent again when a reused connection turns out to be dead before any byte of an answer.
  // Only with NoBody or a whole body. nullopt: for the methods that RFC 9110 9.2.2 calls
  // idempotent.
  std::optional<bool> is_replayable;
  std::chrono::milliseconds head_timeout{};  // from the request's end to the response head; 0: none
  std::chrono::milliseconds total_timeout{};  // from start() to the end of the response; 0: none
};

// What comes of it. Each call may destroy the exchange (and then nothing more comes).
// After on_response_end or on_failed nothing more comes either.
class ResponseObserver {
 public:
  // The final head (interim ones are dropped). For 101 call take_stream() here or later; no
  // on_response_end comes then, and nothing more until then.
  virtual void on_response(ResponseHead head) = 0;
  virtual void on_response_body(std::span<const std::byte> piece) = 0;
  virtual void on_response_end() = 0;
  // No answer, or only a part of one. UpstreamUnavailable, UpstreamTimeout, or LimitReached (the
  // pool's waiters).
  virtual void on_failed(const Error& error) = 0;
  // The body may flow: the head is sent; and later, when write_body() had said false.
  virtual void on_request_writable() {}

 protected:
  ~ResponseObserver() = default;
};

class ClientConnection;

// Who gets a connection back when its exchange is over (the pool). All calls come from inside the
// connection: destroy it at the end of the turn, not at once.
class ClientConnectionOwner {
 public:
  // The exchange on it is over; `is_reusable`: it may carry another one.
  virtual void on_idle(ClientConnection& connection, bool is_reusable) = 0;
  // An idle connection was closed by the upstream.
  virtual void on_dead(ClientConnection& connection) = 0;
  // It has been idle for as long as expire_after() said.
  virtual void on_expired(ClientConnection& connection) { on_dead(connection); }
  // A reused connection turned out to be dead before a byte of the answer to `observer` came.
  // The observer has not been told; the connection is useless.
  virtual void on_stale(ClientConnection& connection, ResponseObserver& observer) = 0;

 protected:
  ~ClientConnectionOwner() = default;
};

//  Idle ──send()──▶ Busy ──response and request whole──▶ on_idle(reusable)
//   │                 │──101, take_stream()───────────▶ on_idle(not reusable), the stream is gone
//   │                 │──error, timeout, cancel(), response before the request's end──▶ not
//   reusable │                 └──dead before any answer, and used before──▶ on_stale └─closed by
//   the upstream, or too long idle──▶ on_dead
class ClientConnection final : private uv::StreamObserver {
 public:
  ClientConnection(std::unique_ptr<uv::Stream> stream, uv::TimerWheel& wheel,
                   ClientConnectionOwner& owner);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // Begins an exchange, on an idle connection. `request` stays unchanged until it is over.
  // Does not call back.
  void send(const ClientRequest& request, ResponseObserver& observer);
  // False: wait for on_request_writable(). The bytes are taken either way.
  bool write_body(std::string_view piece);
  void end_body();
  void pause_response();
  void resume_response();
  // After on_response with 101. `unread`: what has come behind it.
  [[nodiscard]] std::unique_ptr<uv::Stream> take_stream(std::string& unread);
  // Drops the exchange; the observer is not told. Ends in on_idle (not reusable).
  void cancel();
  // on_dead() after this time, unless send() comes before.
  void expire_after(std::chrono::milliseconds idle);

  [[nodiscard]] bool is_idle() const noexcept { return observer_ == nullptr; }
  [[nodiscard]] bool is_request_sent() const noexcept { return request_done_; }
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }

 private:
  void on_bytes(std::span<const std::byte> bytes) override;
  void on_end() override;
  void on_closed(uv::CloseReason reason) override;
  void on_writable() override;

  void on_write_deadline();
  void on_idle_deadline();
  void on_turn_end();
  void parse(std::span<const std::byte> bytes);
  void handle_step(const ParseStep& step);
  void handle_head();
  void finish_response();
  void settle(bool is_reusable);
  void fail_exchange(ErrorCode code, std::string detail);
  void lost(std::string_view how);
  void transmit(std::span<const std::string_view> pieces);
  [[nodiscard]] bool can_parse() const noexcept;
  [[nodiscard]] Headers headers_of(const ClientRequest& request) const;

  uv::TimerWheel& wheel_;
  ClientConnectionOwner& owner_;
  std::unique_ptr<uv::Stream> stream_;
  uv::SendQueue out_;
  std::optional<ResponseParser> parser_;  // while busy
  ResponseObserver* observer_ = nullptr;  // while busy
  std::span<const std::byte> input_;      // What parse() has not used yet.
  std::string unread_;                    // held back by pause_response(), or behind a 101
  uv::TurnEndTask turn_end_;
  uv::MemberDeadline<ClientConnection, &ClientConnection::on_write_deadline> write_deadline_{*this};
  uv::MemberDeadline<ClientConnection, &ClientConnection::on_idle_deadline> idle_deadline_{*this};
  std::uint64_t requests_ = 0;
  std::uint64_t length_left_ = 0;  // of a request body with Content-Length
  bool is_chunked_ = false;
  bool request_done_ = false;
  bool is_interim_ = false;  // the head just read was a 1xx
  bool keep_alive_ = false;
  bool wants_upgrade_ = false;
  bool is_upgraded_ = false;
  bool is_paused_ = false;
  bool is_write_broken_ = false;  // The upstream takes no more; its answer may still come.
  bool peer_ended_ = false;
  bool wants_room_ = false;
};

}  // namespace tako::http
