// One subscription per connection, and messages both ways.
#include "edge/adapters/native_ws_plain.h"

#include <utility>

namespace tako::edge {

void NativeWsPlain::subscribe_first(SubscriptionRequest request) {
  subscription_.open(std::move(request));
}

void NativeWsPlain::on_subscribed(Subscription& subscription, const Start& start) {
  if (start.gap) {
    ++services().counters.refused_cursors;
    close(ErrorCode::ReplayTooOld);
    return;
  }
  apply_times(subscription);
  arm();
  subscription.attach(connection());
  release_held();
}

void NativeWsPlain::on_gap(Subscription& /*subscription*/, const Gap& gap) {
  // This dialect has no word for what the policy `latest` passes over; any other gap ends it.
  if (gap.reason != GapReason::Conflated) close(ErrorCode::ReplayTooOld);
}

void NativeWsPlain::on_ended(Subscription& /*subscription*/, const Error& error) {
  end_with(error.code);
}

void NativeWsPlain::on_granted_again(Subscription& /*subscription*/) { arm(); }

void NativeWsPlain::on_frame(std::string_view message) {
  if (!subscription_.is_live()) {
    hold(message);
    return;
  }
  const Result<ClientFrame> frame = parse_client_frame(message);
  if (!frame) return refuse_message(frame.error());
  if (is_auth_frame(*frame)) return;  // A second envelope is neither needed nor passed on.
  Result<ClientMessage> parsed = parse_client_message(*frame);
  if (!parsed) return refuse_message(parsed.error());
  parsed->echo = true;  // Without a word for acks the echo is the only one.
  if (publisher_ == nullptr) {
    publisher_ = std::make_unique<ClientPublisher>(services(), book_, *this);
  }
  const auto published = publisher_->publish(subscription_, std::move(*parsed), {});
  if (!published) refuse_message(published.error());
}

void NativeWsPlain::on_published(const ClientPublisher::Tag& /*tag*/,
                                 const Result<Published>& published) {
  if (!published && is_open()) refuse_message(published.error());
}

// Errors that are no close code of their own: what matters to the client is whether to try again.
void NativeWsPlain::refuse_message(const Error& error) {
  count_limit(error, services().limit_counters);
  ++services().counters.client_messages_refused;
  const ErrorInfo& info = error.info();
  if (info.close_code != 0) {
    close(error.code);
  } else {
    close(info.retryable ? ErrorCode::RateLimited : ErrorCode::MessageMalformed, info.name);
  }
}

void NativeWsPlain::on_drain(std::int64_t /*retry_ms*/) {
  ++services().counters.drained;
  close(ErrorCode::Restarting);
}

}  // namespace tako::edge
