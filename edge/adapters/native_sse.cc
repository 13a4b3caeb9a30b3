// Event blocks, keepalive and the ends of an event stream.
#include "edge/adapters/native_sse.h"

#include <algorithm>
#include <utility>

#include "edge/adapters/native_encoder.h"
#include "edge/adapters/presence_options.h"

namespace tako::edge {
namespace {

std::string retry_block(std::int64_t retry_ms) {
  return "retry: " + std::to_string(retry_ms) + "\n\n";
}

std::string gap_block(const Gap& gap) {
  std::string block = "id: " + to_string(gap.to) + "\nevent: tako.gap\ndata: {\"from\":\"";
  block += to_string(gap.from);
  block += R"(","to":")" + to_string(gap.to);
  block += R"(","reason":")";
  block += to_string(gap.reason);
  block += "\"}\n\n";
  return block;
}

}  // namespace

void NativeSse::on_open(ClientConnection& connection) {
  connection_ = &connection;
  ++services_.counters.event_streams_opened;
  if (subscription_.is_ended()) {  // Between the head and now.
    close(ErrorCode::Unavailable);
    return;
  }
  send_block("id: " + to_string(start_->at) + "\n\n");
  if (start_->gap) send_gap(*start_->gap);
  start_.reset();
  const std::int64_t now = services_.clock.monotonic_ms();
  times_.want_keepalive(subscription_.keepalive_interval_ms(), now);
  times_.end_by(now + jittered_lifetime_ms(subscription_.lifetime_ms(), services_.random));
  arm();
  subscription_.attach(connection);
}

void NativeSse::on_subscribed(Subscription& subscription, const Start& start) {
  Opener& opener = *std::exchange(opener_, nullptr);
  if (start.gap && !options_.tells_events) {
    ++services_.counters.refused_cursors;
    subscription.end();
    opener.on_refused(Error{ErrorCode::ReplayTooOld});
    return;
  }
  start_ = std::make_unique<Start>(start);
  opener.on_ready();
}

void NativeSse::on_gap(Subscription& subscription, const Gap& gap) {
  if (connection_ == nullptr) return;
  if (options_.tells_events) {
    send_gap(gap);
  } else if (gap.reason != GapReason::Conflated) {
    subscription.end();
    close(ErrorCode::ReplayTooOld);  // The reconnect is told.
  }
}

void NativeSse::on_ended(Subscription& /*subscription*/, const Error& error) {
  if (opener_ != nullptr) {
    std::exchange(opener_, nullptr)->on_refused(error);
  } else if (connection_ != nullptr) {
    if (takes_back(error.code)) {
      return std::exchange(connection_, nullptr)->drop_and_close(error.code);
    }
    if (error.retry_after_ms != 0) send_retry(error.retry_after_ms);
    close(error.code);
  }
}

void NativeSse::on_granted_again(Subscription& /*subscription*/) { arm(); }

void NativeSse::on_deadline() {
  const std::int64_t now = services_.clock.monotonic_ms();
  switch (times_.check_stream(now, connection_->last_sent_ms())) {
    case ConnectionTimes::Due::Lifetime:
      ++services_.counters.lifetimes_over;
      subscription_.end();
      close(ErrorCode::ConnectionExpired);
      return;
    case ConnectionTimes::Due::Keepalive:
      ++services_.counters.keepalives_sent;
      connection_->keepalive();
      break;
    case ConnectionTimes::Due::Nothing:
    case ConnectionTimes::Due::Patience:  // Nothing is expected of the client,
    case ConnectionTimes::Due::Silent:    // and nothing is heard from it.
      break;
  }
  subscription_.check(now);
  arm();
}

void NativeSse::on_drain(std::int64_t retry_ms) {
  ++services_.counters.drained;
  subscription_.end();
  send_retry(retry_ms);
  close(ErrorCode::Restarting);
}

void NativeSse::on_closed() {
  connection_ = nullptr;
  subscription_.end();
}

void NativeSse::send_block(std::string_view block) {
  connection_->send(make_sse_block(block, options_.is_chunked));
}

void NativeSse::send_gap(const Gap& gap) { send_block(gap_block(gap)); }

void NativeSse::send_retry(std::int64_t retry_ms) { send_block(retry_block(retry_ms)); }

void NativeSse::arm() {
  if (connection_ == nullptr) return;
  const std::int64_t own = times_.next_ms();
  const std::int64_t due = subscription_.due_ms();
  connection_->set_deadline(own == 0 || due == 0 ? own + due : std::min(own, due));
}

void NativeSse::close(ErrorCode code) { std::exchange(connection_, nullptr)->close(code); }

void SseRequest::start() {
  Result<ChannelPlan> plan = plan_channel(services(), request(), name_);
  if (!plan) return on_refused(plan.error());
  if (const auto checked = check_request(services(), request(), *plan); !checked) {
    return on_refused(checked.error());
  }
  const Result<std::optional<Cursor>> cursor = requested_cursor(request(), true);
  if (!cursor) return on_refused(cursor.error());
  auto presence = presence_of_query(request().query, *plan->target.definition);
  if (!presence) {
    count_limit(presence.error(), services().limit_counters);
    return on_refused(presence.error());
  }
  const Result<Rewind> rewind = requested_rewind(request());
  if (!rewind) {
    count_limit(rewind.error(), services().limit_counters);
    return on_refused(rewind.error());
  }
  const SseOptions sse = options();
  stream_ = std::make_unique<NativeSse>(services(), sse, *this);
  stream_->subscribe({.call = std::move(plan->call),
                      .target = std::move(plan->target),
                      .credentials = std::move(plan->credentials),
                      .operation = Operation::Subscribe,
                      .cursor = *cursor,
                      .rewind = *rewind,
                      .form = sse.is_chunked ? WireForm::SseChunked : WireForm::SsePlain,
                      .presence = *std::move(presence)});
}

SseOptions SseRequest::options() const {
  SseOptions options{.is_chunked = !request().is_http_1_0, .tells_events = false};
  if (const auto pairs = split_query(request().query)) {
    const std::string* events = query_value(*pairs, "_events");
    options.tells_events = events != nullptr && *events == "1";
  }
  return options;
}

void SseRequest::on_ready() {
  const Result<void> accepted = accept_event_stream(std::move(stream_));
  if (!accepted) on_refused(accepted.error());
}

// With `_events=1` a temporary refusal is a stream that has ended: any status but 200 would be the
// end for good of a browser's own EventSource.
void SseRequest::on_refused(const Error& error) {
  if (!options().tells_events || !error.info().retryable) {
    refuse(error);
    return;
  }
  const std::int64_t retry_ms =
      error.retry_after_ms != 0 ? error.retry_after_ms : retry_with_jitter_ms(services().random);
  respond(200,
          {{"Content-Type", "text/event-stream"},
           {"Cache-Control", "no-store"},
           {"X-Accel-Buffering", "no"}},
          retry_block(retry_ms));
}

}  // namespace tako::edge
