// The envelope, the deadline and the end of a native WebSocket.
#include "edge/adapters/native_ws.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/limits.h"
#include "edge/adapters/client_message.h"

namespace tako::edge {

void NativeWs::on_open(ClientConnection& connection) {
  connection_ = &connection;
  ++services_.counters.websockets_opened;
  if (first_ == nullptr) {
    on_open_bare();
  } else if (first_->target.is_public() || !first_->credentials.is_none()) {
    subscribe_first(std::move(*std::exchange(first_, nullptr)));
  } else {
    times_.set_patience(now_ms() + services_.limits.auth_envelope_ms);
  }
  arm();
}

void NativeWs::on_text(std::string_view message) {
  if (connection_ == nullptr) return;
  if (first_ != nullptr) {
    take_envelope(message);
  } else {
    on_frame(message);
  }
}

void NativeWs::take_envelope(std::string_view message) {
  Result<AuthEnvelope> envelope = parse_auth_envelope(message);
  if (!envelope) return close_for(envelope.error());
  times_.set_patience(0);
  const std::unique_ptr<SubscriptionRequest> request = std::move(first_);
  request->credentials.header = std::move(envelope->credential);
  if (envelope->cursor) request->cursor = envelope->cursor;
  subscribe_first(std::move(*request));
  arm();
}

void NativeWs::on_binary(std::string_view /*message*/) {
  if (connection_ == nullptr) return;
  close(first_ != nullptr ? ErrorCode::AuthFrameMissing : ErrorCode::UnsupportedFrame);
}

void NativeWs::on_deadline() {
  if (connection_ == nullptr) return;
  switch (times_.check_websocket(now_ms(), connection_->last_received_ms())) {
    case ConnectionTimes::Due::Patience:
      on_patience_over();
      return;
    case ConnectionTimes::Due::Lifetime:
      ++services_.counters.lifetimes_over;
      close(ErrorCode::ConnectionExpired);
      return;
    case ConnectionTimes::Due::Silent: {
      ++services_.counters.silent_dropped;
      end_subscriptions(PresenceEnd::Lost);
      std::exchange(connection_, nullptr)->abort();
      return;
    }
    case ConnectionTimes::Due::Keepalive:
      ++services_.counters.keepalives_sent;
      connection_->keepalive();
      break;
    case ConnectionTimes::Due::Nothing:
      break;
  }
  check_more(now_ms());
  arm();
}

void NativeWs::on_patience_over() {
  if (first_ != nullptr) {
    ++services_.counters.envelopes_missing;
    ++services_.limit_counters.auth_envelope_ms;
  } else {
    ++services_.limit_counters.empty_connection_ms;
  }
  close(ErrorCode::AuthFrameMissing);
}

void NativeWs::on_closed() {
  connection_ = nullptr;
  end_subscriptions(PresenceEnd::Lost);
}

void NativeWs::apply_times(const Subscription& subscription) {
  times_.want_keepalive(subscription.keepalive_interval_ms(), now_ms());
  times_.end_by(now_ms() + jittered_lifetime_ms(subscription.lifetime_ms(), services_.random));
}

void NativeWs::hold(std::string_view message) {
  if (held_ == nullptr) held_ = std::make_unique<std::vector<std::string>>();
  const std::size_t bytes =
      std::accumulate(held_->begin(), held_->end(), message.size(),
                      [](std::size_t sum, const std::string& held) { return sum + held.size(); });
  if (held_->size() >= limits::kPublishesPerConnectionMax ||
      bytes > services_.limits.client_message_bytes_max) {
    ++services_.limit_counters.publishes_per_connection_max;
    close(ErrorCode::RateLimited);
    return;
  }
  held_->emplace_back(message);
}

void NativeWs::release_held() {
  const std::unique_ptr<std::vector<std::string>> held = std::move(held_);
  if (held == nullptr) return;
  for (const std::string& message : *held) {
    if (connection_ != nullptr) on_frame(message);
  }
}

void NativeWs::arm() {
  if (connection_ == nullptr) return;
  const std::int64_t own = times_.next_ms();
  const std::int64_t more = next_due_ms();
  connection_->set_deadline(own == 0 || more == 0 ? own + more : std::min(own, more));
}

void NativeWs::close(ErrorCode code, std::string_view reason) {
  end_subscriptions(PresenceEnd::Lost);
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->close(code, reason);
}

void NativeWs::drop_and_close(ErrorCode code) {
  end_subscriptions(PresenceEnd::Lost);
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->drop_and_close(code);
}

void NativeWs::end_with(ErrorCode code) { takes_back(code) ? drop_and_close(code) : close(code); }

void NativeWs::close_for(const Error& error) {
  count_limit(error, services_.limit_counters);
  close(error.code);
}

}  // namespace tako::edge
