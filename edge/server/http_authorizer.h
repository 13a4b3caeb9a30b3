// HttpAuthorizer: asks the app over HTTP who may join (protocol document, app callbacks).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"
#include "edge/server/counters.h"
#include "edge/session/authorizer.h"

namespace tako::edge {

// POST /channels/authorize to each app's upstream over keep-alive connections of its own, so that
// slow pages of the app do not hold up its answers. At most authorize_concurrency_max calls are in
// flight; authorize_waiting_max more wait. Equal calls with a credential are merged while one is in
// flight, and answered from what is kept while its ttlMs lasts.
class HttpAuthorizer final : public Authorizer {
 public:
  // All references outlive it. An app without an upstream answers Unavailable.
  HttpAuthorizer(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                 LimitCounters& limit_counters, ServerSideCounters& counters,
                 const std::vector<config::AppConfig>& apps);
  ~HttpAuthorizer() override;  // All tickets must be gone by now.

  [[nodiscard]] std::unique_ptr<Ticket> authorize(AuthorizeCall call, Reply reply) override;
  void forget_app(std::string_view app) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tako::edge
