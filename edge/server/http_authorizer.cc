// One Call per distinct body in flight; its waiters are the tickets. The rest is bounds and ends.
#include "edge/server/http_authorizer.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/http/client_pool.h"
#include "edge/server/authorize_cache.h"
#include "edge/server/proxy_headers.h"
#include "edge/server/site.h"

namespace tako::edge {
namespace {

constexpr std::string_view kPath = "/channels/authorize";

bool has_credential(const AuthorizeCall& call) {
  return call.header.has_value() || call.cookie.has_value();
}

}  // namespace

class HttpAuthorizer::Impl {
 public:
  class Call;
  class Waiter;
  struct App {
    std::string id;
    std::string token;
    std::unique_ptr<http::ClientPool> pool;  // Null: no upstream.
  };

  Impl(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
       LimitCounters& limit_counters, ServerSideCounters& counters,
       const std::vector<config::AppConfig>& apps);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::unique_ptr<Ticket> authorize(const AuthorizeCall& call, Reply reply);
  void forget_app(std::string_view app);

 private:
  friend class Call;
  friend class Waiter;

  void answer_later(Waiter& waiter, Result<Grant> result);
  void answer_ready();
  Call& begin(App& app, const CallKey& key, bool is_shareable, std::string body);
  void start_some();
  void on_answer(Call& call, int status, std::string_view body);
  void fail_call(Call& call, std::string why);
  void finish(Call& call, const Result<Grant>& result);
  void abandon(Call& call);
  // Out of all tables; destroying the result cancels its request.
  std::unique_ptr<Call> take(Call& call);

  uv::Loop& loop_;
  uv::TimerWheel& wheel_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  ServerSideCounters& counters_;
  std::map<std::string, App, std::less<>> apps_;
  AuthorizeCache cache_;
  std::map<Call*, std::unique_ptr<Call>> calls_;
  std::map<CallKey, Call*> shared_;  // That equal calls may join.
  std::list<Call*> waiting_;         // For their turn, in order.
  std::size_t in_flight_ = 0;
  std::list<Waiter*> ready_;  // Answered without a call; told at the end of the turn.
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

// One request to an app: waits for its turn, then is in flight.
class HttpAuthorizer::Impl::Call final : private http::ResponseObserver {
 public:
  Call(Impl& owner, App& app, const CallKey& key, std::string body)
      : owner_(owner), app_(app), key_(key), body_(std::move(body)) {
    owner_.wheel_.arm(deadline_, std::chrono::milliseconds(owner_.limits_.authorize_timeout_ms));
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void start() {
    is_in_flight_ = true;
    http::ClientRequest request;
    request.method = "POST";
    request.target = kPath;
    request.headers = {{"Host", app_.id + ".tako"}, {"Content-Type", "application/json"}};
    if (!app_.token.empty()) request.headers.add(std::string(kInternalToken), app_.token);
    request.body = body_;
    request.is_replayable = true;  // Asking twice changes nothing.
    exchange_ = app_.pool->start(std::move(request), *this);
  }

  App& app() { return app_; }
  const CallKey& key() const { return key_; }

  std::list<Waiter*> waiters_;
  bool is_in_flight_ = false;
  bool may_be_kept_ = false;  // It carries a credential, and nothing was forgotten since it began.

 private:
  // All of these end in finish(), which destroys this.
  void on_response(http::ResponseHead head) override { status_ = head.status; }
  void on_response_body(std::span<const std::byte> piece) override {
    if (piece.size() > owner_.limits_.authorize_reply_bytes_max - reply_.size()) {
      ++owner_.limit_counters_.authorize_reply_bytes_max;
      return owner_.fail_call(*this, "the app's authorize answer is too large");
    }
    reply_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  void on_response_end() override { owner_.on_answer(*this, status_, reply_); }
  void on_failed(const Error& error) override {
    owner_.fail_call(*this,
                     "the app does not answer its authorize call: " + std::string(error.message()));
  }
  void on_deadline() {
    ++owner_.limit_counters_.authorize_timeout_ms;
    owner_.fail_call(*this, "the app did not authorize in time");
  }

  Impl& owner_;
  App& app_;
  const CallKey key_;
  std::string body_;
  int status_ = 0;
  std::string reply_;
  std::unique_ptr<http::ClientExchange> exchange_;
  uv::MemberDeadline<Call, &Call::on_deadline> deadline_{*this};
};

HttpAuthorizer::Impl::Waiter::~Waiter() {
  if (is_ready_) std::erase(owner_.ready_, this);
  if (call_ == nullptr) return;
  std::erase(call_->waiters_, this);
  if (call_->waiters_.empty()) owner_.abandon(*call_);
}

void HttpAuthorizer::Impl::Waiter::join(Call& call) {
  call_ = &call;
  call.waiters_.push_back(this);
}

HttpAuthorizer::Impl::Impl(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                           LimitCounters& limit_counters, ServerSideCounters& counters,
                           const std::vector<config::AppConfig>& apps)
    : loop_(loop),
      wheel_(wheel),
      limits_(limits),
      limit_counters_(limit_counters),
      counters_(counters),
      cache_(loop, limits.authorize_cache_max, limits.authorize_cache_ms_max),
      ready_task_(loop, [this] { answer_ready(); }) {
  for (const config::AppConfig& app : apps) {
    App& added = apps_[app.id];
    added.id = app.id;
    added.token = app.secret;
    const auto origin = http::Origin::parse(app.upstream);
    if (app.upstream.empty() || !origin) continue;
    added.pool = std::make_unique<http::ClientPool>(
        loop, wheel, *origin, upstream_options(limits, limits.authorize_concurrency_max));
  }
}

HttpAuthorizer::Impl::~Impl() { TAKO_CHECK(calls_.empty() && ready_.empty()); }

std::unique_ptr<Authorizer::Ticket> HttpAuthorizer::Impl::authorize(const AuthorizeCall& call,
                                                                    Reply reply) {
  auto waiter = std::make_unique<Waiter>(*this, std::move(reply));
  const auto app = apps_.find(call.app);
  if (app == apps_.end() || app->second.pool == nullptr) {
    answer_later(*waiter, fail(ErrorCode::Unavailable, "no upstream is configured for this app"));
    return waiter;
  }
  std::string body = make_authorize_body(call);
  const CallKey key = call_key(body);
  const bool is_shareable = has_credential(call);
  if (is_shareable) {
    if (std::optional<Grant> kept = cache_.find(key)) {
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
  const bool must_wait = in_flight_ >= limits_.authorize_concurrency_max;
  if (must_wait && waiting_.size() >= limits_.authorize_waiting_max) {
    ++limit_counters_.authorize_waiting_max;
    answer_later(*waiter, fail(ErrorCode::LimitReached, "too many authorize calls wait"));
    return waiter;
  }
  if (must_wait) ++limit_counters_.authorize_concurrency_max;
  waiter->join(begin(app->second, key, is_shareable, std::move(body)));
  start_some();
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

HttpAuthorizer::Impl::Call& HttpAuthorizer::Impl::begin(App& app, const CallKey& key,
                                                        bool is_shareable, std::string body) {
  auto owned = std::make_unique<Call>(*this, app, key, std::move(body));
  Call& call = *owned;
  calls_.emplace(&call, std::move(owned));
  call.may_be_kept_ = is_shareable;
  if (is_shareable) shared_.emplace(key, &call);
  waiting_.push_back(&call);
  return call;
}

void HttpAuthorizer::Impl::start_some() {
  while (in_flight_ < limits_.authorize_concurrency_max && !waiting_.empty()) {
    Call& call = *waiting_.front();
    waiting_.pop_front();
    ++in_flight_;
    ++counters_.authorize_calls;
    call.start();
  }
}

void HttpAuthorizer::Impl::fail_call(Call& call, std::string why) {
  ++counters_.authorize_failures;
  finish(call, fail(ErrorCode::Unavailable, std::move(why)));
}

void HttpAuthorizer::Impl::on_answer(Call& call, int status, std::string_view body) {
  const auto answer = read_authorize_answer(status, body, loop_.wall_ms());
  if (!answer) {
    count_limit(answer.error(), limit_counters_);
    if (answer.error().code == ErrorCode::Unavailable) ++counters_.authorize_failures;
    return finish(call, std::unexpected(answer.error()));
  }
  if (call.may_be_kept_) {
    const auto kept = cache_.keep(call.app().id, call.key(), *answer);
    using Kept = AuthorizeCache::Kept;
    if (kept == Kept::YesInPlaceOfAnother) ++limit_counters_.authorize_cache_max;
    if (kept == Kept::YesShortened) ++limit_counters_.authorize_cache_ms_max;
  }
  finish(call, answer->grant);
}

void HttpAuthorizer::Impl::finish(Call& call, const Result<Grant>& result) {
  const std::unique_ptr<Call> done = take(call);
  start_some();
  // A reply may destroy any other ticket, which then leaves the list by itself.
  while (!done->waiters_.empty()) {
    Waiter& waiter = *done->waiters_.front();
    done->waiters_.pop_front();
    waiter.tell(result);
  }
}

void HttpAuthorizer::Impl::abandon(Call& call) {
  if (!calls_.contains(&call)) return;  // Its answer is being told.
  const std::unique_ptr<Call> gone = take(call);
  start_some();
}

std::unique_ptr<HttpAuthorizer::Impl::Call> HttpAuthorizer::Impl::take(Call& call) {
  const auto found = calls_.find(&call);
  TAKO_CHECK(found != calls_.end());
  std::unique_ptr<Call> taken = std::move(found->second);
  calls_.erase(found);
  if (call.is_in_flight_) {
    --in_flight_;
  } else {
    std::erase(waiting_, &call);
  }
  const auto shared = shared_.find(call.key());
  if (shared != shared_.end() && shared->second == &call) shared_.erase(shared);
  return taken;
}

void HttpAuthorizer::Impl::forget_app(std::string_view app) {
  cache_.forget_app(app);
  // Calls under way may carry an answer from before: those who wait get it, nobody joins them.
  for (const auto& [call, owned] : calls_) {
    if (call->app().id != app) continue;
    call->may_be_kept_ = false;
    const auto shared = shared_.find(call->key());
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
