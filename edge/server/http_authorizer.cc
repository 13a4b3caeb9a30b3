// One Call per distinct body in flight; its waiters are the tickets.
#include "edge/server/http_authorizer.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <string>
#include <utility>

#include "common/check.h"
#include "edge/server/app_calls.h"
#include "edge/server/authorize_cache.h"

namespace tako::edge {
namespace {

constexpr std::string_view kPath = "/channels/authorize";

bool has_credential(const AuthorizeCall& call) {
  return call.header.has_value() || call.cookie.has_value();
}

AppCallOptions call_options(const RuntimeLimits& limits) {
  using C = LimitCounters;
  return {.name = "authorize",
          .concurrency = {limits.authorize_concurrency_max, &C::authorize_concurrency_max},
          .waiting = {limits.authorize_waiting_max, &C::authorize_waiting_max},
          .reply_bytes = {limits.authorize_reply_bytes_max, &C::authorize_reply_bytes_max},
          .timeout = {std::chrono::milliseconds(limits.authorize_timeout_ms),
                      &C::authorize_timeout_ms}};
}

}  // namespace

class HttpAuthorizer::Impl {
 public:
  class Waiter;

  Impl(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
       LimitCounters& limit_counters, ServerSideCounters& counters,
       const std::vector<config::AppConfig>& apps);
  ~Impl() { TAKO_CHECK(calls_.empty() && ready_.empty()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::unique_ptr<Ticket> authorize(const AuthorizeCall& call, Reply reply);
  void forget_app(std::string_view app);

 private:
  friend class Waiter;

  // One question on its way to an app.
  struct Call {
    std::string app;
    CallKey key;
    bool may_be_kept;  // It carries a credential, and nothing was forgotten since it began.
    std::int64_t asked_ms;
    std::list<Waiter*> waiters = {};
    std::unique_ptr<AppCall> request = {};
  };

  void answer_later(Waiter& waiter, Result<Grant> result);
  void answer_ready();
  Result<Call*> begin(const AuthorizeCall& call, const CallKey& key, bool is_shareable,
                      std::string body);
  void on_answer(Call& call, const Result<AppAnswer>& answer);
  Result<Grant> judge(const Call& call, const Result<AppAnswer>& answer);
  void abandon(Call& call);
  // Out of all tables; destroying the result cancels its request.
  std::unique_ptr<Call> take(Call& call);

  uv::Loop& loop_;
  LimitCounters& limit_counters_;
  ServerSideCounters& counters_;
  AppCalls requests_;
  AuthorizeCache cache_;
  std::map<Call*, std::unique_ptr<Call>> calls_;
  std::map<CallKey, Call*> shared_;  // That equal calls may join.
  std::list<Waiter*> ready_;         // Answered without a call; told at the end of the turn.
  uv::TurnEndTask ready_task_;
};

// A ticket: one who asked.
class HttpAuthorizer::Impl::Waiter final : public Ticket {
 public:
  Waiter(Impl& owner, Reply reply) : owner_(owner), reply_(std::move(reply)) {}
  ~Waiter() override;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void join(Call& call);
  void make_ready(Result<Grant> result) { result_ = std::move(result); }
  [[nodiscard]] Result<Grant> take_result() { return std::move(result_); }
  // The last use: the reply may destroy this.
  void tell(Result<Grant> result) {
    call_ = nullptr;
    is_ready_ = false;
    Reply reply = std::move(reply_);
    reply(std::move(result));
  }

  bool is_ready_ = false;  // In ready_.
  Call* call_ = nullptr;

 private:
  Impl& owner_;
  Reply reply_;
  Result<Grant> result_ = fail(ErrorCode::Unavailable);
};

HttpAuthorizer::Impl::Waiter::~Waiter() {
  if (is_ready_) std::erase(owner_.ready_, this);
  if (call_ == nullptr) return;
  std::erase(call_->waiters, this);
  if (call_->waiters.empty()) owner_.abandon(*call_);
}

void HttpAuthorizer::Impl::Waiter::join(Call& call) {
  call_ = &call;
  call.waiters.push_back(this);
}

HttpAuthorizer::Impl::Impl(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                           LimitCounters& limit_counters, ServerSideCounters& counters,
                           const std::vector<config::AppConfig>& apps)
    : loop_(loop),
      limit_counters_(limit_counters),
      counters_(counters),
      requests_(loop, wheel, limits, limit_counters, counters.authorize_calls,
                upstream_targets(apps, kPath), call_options(limits)),
      cache_(loop, limits.authorize_cache_max, limits.authorize_cache_ms_max),
      ready_task_(loop, [this] { answer_ready(); }) {}

std::unique_ptr<Authorizer::Ticket> HttpAuthorizer::Impl::authorize(const AuthorizeCall& call,
                                                                    Reply reply) {
  auto waiter = std::make_unique<Waiter>(*this, std::move(reply));
  std::string body = make_authorize_body(call);
  const CallKey key = call_key(body);
  const bool is_shareable = has_credential(call);
  if (is_shareable) {
    if (std::optional<Grant> kept = call.renews ? std::nullopt : cache_.find(key)) {
      ++counters_.authorize_kept;
      answer_later(*waiter, std::move(*kept));
      return waiter;
    }
    if (const auto shared = shared_.find(key); shared != shared_.end()) {
      ++counters_.authorize_merged;
      waiter->join(*shared->second);
      return waiter;
    }
  }
  const Result<Call*> begun = begin(call, key, is_shareable, std::move(body));
  if (begun) {
    waiter->join(**begun);
  } else {
    answer_later(*waiter, std::unexpected(begun.error()));
  }
  return waiter;
}

void HttpAuthorizer::Impl::answer_later(Waiter& waiter, Result<Grant> result) {
  waiter.make_ready(std::move(result));
  waiter.is_ready_ = true;
  ready_.push_back(&waiter);
  ready_task_.schedule();
}

void HttpAuthorizer::Impl::answer_ready() {
  // Those who ask from within a reply are told at the end of the next turn.
  for (std::size_t left = ready_.size(); left > 0 && !ready_.empty(); --left) {
    Waiter& waiter = *ready_.front();
    ready_.pop_front();
    waiter.tell(waiter.take_result());
  }
}

Result<HttpAuthorizer::Impl::Call*> HttpAuthorizer::Impl::begin(const AuthorizeCall& call,
                                                                const CallKey& key,
                                                                bool is_shareable,
                                                                std::string body) {
  auto owned = std::make_unique<Call>(call.app, key, is_shareable, loop_.monotonic_ms());
  Call& added = *owned;
  // Asking twice changes nothing.
  auto request = requests_.start(
      {.app = call.app, .body = std::move(body), .is_replayable = true},
      [this, &added](const Result<AppAnswer>& answer) { on_answer(added, answer); });
  if (!request) return std::unexpected(request.error());
  added.request = *std::move(request);
  calls_.emplace(&added, std::move(owned));
  if (is_shareable) shared_.emplace(key, &added);
  return &added;
}

void HttpAuthorizer::Impl::on_answer(Call& call, const Result<AppAnswer>& answer) {
  const Result<Grant> result = judge(call, answer);
  const std::unique_ptr<Call> done = take(call);
  // A reply may destroy any other ticket, which then leaves the list by itself.
  while (!done->waiters.empty()) {
    Waiter& waiter = *done->waiters.front();
    done->waiters.pop_front();
    waiter.tell(result);
  }
}

Result<Grant> HttpAuthorizer::Impl::judge(const Call& call, const Result<AppAnswer>& answer) {
  if (!answer) {
    ++counters_.authorize_failures;
    return std::unexpected(answer.error());
  }
  auto said = read_authorize_answer(answer->status, answer->body, loop_.wall_ms());
  if (!said) {
    count_limit(said.error(), limit_counters_);
    if (said.error().code == ErrorCode::Unavailable) ++counters_.authorize_failures;
    return std::unexpected(said.error());
  }
  said->grant.asked_ms = call.asked_ms;
  if (said->grant.expires_at_ms) {
    said->grant.expires_ms = loop_.monotonic_ms() + *said->grant.expires_at_ms - loop_.wall_ms();
  }
  if (call.may_be_kept) {
    const auto kept = cache_.keep(call.app, call.key, *said);
    using Kept = AuthorizeCache::Kept;
    if (kept == Kept::YesInPlaceOfAnother) ++limit_counters_.authorize_cache_max;
    if (kept == Kept::YesShortened) ++limit_counters_.authorize_cache_ms_max;
  }
  return said->grant;
}

void HttpAuthorizer::Impl::abandon(Call& call) {
  if (!calls_.contains(&call)) return;  // Its answer is being told.
  const std::unique_ptr<Call> gone = take(call);
}

std::unique_ptr<HttpAuthorizer::Impl::Call> HttpAuthorizer::Impl::take(Call& call) {
  const auto found = calls_.find(&call);
  TAKO_CHECK(found != calls_.end());
  std::unique_ptr<Call> taken = std::move(found->second);
  calls_.erase(found);
  const auto shared = shared_.find(call.key);
  if (shared != shared_.end() && shared->second == &call) shared_.erase(shared);
  return taken;
}

void HttpAuthorizer::Impl::forget_app(std::string_view app) {
  cache_.forget_app(app);
  // Calls under way may carry an answer from before: those who wait get it, nobody joins them.
  for (const auto& [call, owned] : calls_) {
    if (call->app != app) continue;
    call->may_be_kept = false;
    const auto shared = shared_.find(call->key);
    if (shared != shared_.end() && shared->second == call) shared_.erase(shared);
  }
}

HttpAuthorizer::HttpAuthorizer(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                               LimitCounters& limit_counters, ServerSideCounters& counters,
                               const std::vector<config::AppConfig>& apps)
    : impl_(std::make_unique<Impl>(loop, wheel, limits, limit_counters, counters, apps)) {}

HttpAuthorizer::~HttpAuthorizer() = default;

std::unique_ptr<Authorizer::Ticket> HttpAuthorizer::authorize(AuthorizeCall call, Reply reply) {
  return impl_->authorize(call, std::move(reply));
}

void HttpAuthorizer::forget_app(std::string_view app) { impl_->forget_app(app); }

}  // namespace tako::edge
