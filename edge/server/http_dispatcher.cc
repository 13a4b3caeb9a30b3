// A dispatch is one call to the app; its answer is judged, counted, and passed on.
#include "edge/server/http_dispatcher.h"

#include <chrono>
#include <utility>

#include "edge/server/dispatch_call.h"

namespace tako::edge {
namespace {

constexpr std::string_view kDispatchPath = "/channels/dispatch";
// What stands around the data in an answer.
constexpr std::size_t kAnswerOverhead = 1'024;
// An app that fails each call would fill the log.
constexpr std::int64_t kWarnPauseMs = 10'000;

AppCallOptions dispatch_options(const RuntimeLimits& limits) {
  using C = LimitCounters;
  return {
      .name = "dispatch",
      .concurrency = {limits.dispatch_concurrency_max, &C::dispatch_concurrency_max},
      .waiting = {limits.dispatch_waiting_max, &C::dispatch_waiting_max},
      .reply_bytes = {limits.client_message_bytes_max + kAnswerOverhead,
                      &C::client_message_bytes_max},
      .timeout = {std::chrono::milliseconds(limits.dispatch_timeout_ms), &C::dispatch_timeout_ms}};
}

}  // namespace

struct HttpDispatcher::CallTicket final : Ticket {
  explicit CallTicket(std::unique_ptr<AppCall> started) : call(std::move(started)) {}
  std::unique_ptr<AppCall> call;
};

HttpDispatcher::HttpDispatcher(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                               LimitCounters& limit_counters, ServerSideCounters& counters,
                               const std::vector<config::AppConfig>& apps,
                               std::function<void(std::string_view)> warn)
    : loop_(loop),
      limits_(limits),
      limit_counters_(limit_counters),
      counters_(counters),
      warn_(std::move(warn)),
      calls_(loop, wheel, limits, limit_counters, counters.dispatch_calls,
             upstream_targets(apps, kDispatchPath), dispatch_options(limits)) {}

Result<std::unique_ptr<Dispatcher::Ticket>> HttpDispatcher::dispatch(DispatchCall call,
                                                                     Reply reply) {
  const std::string app = call.app;
  auto started =
      calls_.start({.app = app,
                    .body = make_dispatch_body(call),
                    .is_replayable = !call.idempotency_key.empty()},
                   [this, app, reply = std::move(reply)](const Result<AppAnswer>& answer) mutable {
                     Result<DispatchAnswer> judged = judge(app, answer);
                     reply(std::move(judged));
                   });
  if (!started) {
    ++counters_.dispatch_failures;
    warn_of(app, started.error().message());
    return std::unexpected(started.error());
  }
  return std::make_unique<CallTicket>(*std::move(started));
}

Result<DispatchAnswer> HttpDispatcher::judge(const std::string& app,
                                             const Result<AppAnswer>& answer) {
  Result<DispatchAnswer> said =
      answer ? read_dispatch_answer(answer->status, answer->body, limits_.client_message_bytes_max,
                                    limit_counters_)
             : std::unexpected(answer.error());
  if (!said) {
    count_limit(said.error(), limit_counters_);
    said.error().limit = nullptr;
    ++counters_.dispatch_failures;
    warn_of(app, said.error().message());
    return said;
  }
  switch (said->action) {
    case DispatchAction::Fanout:
      ++counters_.dispatch_fanouts;
      break;
    case DispatchAction::Drop:
      ++counters_.dispatch_drops;
      break;
    case DispatchAction::Reject:
      ++counters_.dispatch_rejections;
      break;
  }
  return said;
}

void HttpDispatcher::warn_of(const std::string& app, std::string_view why) {
  const std::int64_t now = loop_.monotonic_ms();
  const auto [told, is_first] = warned_ms_.try_emplace(app, now);
  if (!is_first && now - told->second < kWarnPauseMs) return;
  told->second = now;
  warn_("app " + app + ": a message is not published: " + std::string(why));
}

}  // namespace tako::edge
