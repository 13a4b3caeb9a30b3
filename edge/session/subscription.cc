// Asks, joins, and is judged again when definitions change; its permission's life is in
// subscription_permission.cc.
#include "edge/session/subscription.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace tako::edge {

Subscription::~Subscription() { end(); }

void Subscription::move(SubscriptionEvent event) {
  const std::optional<SubscriptionState> next = next_state(state_, event);
  TAKO_CHECK(next.has_value());
  state_ = *next;
}

void Subscription::open(SubscriptionRequest request) {
  operation_ = request.operation;
  join_ = {.cursor = request.cursor,
           .rewind = request.rewind,
           .form = request.form,
           .slow = request.target.definition->slow,
           .is_public = request.target.is_public()};
  call_ = std::move(request.call);
  if (counts_presence(*request.target.definition)) {
    presence_request_ = std::make_unique<PresenceRequest>(std::move(request.presence));
  }
  ip_ = request.credentials.ip;
  watch_definitions(request.target);
  if (definition_->auth) {
    credentials_ = std::make_unique<Credentials>(std::move(request.credentials));
    ask(Question::First, request.target.params);
  } else {
    permission_.open(std::max(services_.clock.monotonic_ms(),
                              services_.revocations.book().asks_from_ms(channel_.app)));
    move(SubscriptionEvent::Granted);
    join();
  }
}

void Subscription::watch_definitions(const ChannelTarget& target) {
  definitions_ = target.definitions;
  definition_ = target.definition;
  channel_ = target.channel;
  services_.definitions.watch(*this);
}

void Subscription::attach(FrameSink& sink) {
  set_sink(&sink);
  Subscriber::pump();
  open_presence(&sink);
}

void Subscription::pump() {
  Subscriber::pump();
  if (presence_ != nullptr) presence_->pump();
}

void Subscription::join() {
  services_.hub.join(*this, channel_, {definition_->replay_window_ms, definition_->messages_max},
                     join_);
}

void Subscription::on_started(const Start& start) {
  move(SubscriptionEvent::Started);
  if (is_restored_) {
    if (start.gap) owner_.on_gap(*this, *start.gap);
    if (is_live()) owner_.on_granted_again(*this);
    return;
  }
  ++services_.counters.subscriptions_started;
  if (start.resumed) ++services_.counters.subscriptions_resumed;
  const auto asked = std::exchange(presence_request_, nullptr);
  make_presence(asked ? std::move(*asked) : PresenceRequest{});
  owner_.on_subscribed(*this, start);
}

void Subscription::on_gap(const Gap& gap) { owner_.on_gap(*this, gap); }

void Subscription::on_ended(const Error& error) { fail(error); }

void Subscription::fail(const Error& error) {
  if (!is_live()) ++services_.counters.subscriptions_refused;
  end(presence_end_of(error));
  Error told = error;
  const bool should_wait = told.info().retryable && told.code != ErrorCode::ConnectionExpired;
  if (should_wait && told.retry_after_ms == 0) {
    told.retry_after_ms = retry_with_jitter_ms(services_.random);
  }
  owner_.on_ended(*this, told);
}

void Subscription::end(PresenceEnd reason) {
  if (state_ == SubscriptionState::Ended) return;
  move(SubscriptionEvent::Ended);
  ticket_.reset();
  services_.definitions.unwatch(*this);
  services_.revocations.subjects().remove(*this);
  end_presence(reason);
  leave();
}

bool Subscription::is_connection(std::string_view id) const { return owner_.is_connection(id); }

void Subscription::on_own_passed(std::uint64_t offset) { owner_.on_own_passed(*this, offset); }

std::int64_t Subscription::keepalive_interval_ms() const {
  return grant().keepalive_interval_ms.value_or(definition_->keepalive_interval_ms);
}

std::int64_t Subscription::lifetime_ms() const {
  return grant().max_connection_lifetime_ms.value_or(definition_->max_connection_lifetime_ms);
}

Params Subscription::params() const {
  Result<ChannelTarget> target = resolve_channel(call_, definitions_);
  TAKO_CHECK(target.has_value());  // It was resolved under these very definitions.
  return std::move(target->params);
}

void Subscription::on_definitions_changed(std::string_view app,
                                          const std::shared_ptr<const DefinitionSet>& definitions) {
  if (app != call_.app) return;
  ++services_.counters.rejudged;
  const Result<ChannelTarget> target = resolve_channel(call_, definitions);
  if (!target) {
    ++services_.counters.ended_by_definitions;
    fail(target.error());
    return;
  }
  judge_again(*target);
}

// Same rules: goes on. Another key, or rules that the credentials at hand can't be judged by: the
// client has to come again. Another rule of access: the app is asked again.
void Subscription::judge_again(const ChannelTarget& target) {
  const bool is_key_same = target.channel.key == channel_.key;
  const bool is_auth_same = target.definition->auth == definition_->auth;
  const bool becomes_public = !target.definition->auth.has_value();
  const bool can_ask = credentials_ != nullptr && is_live() && target.definition->auth &&
                       definition_->auth &&
                       (!credentials_->header ||
                        target.definition->auth->header_name == definition_->auth->header_name) &&
                       (!credentials_->cookie ||
                        target.definition->auth->cookie_name == definition_->auth->cookie_name);
  if (!is_key_same || (!is_auth_same && !becomes_public && !can_ask)) {
    ++services_.counters.ended_by_definitions;
    fail(Error{ErrorCode::DefinitionsChanged});
    return;
  }
  definitions_ = target.definitions;
  definition_ = target.definition;
  set_slow_policy(definition_->slow);
  join_.slow = definition_->slow;
  refresh_presence();
  if (!is_auth_same && !becomes_public) ask_before_more();
}

}  // namespace tako::edge
