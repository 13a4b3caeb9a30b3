// Flushes once a turn, watches write progress, and walks the states of a connection's end.
#include "edge/server/client_socket.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/limits.h"

namespace tako::edge {

ClientSocket::ClientSocket(ClientContext& context, std::unique_ptr<uv::Stream> stream,
                           std::unique_ptr<ClientHandler> handler)
    : context_(context),
      stream_(std::move(stream)),
      handler_(std::move(handler)),
      outbox_(context.outboxes),
      last_received_ms_(context.loop.monotonic_ms()),
      last_sent_ms_(last_received_ms_) {}

void ClientSocket::open(std::string_view head, std::string_view unread) {
  stream_->set_observer(this);
  stream_->start_reading();
  push(SharedBytes(head), FrameKind::Message);
  handler_->on_open(*this);
  if (!unread.empty()) on_bytes(std::as_bytes(std::span(unread)));
}

void ClientSocket::drain(std::int64_t retry_ms) {
  is_drained_ = true;
  if (state_ == State::Open) handler_->on_drain(retry_ms);
}

void ClientSocket::end_now() {
  become_over();
  tell_closed();
}

void ClientSocket::push(const SharedBytes& frame, FrameKind kind) {
  outbox_.push(frame, kind);
  last_sent_ms_ = context_.loop.monotonic_ms();
  ++context_.counters.frames_sent;
  if (!is_full_ && outbox_.bytes() >= context_.limits.outbox_bytes_max) {
    is_full_ = true;
    ++context_.limit_counters.outbox_bytes_max;
  }
  mark();
}

void ClientSocket::send(const SharedBytes& frame) {
  if (state_ == State::Open) push(frame, FrameKind::Message);
}

void ClientSocket::send_control(const SharedBytes& frame) {
  if (state_ != State::Open) return;
  push(frame, FrameKind::Control);
  if (outbox_.control_bytes() <= context_.limits.control_outbox_bytes_max) return;
  ++context_.limit_counters.control_outbox_bytes_max;
  close(ErrorCode::TooSlow);
}

void ClientSocket::set_deadline(std::int64_t monotonic_ms) {
  if (state_ != State::Open) return;
  handler_due_ms_ = monotonic_ms;
  arm();
}

void ClientSocket::close(ErrorCode code, std::string_view reason) {
  if (state_ == State::Open) begin_closing(make_goodbye(code, reason));
}

void ClientSocket::drop_and_close(ErrorCode code, std::string_view reason) {
  if (state_ != State::Open) return;
  outbox_.drop_unsent(!has_sent_);  // The head of the answer is no frame.
  close(code, reason);
}

bool ClientSocket::send_all() {
  write_now();
  return outbox_.empty();
}

void ClientSocket::begin_closing(const SharedBytes& goodbye) {
  TAKO_CHECK(state_ == State::Open);
  push(goodbye, FrameKind::Control);
  state_ = State::Closing;
  handler_due_ms_ = 0;
  own_due_ms_ = context_.loop.monotonic_ms() + context_.limits.close_handshake_ms;
  arm();
}

void ClientSocket::cut_off() {
  if (state_ == State::Closing && has_unsent()) abort();
}

void ClientSocket::abort() {
  if (state_ == State::Over) return;
  stream_->reset_on_close();
  become_over();
  mark();
}

void ClientSocket::become_over() noexcept {
  state_ = State::Over;
  timer_.cancel();
  stream_->stop_reading();
}

void ClientSocket::on_bytes(std::span<const std::byte> bytes) {
  last_received_ms_ = context_.loop.monotonic_ms();
  const bool is_late = state_ != State::Open;
  if (state_ == State::Open || state_ == State::Closing) on_input(bytes);
  if (is_late) bound_late_input(bytes.size());
}

void ClientSocket::bound_late_input(std::size_t bytes) {
  late_bytes_ += static_cast<std::uint32_t>(bytes);  // One read is at most kReceiveBufferBytes.
  if (late_bytes_ <= limits::kLateInputBytesMax) return;
  ++context_.limit_counters.late_input_bytes_max;
  stream_->stop_reading();
  mark();
}

void ClientSocket::on_end() {
  peer_ended_ = true;
  if (state_ == State::Open) {
    ++context_.counters.clients_lost;
    become_over();
  }
  mark();  // Closing: what is queued may still be read; Ending: it is over.
}

void ClientSocket::on_closed(uv::CloseReason /*reason*/) {
  if (state_ == State::Open) ++context_.counters.clients_lost;
  become_over();
  mark();
}

void ClientSocket::on_turn_end() {
  if (state_ != State::Over) flush();
  if (state_ == State::Closing) advance_closing();
  if (state_ == State::Ending && peer_ended_) become_over();
  if (state_ != State::Open) tell_closed();
  if (state_ == State::Over) context_.owner.on_socket_over(*this);  // Destroys this.
}

void ClientSocket::write_now() {
  if (!stream_->is_waiting_for_room()) write();
}

void ClientSocket::flush() {
  if (stream_->is_waiting_for_room()) return;
  write();
  if (state_ != State::Open) return;
  own_due_ms_ =
      outbox_.empty() ? 0 : context_.loop.monotonic_ms() + context_.limits.stream_progress_ms;
  if (own_due_ms_ != 0) arm();
  tell_room();
}

// One system call, however much waits: then the others have their turn.
void ClientSocket::write() {
  if (outbox_.empty()) return;
  const std::span<std::string_view> room = context_.outboxes.pieces();
  const std::span<const std::string_view> pieces = room.first(outbox_.gather(room));
  std::size_t offered = 0;
  for (const std::string_view piece : pieces) offered += piece.size();
  const Result<std::size_t> written = stream_->write(pieces);
  if (!written) {
    if (state_ == State::Open) ++context_.counters.clients_lost;
    become_over();
    return;
  }
  ++context_.counters.writes;
  context_.counters.bytes_sent += *written;
  outbox_.consume(*written);
  has_sent_ = has_sent_ || *written > 0;
  if (*written < offered) return stream_->request_writable();
  if (outbox_.empty()) return;
  ++context_.limit_counters.write_pieces_max;
  mark();
}

// Half of the bound, so that a client at the bound is not woken for each frame that it reads.
void ClientSocket::tell_room() {
  if (!is_full_ || outbox_.bytes() > context_.limits.outbox_bytes_max / 2) return;
  is_full_ = false;
  handler_->on_room();
}

void ClientSocket::advance_closing() {
  if (!outbox_.empty()) return;
  if (peer_ended_) return become_over();
  if (!is_ready_to_end() && stream_->is_reading()) return;
  stream_->shutdown_write();
  state_ = State::Ending;
}

void ClientSocket::tell_closed() {
  if (handler_ == nullptr) return;
  const std::unique_ptr<ClientHandler> handler = std::move(handler_);
  handler->on_closed();
}

void ClientSocket::on_due() {
  const std::int64_t now = context_.loop.monotonic_ms();
  if (own_due_ms_ != 0 && now >= own_due_ms_) {
    return give_up();
  }
  if (handler_due_ms_ != 0 && now >= handler_due_ms_) {
    handler_due_ms_ = 0;
    handler_->on_deadline();
  }
  if (state_ != State::Over && !timer_.is_armed()) arm();
}

// No progress while open, or no end after our close: the client is dead, or plays dead.
void ClientSocket::give_up() {
  if (state_ == State::Open) {
    ++context_.limit_counters.stream_progress_ms;
    ++context_.counters.clients_lost;
  } else {
    ++context_.limit_counters.close_handshake_ms;
  }
  if (!outbox_.empty()) stream_->reset_on_close();  // It must not take the half for the whole.
  become_over();
  mark();
}

void ClientSocket::arm() {
  if (own_due_ms_ == 0 && handler_due_ms_ == 0) return timer_.cancel();
  std::int64_t due = own_due_ms_ == 0 ? handler_due_ms_ : own_due_ms_;
  if (handler_due_ms_ != 0) due = std::min(due, handler_due_ms_);
  const std::int64_t delay = std::max<std::int64_t>(due - context_.loop.monotonic_ms(), 0);
  context_.wheel.arm(timer_, std::chrono::milliseconds(delay));
}

}  // namespace tako::edge
