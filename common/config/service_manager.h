// What the service manager (systemd, or another that speaks its protocol) is told about this
// process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string_view>

#include "common/uv/loop.h"
#include "common/uv/timer.h"

namespace tako::service {

// Each sends one datagram to $NOTIFY_SOCKET (sd_notify(3)); without one, nothing happens. None of
// them fails the caller: a manager that does not listen must not end a process that serves. Any
// thread, no loop needed.

// Serving: listeners are bound, and what had to be recovered is. `status` is for `systemctl
// status`.
void tell_ready(std::string_view status);
void tell_status(std::string_view status);
// Another process is about to go on as this service; tell_ready() ends it, from either process.
void tell_reloading(std::string_view status);
// The orderly end has begun.
void tell_stopping();
// From now on `pid` is the service's main process: it must be a descendant of the main process of
// now. Either of the two may say it (the unit has NotifyAccess=all); whoever took over calls
// Watchdog::start(Succession::TookOver) behind it.
void tell_main_process(pid_t pid);

// Whose turn it is to prove to the manager that the service lives.
enum class Succession {
  Started,   // by the manager itself: $WATCHDOG_PID must be ours, else nothing is expected of us
  TookOver,  // by another process of the service, whose pid the variable still names
};

// How often the manager wants a sign of life at the latest; 0: it does not watch this process.
[[nodiscard]] std::chrono::microseconds watchdog_limit(Succession succession);
// One sign of life; for a process without a loop. Others have a Watchdog.
void tell_alive();

// Gives a sign of life from the loop, at half of what the manager waits: so a loop that is stuck is
// noticed, and the service is started again.
class Watchdog {
 public:
  explicit Watchdog(uv::Loop& loop) : timer_(loop, [] { tell_alive(); }) {}

  // Without effect when the manager does not watch.
  void start(Succession succession = Succession::Started);
  // Another process does it now.
  void stop() { timer_.stop(); }

 private:
  uv::Timer timer_;
};

}  // namespace tako::service
