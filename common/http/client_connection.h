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
  std::chrono::milliseconds head_timeout{};   // to the first byte… the whole response head; 0: none
  std::chrono::milliseconds total_timeout{};  // to the end of the response; 0: none
};

// What comes of it. Each call may destroy the exchange, save that on_response is followed by others
// only if it is still there. After on_response_end or on_failed nothing more comes.
class ResponseObserver {
 public:
  // The final head (interim ones are dropped). For 101 call take_stream() here or later; then no
  // on_response_end comes.
  virtual void on_response(ResponseHead head) = 0;
  virtual void on_response_body(std::span<const std::byte> piece) = 0;
  virtual void on_response_end() = 0;
  // No answer, or only a part of one. UpstreamUnavailable, UpstreamTimeout, or LimitReached (the
  // pool's waiters).
  virtual void on_failed(const Error& error) = 0;
  // write_body() said false; now there is room again. Also once when the request has got its
  // connection and its head is sent: the body may flow.
  virtual void on_request_writable() {}

 protected:
  ~ResponseObserver() = default;
};

// Who gets a connection back when its exchange is over (the pool).
class ClientConnectionOwner {
 public:
  // The exchange on it is over. `is_reusable`: it may carry another one now. Called from inside the
  // connection: destroy it at the end of the turn, not at once.
  virtual void on_idle(class ClientConnection& connection, bool is_reusable) = 0;
  // An idle connection was closed by the upstream, or timed out. As above.
  virtual void on_dead(class ClientConnection& connection) = 0;
  // The current request got no byte of an answer on a reused connection: send it on another one.
  virtual void on_stale(class ClientConnection& connection) = 0;

 protected:
  ~ClientConnectionOwner() = default;
};

//  Idle ──send()──▶ Sending/Receiving ──response and request whole──▶ Idle (on_idle, reusable)
//   │                     │  └──101, take_stream()──▶ gone
//   │ closed by peer      │ error, timeout, cancel, response before the request's end
//   ▼                     ▼
//  on_dead              on_idle (not reusable)
class ClientConnection final : private uv::StreamObserver {
 public:
  ClientConnection(std::unique_ptr<uv::Stream> stream, uv::TimerWheel& wheel,
                   ClientConnectionOwner& owner);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // Begins an exchange. `request` stays alive and unchanged until it is over.
  void send(const ClientRequest& request, ResponseObserver& observer);
  // False: wait for on_request_writable(). The bytes are taken either way.
  bool write_body(std::string_view piece);
  void end_body();
  void pause_response();
  void resume_response();
  // After on_response with 101.
  [[nodiscard]] std::unique_ptr<uv::Stream> take_stream(std::string& unread);
  // Drops the exchange; the observer is not told. Ends in on_idle (not reusable).
  void cancel();

  [[nodiscard]] bool is_idle() const noexcept { return observer_ == nullptr; }
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }

 private:
  void on_bytes(std::span<const std::byte> bytes) override;
  void on_end() override;
  void on_closed(uv::CloseReason reason) override;
  void on_writable() override;

  void on_write_deadline();
  void on_turn_end();
  void parse(std::span<const std::byte> bytes);
  bool handle_step(const ParseStep& step);
  bool handle_head();
  void finish_response();
  void settle(bool is_reusable);
  void fail(ErrorCode code, std::string detail);
  void lost(std::string_view how);
  void transmit(std::span<const std::string_view> pieces);

  uv::TimerWheel& wheel_;
  ClientConnectionOwner& owner_;
  std::unique_ptr<uv::Stream> stream_;
  uv::SendQueue out_;
  std::optional<ResponseParser> parser_;
  ResponseObserver* observer_ = nullptr;
  const ClientRequest* request_ = nullptr;
  std::string unread_;
  uv::TurnEndTask turn_end_;
  uv::MemberDeadline<ClientConnection, &ClientConnection::on_write_deadline> write_deadline_{*this};
  std::uint64_t requests_ = 0;
  std::uint64_t length_left_ = 0;
  bool request_done_ = false;
  bool response_done_ = false;
  bool response_begun_ = false;
  bool keep_alive_ = false;
  bool is_upgraded_ = false;
  bool is_paused_ = false;
  bool is_dead_ = false;
  bool peer_ended_ = false;
  bool wants_room_ = false;
};

}  // namespace tako::http
