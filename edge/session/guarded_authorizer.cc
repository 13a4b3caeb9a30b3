// One question per caller; it is put to the app a second time when its answer came too late.
#include "edge/session/guarded_authorizer.h"

#include <algorithm>
#include <utility>

namespace tako::edge {

class GuardedAuthorizer::Question final : public Ticket {
 public:
  Question(GuardedAuthorizer& owner, AuthorizeCall call, Reply reply)
      : owner_(owner), call_(std::move(call)), reply_(std::move(reply)) {
    ask();
  }

 private:
  void ask() {
    asked_ms_ = owner_.clock_.monotonic_ms();
    asks_from_ms_ = owner_.book_.asks_from_ms(call_.app);
    ticket_ = owner_.inner_.authorize(
        call_, [this](Result<Grant> answer) { on_answer(std::move(answer)); });
  }

  void on_answer(Result<Grant> answer) {
    ticket_.reset();
    if (answer) {
      fill_times(*answer);
      const ChannelIdentity channel{
          .app = call_.app, .name = call_.channel, .key = call_.key, .params_json = {}};
      if (owner_.book_.find(channel, answer->subject, answer->asked_ms) != TakenBack::No) {
        if (!std::exchange(is_asked_again_, true)) return ask();
        answer =
            fail(ErrorCode::Unavailable, "the permission was taken back while it was asked for");
      } else if (const std::string* reason = owner_.book_.find_ban(channel, answer->subject)) {
        answer = fail(ErrorCode::Revoked, *reason);
      }
    }
    Reply reply = std::move(reply_);
    reply(std::move(answer));  // *this may be gone.
  }

  // Where whoever asked the app has not said when.
  void fill_times(Grant& grant) const {
    if (grant.asked_ms == 0) grant.asked_ms = asked_ms_;
    // Answers of before were forgotten, and nobody joins a call of before.
    grant.asked_ms = std::max(grant.asked_ms, asks_from_ms_);
    if (!grant.expires_at_ms || grant.expires_ms != 0) return;
    const std::int64_t left_ms = *grant.expires_at_ms - owner_.clock_.wall_ms();
    grant.expires_ms = owner_.clock_.monotonic_ms() + std::max<std::int64_t>(left_ms, 0);
  }

  GuardedAuthorizer& owner_;
  AuthorizeCall call_;
  Reply reply_;
  std::int64_t asked_ms_ = 0;
  std::int64_t asks_from_ms_ = 0;
  bool is_asked_again_ = false;
  std::unique_ptr<Ticket> ticket_;
};

std::unique_ptr<Authorizer::Ticket> GuardedAuthorizer::authorize(AuthorizeCall call, Reply reply) {
  return std::make_unique<Question>(*this, std::move(call), std::move(reply));
}

}  // namespace tako::edge
