// Two observers that feed each other.
#include "edge/server/tunnel.h"

#include <utility>

namespace tako::edge {

void Tunnel::Side::start(Side& other) {
  other_ = &other;
  stream_->set_observer(this);
  stream_->start_reading();
}

void Tunnel::Side::send(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!queue_.send(*stream_, bytes)) return tunnel_.break_off();
  if (is_blocked()) other_->stream_->stop_reading();
}

void Tunnel::Side::end_after_queue() {
  is_ending_ = true;
  if (queue_.empty()) stream_->shutdown_write();
}

// Reads again, unless something holds it up.
void Tunnel::Side::go_on() {
  if (!tunnel_.is_held_ && !has_ended_ && !other_->is_blocked()) stream_->start_reading();
}

void Tunnel::Side::reset() { stream_->reset_on_close(); }

void Tunnel::Side::on_bytes(std::span<const std::byte> bytes) {
  other_->send({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  tunnel_.note_progress();
}

void Tunnel::Side::on_end() {
  has_ended_ = true;
  other_->end_after_queue();
  tunnel_.advance();
}

void Tunnel::Side::on_closed(uv::CloseReason /*reason*/) { tunnel_.break_off(); }

void Tunnel::Side::on_writable() {
  const Result<bool> flushed = queue_.flush(*stream_);
  if (!flushed) return tunnel_.break_off();
  if (queue_.empty()) {
    if (is_ending_) stream_->shutdown_write();
    other_->go_on();
  }
  if (*flushed) tunnel_.note_progress();
  tunnel_.advance();
}

Tunnel::Tunnel(uv::Loop& loop, uv::TimerWheel& wheel, std::chrono::milliseconds progress_timeout,
               TunnelOwner& owner, End client, End upstream)
    : wheel_(wheel),
      progress_timeout_(progress_timeout),
      owner_(owner),
      client_(*this, std::move(client.stream)),
      upstream_(*this, std::move(upstream.stream)),
      over_(loop, [this] { owner_.on_tunnel_over(*this); }) {
  client_.start(upstream_);
  upstream_.start(client_);
  client_.send(client.first);
  upstream_.send(upstream.first);
  note_progress();
}

// A tunnel whose ends are both open and empty may be silent as long as it likes: its own protocol
// has keepalives, or wants none.
void Tunnel::note_progress() {
  const bool is_watched = client_.is_blocked() || upstream_.is_blocked() || client_.has_ended() ||
                          upstream_.has_ended();
  if (is_watched) {
    wheel_.arm(stuck_, progress_timeout_);
  } else {
    stuck_.cancel();
  }
}

void Tunnel::advance() {
  note_progress();
  if (client_.is_finished() && upstream_.is_finished()) over_.schedule();
}

bool Tunnel::can_move() const noexcept {
  const bool is_busy = client_.is_blocked() || upstream_.is_blocked() || client_.has_ended() ||
                       upstream_.has_ended() || over_.is_scheduled();
  return !is_busy;
}

void Tunnel::hold() {
  is_held_ = true;
  client_.stop();
  upstream_.stop();
}

void Tunnel::let_go() {
  if (!std::exchange(is_held_, false) || over_.is_scheduled()) return;
  client_.go_on();
  upstream_.go_on();
}

std::vector<uv::Fd> Tunnel::pack() {
  stuck_.cancel();
  std::vector<uv::Fd> sockets;
  sockets.push_back(client_.release());
  sockets.push_back(upstream_.release());
  return sockets;
}

void Tunnel::on_stuck() { break_off(); }

void Tunnel::break_off() {
  if (over_.is_scheduled()) return;
  client_.reset();
  upstream_.reset();
  client_.stop();
  upstream_.stop();
  stuck_.cancel();
  over_.schedule();
}

}  // namespace tako::edge
