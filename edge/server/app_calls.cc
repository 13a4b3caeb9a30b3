// Each call waits for its turn, then is one exchange on a pool of its app's own.
#include "edge/server/app_calls.h"

#include <list>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "common/check.h"
#include "common/http/client_pool.h"
#include "edge/server/proxy_headers.h"
#include "edge/server/site.h"

namespace tako::edge {

std::vector<AppTarget> upstream_targets(const std::vector<config::AppConfig>& apps,
                                        std::string_view path) {
  std::vector<AppTarget> targets;
  for (const config::AppConfig& app : apps) {
    AppTarget target{app.id, app.upstream, std::string(path), {{"Host", app.id + ".tako"}}};
    if (!app.secret.empty()) target.headers.add(std::string(kInternalToken), app.secret);
    targets.push_back(std::move(target));
  }
  return targets;
}

class AppCalls::Impl {
 public:
  class Call;
  struct App {
    AppTarget target;
    std::unique_ptr<http::ClientPool> pool;  // Null: no upstream.
  };

  Impl(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
       LimitCounters& limit_counters, std::uint64_t& sent, std::vector<AppTarget> targets,
       const AppCallOptions& options);
  ~Impl() { TAKO_CHECK(waiting_.empty() && in_flight_ == 0); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<std::unique_ptr<AppCall>> start(AppRequest request, Reply reply);

 private:
  friend class Call;

  void send_some();
  // Its place goes to the next.
  void leave(Call& call);
  void count(LimitCounter hits) { ++(limit_counters_.*hits); }

  uv::TimerWheel& wheel_;
  LimitCounters& limit_counters_;
  std::uint64_t& sent_;
  const AppCallOptions options_;
  std::map<std::string, App, std::less<>> apps_;
  std::list<Call*> waiting_;  // For their turn, in order.
  std::size_t in_flight_ = 0;
};

class AppCalls::Impl::Call final : public AppCall, private http::ResponseObserver {
 public:
  Call(Impl& owner, App& app, AppRequest request, Reply reply)
      : owner_(owner), app_(app), request_(std::move(request)), reply_(std::move(reply)) {
    owner_.wheel_.arm(deadline_, owner_.options_.timeout.max);
  }
  ~Call() override { end(); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void send() {
    stage_ = Stage::InFlight;
    http::ClientRequest request;
    request.method = "POST";
    request.target = app_.target.path;
    request.headers = app_.target.headers;
    request.headers.add("Content-Type", "application/json");
    for (const http::Header& header : request_.headers) {
      request.headers.add(header.name, header.value);
    }
    request.body = std::move(request_.body);
    request.is_replayable = request_.is_replayable;
    exchange_ = app_.pool->start(std::move(request), *this);
  }
  [[nodiscard]] bool is_in_flight() const { return stage_ == Stage::InFlight; }

 private:
  enum class Stage : std::uint8_t { Waiting, InFlight, Over };

  // All of these end in tell(), which may destroy this.
  void on_response(http::ResponseHead head) override { answer_.status = head.status; }
  void on_response_body(std::span<const std::byte> piece) override {
    const Counted<std::size_t>& bound = owner_.options_.reply_bytes;
    if (piece.size() > bound.max - answer_.body.size()) {
      owner_.count(bound.hits);
      return tell_failure("the app's " + name() + " answer is too large");
    }
    answer_.body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  void on_response_end() override { tell(std::move(answer_)); }
  void on_failed(const Error& error) override {
    tell_failure("the app does not answer its " + name() +
                 " call: " + std::string(error.message()));
  }
  void on_deadline() {
    owner_.count(owner_.options_.timeout.hits);
    tell_failure("the app did not answer its " + name() + " call in time");
  }

  [[nodiscard]] std::string name() const { return std::string(owner_.options_.name); }
  void tell_failure(std::string why) { tell(fail(ErrorCode::Unavailable, std::move(why))); }
  void tell(Result<AppAnswer> answer) {
    end();
    Reply reply = std::move(reply_);
    reply(std::move(answer));
  }
  void end() {
    if (stage_ == Stage::Over) return;
    deadline_.cancel();
    exchange_.reset();  // First: its connection goes to the next call.
    owner_.leave(*this);
    stage_ = Stage::Over;
    owner_.send_some();
  }

  Impl& owner_;
  App& app_;
  AppRequest request_;
  Reply reply_;
  AppAnswer answer_;
  Stage stage_ = Stage::Waiting;
  std::unique_ptr<http::ClientExchange> exchange_;
  uv::MemberDeadline<Call, &Call::on_deadline> deadline_{*this};
};

AppCalls::Impl::Impl(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                     LimitCounters& limit_counters, std::uint64_t& sent,
                     std::vector<AppTarget> targets, const AppCallOptions& options)
    : wheel_(wheel), limit_counters_(limit_counters), sent_(sent), options_(options) {
  for (AppTarget& target : targets) {
    App& added = apps_[target.app];
    added.target = std::move(target);
    const auto origin = http::Origin::parse(added.target.origin);
    if (added.target.origin.empty() || !origin) continue;
    added.pool = std::make_unique<http::ClientPool>(
        loop, wheel, *origin, upstream_options(limits, options_.concurrency.max));
  }
}

Result<std::unique_ptr<AppCall>> AppCalls::Impl::start(AppRequest request, Reply reply) {
  const auto app = apps_.find(request.app);
  if (app == apps_.end() || app->second.pool == nullptr) {
    return fail(ErrorCode::Unavailable, "no upstream is configured for this app");
  }
  const bool must_wait = in_flight_ >= options_.concurrency.max;
  if (must_wait && waiting_.size() >= options_.waiting.max) {
    count(options_.waiting.hits);
    return fail(ErrorCode::LimitReached, "too many " + std::string(options_.name) + " calls wait");
  }
  if (must_wait) count(options_.concurrency.hits);
  auto call = std::make_unique<Call>(*this, app->second, std::move(request), std::move(reply));
  waiting_.push_back(call.get());
  send_some();
  return call;
}

void AppCalls::Impl::send_some() {
  while (in_flight_ < options_.concurrency.max && !waiting_.empty()) {
    Call& call = *waiting_.front();
    waiting_.pop_front();
    ++in_flight_;
    ++sent_;
    call.send();
  }
}

void AppCalls::Impl::leave(Call& call) {
  if (call.is_in_flight()) {
    --in_flight_;
  } else {
    std::erase(waiting_, &call);
  }
}

AppCalls::AppCalls(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                   LimitCounters& limit_counters, std::uint64_t& sent,
                   std::vector<AppTarget> targets, const AppCallOptions& options)
    : impl_(std::make_unique<Impl>(loop, wheel, limits, limit_counters, sent, std::move(targets),
                                   options)) {}

AppCalls::~AppCalls() = default;

Result<std::unique_ptr<AppCall>> AppCalls::start(AppRequest request, Reply reply) {
  return impl_->start(std::move(request), std::move(reply));
}

}  // namespace tako::edge
