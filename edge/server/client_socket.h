// ClientSocket: what live WebSockets and event streams share: outbox, one write a turn, deadlines,
// and an end that loses nothing of what was queued.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "common/uv/loop.h"
#include "common/uv/stream.h"
#include "common/uv/timer_wheel.h"
#include "edge/server/counters.h"
#include "edge/server/flusher.h"
#include "edge/server/websocket_parser.h"
#include "edge/session/client.h"
#include "edge/session/outbox.h"

namespace tako::proto {
class ConnectionRecord;
}

namespace tako::edge {

class ClientSocket;

// Who owns a live client and destroys it when it is over.
class ClientSocketOwner {
 public:
  // Called at the end of a loop turn, from no other frame of the socket's own.
  virtual void on_socket_over(ClientSocket& socket) = 0;

 protected:
  ~ClientSocketOwner() = default;
};

// What all live clients of one app share: one pointer in each of them. Everything outlives them.
struct ClientContext {
  const std::string& app;
  uv::Loop& loop;
  uv::TimerWheel& wheel;
  Flusher& flusher;
  OutboxPool& outboxes;
  WebSocketParserPool& parsers;
  const RuntimeLimits& limits;
  LimitCounters& limit_counters;
  ServerSideCounters& counters;
  ClientSocketOwner& owner;
};

//  Open ──close(), peer's close──▶ Closing ──all sent (WebSocket: and peer's close came)──▶ Ending
//    │                                │                                                      │
//    └────────── lost, abort(), no progress, deadline ──────────▶ Over ◀──peer's FIN, deadline─┘
//
// Ending: our FIN is sent, and what the peer still sends is dropped; closing at once would make
// the kernel send RST, which can overtake the close frame. The handler goes when Open ends. Who
// goes on sending after our goodbye is read up to a bound, then held up by TCP until the deadline.
class ClientSocket : public ClientConnection, private uv::StreamObserver, private Flushable {
 public:
  ~ClientSocket() override = default;

  // Queues the response head, tells the handler, and reads on; `unread` came behind the request.
  void open(std::string_view head, std::string_view unread);
  // The process leaves. No effect when the handler is gone.
  void drain(std::int64_t retry_ms);
  [[nodiscard]] bool is_drained() const noexcept { return is_drained_; }
  // Another process did not want it, or could not have it: it will be drained.
  void stay() noexcept { stays_ = true; }
  [[nodiscard]] bool is_staying() const noexcept { return stays_; }
  [[nodiscard]] const std::string& app() const noexcept { return context_.app; }
  [[nodiscard]] bool has_unsent() const noexcept { return !outbox_.empty(); }
  // One that is closing: what it has not taken yet, it does not get any more. While open: no
  // effect.
  void cut_off();
  // For the owner's table.
  void set_slot(std::size_t slot) noexcept { slot_ = static_cast<std::uint32_t>(slot); }
  [[nodiscard]] std::size_t slot() const noexcept { return slot_; }
  // The owner is going: tells the handler, now.
  void end_now();

  // The handoff to another process.
  [[nodiscard]] Movability movability() const;
  // Stops reading, while what is under way is answered; and goes on.
  void hold_input();
  void release_input();
  // While movability() is Now: fills the record and gives the socket away. The handler has gone
  // without a word; this can only be destroyed, which the owner does.
  [[nodiscard]] uv::Fd pack(proto::ClientRecord& record);
  // In place of open(): goes on where pack() was called.
  void unpack(const proto::ClientRecord& record);

  void send(const SharedBytes& frame) final;
  void send_control(const SharedBytes& frame) final;
  [[nodiscard]] bool has_room() const final { return !is_full_; }
  [[nodiscard]] std::int64_t last_received_ms() const final { return last_received_ms_; }
  [[nodiscard]] std::int64_t last_sent_ms() const final { return last_sent_ms_; }
  void set_deadline(std::int64_t monotonic_ms) final;
  void close(ErrorCode code, std::string_view reason = {}) final;
  void drop_and_close(ErrorCode code, std::string_view reason = {}) final;
  [[nodiscard]] bool send_all() final;
  void abort() final;

 protected:
  enum class State : std::uint8_t { Open, Closing, Ending, Over };

  ClientSocket(ClientContext& context, std::unique_ptr<uv::Stream> stream,
               std::unique_ptr<ClientHandler> handler);

  // Bytes from the client, while Open or Closing.
  virtual void on_input(std::span<const std::byte> bytes) = 0;
  // The last frame that the client gets, when this side closes.
  [[nodiscard]] virtual SharedBytes make_goodbye(ErrorCode code, std::string_view reason) = 0;
  // Closing and all is sent: may our FIN follow?
  [[nodiscard]] virtual bool is_ready_to_end() const = 0;

  // What on_input() keeps of a frame that is not whole, and takes back.
  virtual void save_input(proto::ConnectionRecord& /*record*/) const {}
  virtual void restore_input(const proto::ConnectionRecord& /*record*/) {}

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] ClientContext& context() noexcept { return context_; }
  [[nodiscard]] ClientHandler& handler() noexcept { return *handler_; }  // While Open.
  [[nodiscard]] const Outbox& outbox() const noexcept { return outbox_; }
  void push(const SharedBytes& frame, FrameKind kind);
  // Before the turn's end: what is queued goes to the kernel, as far as it takes it.
  void write_now();
  // Open -> Closing: `goodbye` leaves behind what is queued, nothing more is taken.
  void begin_closing(const SharedBytes& goodbye);
  // What is_ready_to_end() waits for has come.
  void reconsider_end() { mark(); }

 private:
  void on_bytes(std::span<const std::byte> bytes) final;
  void on_end() final;
  void on_closed(uv::CloseReason reason) final;
  void on_writable() final { mark(); }
  void on_turn_end() final;
  void on_due();

  void mark() noexcept { context_.flusher.mark(*this); }
  void write();
  void flush();
  void bound_late_input(std::size_t bytes);
  void tell_room();
  void advance_closing();
  void tell_closed();
  void give_up();
  void become_over() noexcept;
  void arm();

  ClientContext& context_;
  std::unique_ptr<uv::Stream> stream_;
  std::unique_ptr<ClientHandler> handler_;
  Outbox outbox_;
  uv::MemberDeadline<ClientSocket, &ClientSocket::on_due> timer_{*this};
  std::int64_t last_received_ms_;
  std::int64_t last_sent_ms_;
  std::int64_t handler_due_ms_ = 0;  // 0: none
  std::int64_t own_due_ms_ = 0;      // write progress while Open, then the end of patience
  std::uint32_t slot_ = 0;
  std::uint32_t late_bytes_ = 0;  // came after our goodbye
  State state_ = State::Open;
  bool is_full_ = false;
  bool has_sent_ = false;  // something: so not the answer's head any more, or not its beginning
  bool peer_ended_ = false;
  bool is_drained_ = false;
  bool stays_ = false;
};

}  // namespace tako::edge
