// posix_spawn: this process has threads (the log's), so nothing else may happen between fork and
// exec.
#include "edge/handoff/successor.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include "common/uv/socket.h"

namespace tako::edge {

std::string own_program(std::string_view argv0) {
  if (!argv0.contains('/')) return std::string(argv0);
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::absolute(argv0, failed);
  return failed ? std::string(argv0) : path.string();
}

std::vector<std::string> takeover_arguments(std::vector<std::string> arguments) {
  constexpr std::string_view kTakeover = "--takeover";
  if (std::ranges::find(arguments, kTakeover) == arguments.end()) {
    arguments.emplace_back(kTakeover);
  }
  return arguments;
}

Successor::Successor(uv::Loop& loop, std::string program, std::vector<std::string> arguments,
                     std::function<void(int)> on_ended)
    : program_(std::move(program)),
      arguments_(takeover_arguments(std::move(arguments))),
      on_ended_(std::move(on_ended)),
      on_child_(loop, SIGCHLD, [this] { reap(); }) {}

Result<pid_t> Successor::start() {
  std::vector<char*> argv{program_.data()};
  for (std::string& argument : arguments_) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error =
      posix_spawnp(&pid_, program_.c_str(), nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid_;
  pid_ = 0;
  return std::unexpected(uv::errno_error(ErrorCode::Unavailable, "start " + program_, error));
}

void Successor::kill() noexcept {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void Successor::reap() {
  int status = 0;
  if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return;
  pid_ = 0;
  on_ended_(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace tako::edge
