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
    if (!other_->has_ended_) other_->stream_->start_reading();
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
