// AppCalls: bounded POSTs to the apps behind; each kind of question has its own connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"
#include "common/http/message.h"
#include "common/limit_counters.h"
#include "common/result.h"
#include "common/runtime_limits.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"

namespace tako::edge {

// Where the calls of one app go.
struct AppTarget {
  std::string app;     // its id
  std::string origin;  // as http::Origin::parse takes it; empty: none, its calls fail at once
  std::string path;
  http::Headers headers;  // of each call; Host among them
};
// The upstreams of `apps`, called as `<app>.tako` and with each app's secret (protocol document,
// the app's callbacks).
[[nodiscard]] std::vector<AppTarget> upstream_targets(const std::vector<config::AppConfig>& apps,
                                                      std::string_view path);

// A bound, and what counts how often it was reached.
template <typename Bound>
struct Counted {
  Bound max;
  LimitCounter hits;
};

struct AppCallOptions {
  std::string_view name;             // for texts: "authorize"
  Counted<std::size_t> concurrency;  // in flight, of all apps; more wait in order
  Counted<std::size_t> waiting;      // more are refused
  Counted<std::size_t> reply_bytes;
  Counted<std::chrono::milliseconds> timeout;  // from start(), waiting included
};

struct AppRequest {
  std::string app;
  std::string body;            // JSON
  http::Headers headers = {};  // beside the target's
  bool is_replayable = false;  // may be sent again when a kept connection turns out to be dead
};

struct AppAnswer {
  int status = 0;
  std::string body;
};

// One call on its way. Destroying it cancels: nothing is told after that.
class AppCall {
 public:
  virtual ~AppCall() = default;
};

class AppCalls {
 public:
  // Errors: Unavailable, with what happened. May destroy the call.
  using Reply = std::move_only_function<void(Result<AppAnswer>)>;

  // All references outlive it. `sent` counts the calls that went to an app.
  AppCalls(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
           LimitCounters& limit_counters, std::uint64_t& sent, std::vector<AppTarget> targets,
           const AppCallOptions& options);
  ~AppCalls();  // All calls must be gone by now.
  AppCalls(const AppCalls&) = delete;
  AppCalls& operator=(const AppCalls&) = delete;

  // The reply comes once, and later, never from within this call. Errors, at once: Unavailable (no
  // such app, or it has no upstream), LimitReached (too many wait).
  [[nodiscard]] Result<std::unique_ptr<AppCall>> start(AppRequest request, Reply reply);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tako::edge
