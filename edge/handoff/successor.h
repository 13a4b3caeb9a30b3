// Successor: the process that this one starts, to take over from it (SIGUSR2).
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/uv/loop.h"

namespace tako::edge {

// Where this program was started from, to be looked up anew: a path is made absolute, but not
// resolved, so that a link or a file that an upgrade has replaced leads to the new program. A bare
// name stays one, for $PATH.
[[nodiscard]] std::string own_program(std::string_view argv0);
// `arguments`, with --takeover if it is not among them.
[[nodiscard]] std::vector<std::string> takeover_arguments(std::vector<std::string> arguments);

class Successor {
 public:
  // `on_ended`: it has ended, with that exit status (or 128 + the signal's number).
  Successor(uv::Loop& loop, std::string program, std::vector<std::string> arguments,
            std::function<void(int)> on_ended);
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  // Errors: Unavailable, when it can't be executed. Not while one runs.
  [[nodiscard]] Result<pid_t> start();
  // 0: none runs.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void kill() noexcept;

 private:
  void reap();

  std::string program_;
  std::vector<std::string> arguments_;
  std::function<void(int)> on_ended_;
  pid_t pid_ = 0;
  uv::SignalWatcher on_child_;
};

}  // namespace tako::edge
