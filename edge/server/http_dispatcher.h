// HttpDispatcher: asks the app over HTTP what becomes of clients' messages (protocol document, app
// callbacks).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/runtime_limits.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"
#include "edge/server/app_calls.h"
#include "edge/server/counters.h"
#include "edge/session/dispatcher.h"

namespace tako::edge {

// POST /channels/dispatch to each app's upstream, over connections of its own. A call that carries
// no idempotency key is sent once only: the app may have acted on it.
class HttpDispatcher final : public Dispatcher {
 public:
  // All references outlive it. `warn` is told of an app that does not answer as agreed, now and
  // then.
  HttpDispatcher(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                 LimitCounters& limit_counters, ServerSideCounters& counters,
                 const std::vector<config::AppConfig>& apps,
                 std::function<void(std::string_view)> warn);

  [[nodiscard]] Result<std::unique_ptr<Ticket>> dispatch(DispatchCall call, Reply reply) override;

 private:
  struct CallTicket;

  Result<DispatchAnswer> judge(const std::string& app, const Result<AppAnswer>& answer);
  void warn_of(const std::string& app, std::string_view why);

  uv::Loop& loop_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  ServerSideCounters& counters_;
  std::function<void(std::string_view)> warn_;
  std::map<std::string, std::int64_t> warned_ms_;  // by app
  AppCalls calls_;
};

}  // namespace tako::edge
