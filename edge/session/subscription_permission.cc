// The app's permission of a subscription: asked for, renewed, expired, taken back.
#include <utility>

#include "common/check.h"
#include "edge/session/subscription.h"

namespace tako::edge {

bool takes_back(ErrorCode code) {
  return code == ErrorCode::Revoked || code == ErrorCode::VerifyRejected ||
         code == ErrorCode::Forbidden || code == ErrorCode::ConnectionExpired;
}

void Subscription::ask(Question question, const Params& params) {
  move(SubscriptionEvent::Asked);
  question_ = is_paused_ ? Question::Judgement : question;
  asks_from_ms_ = services_.revocations.book().asks_from_ms(channel_.app);
  AuthorizeCall call{.app = channel_.app,
                     .channel = channel_.name,
                     .key = channel_.key,
                     .operation = operation_,
                     .params = params,
                     .header = credentials_->header,
                     .cookie = credentials_->cookie,
                     .ip = credentials_->ip,
                     .renews = question_ != Question::First};
  ticket_ = services_.authorizer.authorize(
      std::move(call), [this](Result<Grant> answer) { on_answer(std::move(answer)); });
}

void Subscription::ask(Question question) { ask(question, params()); }

// Nobody has allowed this client under what holds now: what comes meanwhile waits.
void Subscription::ask_before_more() {
  if (is_live()) {
    is_paused_ = true;
    if (FrameSink* sink = pause()) paused_sink_ = sink;
    if (presence_ != nullptr) presence_->set_sink(nullptr);
  } else {
    leave();  // It had not started: it joins again when it is allowed to.
  }
  ask(Question::Judgement);
}

void Subscription::reauthorize(HeaderCredential credential) {
  if (!is_live() || !credentials_) return;
  credentials_->header = std::move(credential);
  permission_.on_client_answered();
  ask(Question::Renewal);
}

// A no that anyone may mend is none; and a subscription is one subject's.
Result<Grant> Subscription::judge(Result<Grant> answer) const {
  if (!answer) return answer;
  if (!has_right(*answer, operation_)) return tako::fail(ErrorCode::Forbidden);
  const bool is_first = question_ == Question::First;
  if (!is_first && answer->subject != grant().subject) {
    return tako::fail(ErrorCode::VerifyRejected, "the credential is another subject's");
  }
  return answer;
}

void Subscription::on_answer(Result<Grant> answer) {
  ticket_.reset();
  Result<Grant> judged = judge(std::move(answer));
  if (judged) {
    on_allowed(std::move(*judged));
  } else {
    on_refused(judged.error());
  }
}

void Subscription::on_allowed(Grant grant) {
  const bool was_live = is_live();
  move(SubscriptionEvent::Granted);
  permission_.grant(std::move(grant), services_.clock.monotonic_ms(), can_answer());
  index();
  is_paused_ = false;
  FrameSink* const sink = std::exchange(paused_sink_, nullptr);
  if (was_live && presence_ != nullptr) presence_->on_granted_again();
  if (sink != nullptr && presence_ != nullptr) presence_->set_sink(sink);
  if (!was_live) {
    if (sink != nullptr) set_sink(sink);
    return join();
  }
  ++services_.counters.permissions_renewed;
  if (sink != nullptr) resume(*sink);
  if (is_live()) owner_.on_granted_again(*this);  // A gap may have ended it.
}

void Subscription::on_refused(const Error& error) {
  if (error.code == ErrorCode::VerifyRejected) ++services_.counters.refused_by_app;
  const bool was_answered = !error.info().retryable;
  const bool is_last_try = question_ == Question::LastTry;
  const bool goes_on = is_last_try ? error.code != ErrorCode::Revoked
                                   : question_ == Question::Renewal && !was_answered;
  if (!goes_on) return fail(error);
  move(SubscriptionEvent::Kept);
  if (was_answered) {
    permission_.on_refused();
  } else {
    permission_.on_unanswered(services_.clock.monotonic_ms());
  }
  owner_.on_granted_again(*this);
}

void Subscription::index() {
  if (!grant().subject.empty()) {
    services_.revocations.subjects().add(*this, channel_.app, grant().subject);
  }
}

bool Subscription::can_answer() const {
  return join_.form == WireForm::WsRich && credentials_ != nullptr && credentials_->header;
}

void Subscription::check(std::int64_t now_ms) {
  if (!is_live()) return;
  switch (permission_.take_step(now_ms)) {
    case Permission::Step::Nothing:
      return;
    case Permission::Step::AskClient: {
      const std::int64_t left_ms = permission_.expires_ms() - now_ms;
      owner_.on_credential_wanted(*this, services_.clock.wall_ms() + left_ms);
      return;
    }
    case Permission::Step::AskApp:
      // An answer that is on its way will do; and without a credential there is nothing to ask
      // with.
      if (state_ == SubscriptionState::Reauthorizing || credentials_ == nullptr) return;
      return ask(can_answer() ? Question::LastTry : Question::Renewal);
    case Permission::Step::Expire:
      ++services_.counters.authorizations_expired;
      return fail(Error{ErrorCode::ConnectionExpired});
  }
}

// Not while the app is asked for the first time: the authorizer watches over that answer.
bool Subscription::take_back(const Revocation& revocation) {
  const bool is_granted = is_live() || state_ == SubscriptionState::Joining;
  const bool is_meant = revocation.subject.empty() || revocation.subject == grant().subject;
  if (!is_granted || !is_meant || !revocation.covers(channel_)) return false;
  if (permission_.asked_ms() > revocation.at_ms) return false;
  const bool is_asked_already = ticket_ != nullptr && asks_from_ms_ > revocation.at_ms;
  if (revocation.reauthorize && is_asked_already) return false;
  ++services_.counters.permissions_revoked;
  if (!revocation.reauthorize) {
    fail(Error{ErrorCode::Revoked, revocation.reason});
  } else {
    judge_taken_back(TakenBack::Reauthorize);
  }
  return true;
}

void Subscription::judge_taken_back(TakenBack taken_back) {
  if (taken_back == TakenBack::Ended) return fail(Error{ErrorCode::Revoked});
  if (credentials_ == nullptr) return fail(Error{ErrorCode::Restarting});
  ask_before_more();
}

}  // namespace tako::edge
