// Starts, watches and ends worker processes; no event loop, no threads.
#include "edge/supervisor.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "common/config/service_manager.h"
#include "common/uv/listener.h"
#include "common/uv/socket.h"

namespace tako::edge {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A worker that dies at once (bad environment, no memory) must not be restarted in a busy loop.
constexpr std::chrono::seconds kRestartPause{1};
constexpr int kExitListen = 1;

struct Worker {
  pid_t pid = -1;
  SteadyClock::time_point restart_at{};
};

// Forks and execs; the child gets SIGTERM should we die, so that no worker is left behind.
pid_t start_worker(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Addresses are said once, by the supervisor; so is what the service manager is told.
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): stdout stays its own owner.
  if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(kExitListen);
  execv("/proc/self/exe", argv.data());
  _exit(kExitListen);
}

class Supervisor {
 public:
  Supervisor(const std::vector<std::string>& arguments, const config::Config& config, Log& log)
      : arguments_(arguments), config_(config), log_(log), workers_(config.edge.workers) {
    sigemptyset(&signals_);
    for (const int number : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals_, number);
    sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }

  int run() {
    if (!bind_all()) return kExitListen;
    start_missing();
    service::tell_ready(std::to_string(workers_.size()) + " workers");
    while (!is_stopping_ || alive() > 0) {
      if (!is_stopping_) start_missing();
      give_sign_of_life();
      wait_for_signal();
    }
    return 0;
  }

 private:
  bool bind_all() {
    for (const std::string& text : config_.edge.listen) {
      const auto address = uv::parse_address(text);
      if (!address || !std::holds_alternative<uv::TcpAddress>(*address)) {
        log_.error("workers share TCP addresses only", {{"address", text}});
        return false;
      }
      auto socket = uv::open_listening_socket(*address, {.reuse_port = true, .listens = false});
      if (!socket) {
        log_.error(socket.error().message());
        return false;
      }
      bound_.push_back(uv::to_string(uv::local_address(socket->get()).value_or(*address)));
      std::printf("%s\n", bound_.back().c_str());
      sockets_.push_back(std::move(*socket));
    }
    std::fflush(stdout);
    return true;
  }

  void start_missing() {
    const auto now = SteadyClock::now();
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      Worker& worker = workers_[i];
      if (worker.pid > 0 || now < worker.restart_at) continue;
      worker.pid = start_worker(worker_arguments(arguments_, config_.edge, bound_, i));
      worker.restart_at = now + kRestartPause;
      log_.info("worker started", {{"worker", i}, {"pid", worker.pid}});
    }
  }

  void give_sign_of_life() {
    const auto limit = service::watchdog_limit(service::Succession::Started);
    const auto now = SteadyClock::now();
    if (limit.count() == 0 || now < sign_due_) return;
    service::tell_alive();
    sign_due_ = now + limit / 2;
  }

  void wait_for_signal() {
    constexpr timespec kLookAgain{.tv_sec = 0, .tv_nsec = 200'000'000};
    const int number = sigtimedwait(&signals_, nullptr, &kLookAgain);
    if (number == SIGTERM || number == SIGINT) {
      if (!is_stopping_) service::tell_stopping();
      // The first lets them drain, the second doesn't.
      pass_on(is_stopping_ ? SIGKILL : SIGTERM);
      is_stopping_ = true;
    }
    reap();
  }

  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto worker = std::ranges::find(workers_, pid, &Worker::pid);
      if (worker == workers_.end()) continue;
      worker->pid = -1;
      if (!is_stopping_) {
        log_.error(
            "worker ended, will be started again",
            {{"pid", pid},
             {"status", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)}});
      }
    }
  }

  void pass_on(int number) {
    for (const Worker& worker : workers_) {
      if (worker.pid > 0) kill(worker.pid, number);
    }
  }
  [[nodiscard]] std::ptrdiff_t alive() const {
    return std::ranges::count_if(workers_, [](const Worker& worker) { return worker.pid > 0; });
  }

  const std::vector<std::string>& arguments_;
  const config::Config& config_;
  Log& log_;
  std::vector<Worker> workers_;
  std::vector<uv::Fd> sockets_;
  std::vector<std::string> bound_;
  sigset_t signals_{};
  SteadyClock::time_point sign_due_{};
  bool is_stopping_ = false;
};

std::string admin_of_worker(const std::string& admin, std::size_t index) {
  auto address = uv::parse_address(admin);
  if (!address) return admin;
  auto* tcp = std::get_if<uv::TcpAddress>(&*address);
  if (tcp == nullptr) return admin + "." + std::to_string(index);
  if (tcp->port != 0) tcp->port = static_cast<std::uint16_t>(tcp->port + index);
  return uv::to_string(*address);
}

}  // namespace

std::vector<std::string> worker_arguments(const std::vector<std::string>& arguments,
                                          const config::EdgeConfig& config,
                                          const std::vector<std::string>& bound,
                                          std::size_t index) {
  constexpr std::array<std::string_view, 4> kOwn = {"--listen", "--workers", "--name", "--admin"};
  std::vector<std::string> out = {"tako-edge"};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const std::string_view option = argument.substr(0, argument.find('='));
    if (std::ranges::find(kOwn, option) == kOwn.end()) {
      out.emplace_back(argument);
    } else if (option == argument) {
      ++i;  // Its value is the next one.
    }
  }
  for (const std::string& address : bound) out.insert(out.end(), {"--listen", address});
  out.insert(out.end(), {"--workers", "1", "--name", config.name + "." + std::to_string(index)});
  if (!config.admin.empty()) {
    out.insert(out.end(), {"--admin", admin_of_worker(config.admin, index)});
  }
  return out;
}

int supervise(const std::vector<std::string>& arguments, const config::Config& config, Log& log) {
  return Supervisor(arguments, config, log).run();
}

}  // namespace tako::edge
