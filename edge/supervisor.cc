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
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "common/config/service_manager.h"
#include "common/uv/listener.h"
#include "common/uv/socket.h"
#include "edge/handoff/dismiss.h"
#include "edge/handoff/handoff_socket.h"
#include "edge/handoff/successor.h"
#include "edge/worker_reports.h"

namespace tako::edge {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A worker that dies at once (bad environment, no memory) must not be restarted in a busy loop.
constexpr std::chrono::seconds kRestartPause{1};
constexpr int kExitListen = 1;

struct Worker {
  pid_t pid = -1;
  pid_t successor = -1;  // that takes over from it
  bool is_gone = false;  // replaced by another supervisor's, or told to leave: not started again
  SteadyClock::time_point restart_at{};
};

// What a worker has told (worker_reports.h).
struct Sign {
  bool is_ready = false;
  SteadyClock::time_point heard_at{};
};

int status_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Forks and execs; the child gets SIGTERM should we die, so that no worker is left behind.
pid_t start_worker(const std::string& program, const std::vector<std::string>& arguments,
                   const std::string& reports) {
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
  setenv("NOTIFY_SOCKET", reports.c_str(), 1);
  unsetenv("WATCHDOG_PID");  // Ours; how often a sign of life is due holds for workers too.
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): stdout stays its own owner.
  if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(kExitListen);
  setenv(kWorkerVariable, "1", 1);
  execvp(program.c_str(), argv.data());
  _exit(kExitListen);
}

class Supervisor {
 public:
  Supervisor(std::string program, const std::vector<std::string>& arguments,
             const config::Config& config, Log& log)
      : new_program_(std::move(program)),
        arguments_(arguments),
        config_(config),
        log_(log),
        workers_(config.edge.workers) {
    sigemptyset(&signals_);
    for (const int number : {SIGTERM, SIGINT, SIGCHLD, SIGUSR2}) sigaddset(&signals_, number);
    sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }

  int run() {
    if (!listen_to_workers() || !bind_all()) return kExitListen;
    start_missing();
    if (config_.edge.takeover) dismiss_surplus();
    while (!is_over()) {
      if (!is_stopping_) start_missing();
      if (!is_stopping_) roll();
      hear_workers();
      give_sign_of_life();
      wait_for_signal();
    }
    return 0;
  }

 private:
  bool listen_to_workers() {
    auto opened = WorkerReports::open();
    if (!opened) {
      log_.error(opened.error().message());
      return false;
    }
    reports_.emplace(*std::move(opened));
    return true;
  }

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
      if (worker.pid > 0 || worker.is_gone || now < worker.restart_at) continue;
      worker.pid = start_worker(program_, worker_arguments(arguments_, config_.edge, bound_, i),
                                reports_->address());
      worker.restart_at = now + kRestartPause;
      log_.info("worker started", {{"worker", i}, {"pid", worker.pid}});
    }
  }

  // A supervisor before this one had more workers.
  void dismiss_surplus() {
    config::EdgeConfig surplus = config_.edge;
    for (std::size_t i = workers_.size();; ++i) {
      surplus.name = config_.edge.name + "." + std::to_string(i);
      if (!dismiss_edge(handoff_path(surplus))) return;
      log_.info("a worker too many was told to leave", {{"worker", i}});
    }
  }

  void begin_rolling() {
    if (rolling_) {
      log_.warn("no handoff is begun: one is under way");
      return;
    }
    log_.info("handing over, worker by worker", {{"program", new_program_}});
    service::tell_reloading("handing over");
    rolling_ = 0;
    program_ = new_program_;  // Of a worker that dies from now on, too.
  }

  // One at a time: the next is begun when the one before has ended and its successor serves.
  void roll() {
    if (!rolling_) return;
    while (*rolling_ < workers_.size() && workers_[*rolling_].pid <= 0) ++*rolling_;
    if (*rolling_ >= workers_.size()) return end_rolling("all workers are new");
    Worker& worker = workers_[*rolling_];
    if (worker.successor > 0) return;  // Under way.
    worker.successor = start_worker(
        program_, takeover_arguments(worker_arguments(arguments_, config_.edge, bound_, *rolling_)),
        reports_->address());
    log_.info("worker started to take over",
              {{"worker", *rolling_}, {"from_pid", worker.pid}, {"pid", worker.successor}});
  }

  void end_rolling(std::string_view status) {
    rolling_.reset();
    log_.info(status);
    service::tell_ready(status);
  }

  void hear_workers() {
    const auto now = SteadyClock::now();
    for (const WorkerReports::Report& report : reports_->take()) {
      if (!is_worker(report.pid)) continue;  // Somebody else found the address.
      Sign& sign = signs_[report.pid];
      sign.is_ready |= report.is_ready;
      sign.heard_at = now;
    }
    if (!is_ready_told_ && !is_stopping_ && are_all_ready()) {
      is_ready_told_ = true;
      service::tell_ready(std::to_string(workers_.size()) + " workers");
    }
    end_stuck_workers(now);
  }

  // One whose loop does not turn gives no sign; the others go on while it is started again.
  void end_stuck_workers(SteadyClock::time_point now) {
    const auto limit = service::watchdog_limit(service::Succession::Started);
    if (limit.count() == 0) return;
    for (auto& [pid, sign] : signs_) {
      if (!sign.is_ready || now - sign.heard_at <= limit) continue;
      log_.error("a worker gives no sign of life and is ended", {{"pid", pid}});
      kill(pid, SIGKILL);
      sign.is_ready = false;
    }
  }

  void give_sign_of_life() {
    const auto limit = service::watchdog_limit(service::Succession::Started);
    const auto now = SteadyClock::now();
    if (limit.count() == 0 || !is_ready_told_ || now < sign_due_) return;
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
    if (number == SIGUSR2 && !is_stopping_) begin_rolling();
    reap();
  }

  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      signs_.erase(pid);
      for (std::size_t i = 0; i < workers_.size(); ++i) {
        if (pid == workers_[i].pid) on_worker_ended(i, status_of(status));
        if (pid == workers_[i].successor) on_successor_ended(i, status_of(status));
      }
    }
  }

  void on_worker_ended(std::size_t index, int status) {
    Worker& worker = workers_[index];
    const pid_t pid = std::exchange(worker.pid, std::exchange(worker.successor, -1));
    if (is_stopping_) return;
    if (worker.pid > 0) {
      if (rolling_ == index) ++*rolling_;
    } else if (status == kExitReplaced) {
      worker.is_gone = true;
      log_.info("worker replaced", {{"worker", index}, {"pid", pid}});
    } else {
      log_.error("worker ended, will be started again", {{"pid", pid}, {"status", status}});
    }
  }

  // Before the one that it was to take over from: that one serves on, and so do the others.
  void on_successor_ended(std::size_t index, int status) {
    workers_[index].successor = -1;
    if (is_stopping_) return;
    log_.error("a worker could not be taken over; it serves on, and so do those behind it",
               {{"worker", index}, {"status", status}});
    if (rolling_) end_rolling("serving; the last handoff failed");
  }

  [[nodiscard]] bool is_worker(pid_t pid) const {
    return std::ranges::any_of(workers_, [pid](const Worker& worker) {
      return pid > 0 && (worker.pid == pid || worker.successor == pid);
    });
  }
  [[nodiscard]] bool are_all_ready() const {
    return std::ranges::all_of(workers_, [this](const Worker& worker) {
      const auto sign = signs_.find(worker.pid);
      return worker.is_gone || (sign != signs_.end() && sign->second.is_ready);
    });
  }
  void pass_on(int number) {
    for (const Worker& worker : workers_) {
      for (const pid_t pid : {worker.pid, worker.successor}) {
        if (pid > 0) kill(pid, number);
      }
    }
  }
  [[nodiscard]] bool is_over() const {
    return std::ranges::all_of(workers_, [this](const Worker& worker) {
      return worker.pid <= 0 && worker.successor <= 0 && (is_stopping_ || worker.is_gone);
    });
  }

  std::string program_ = "/proc/self/exe";  // what runs now, whatever an upgrade puts in its place
  std::string new_program_;
  const std::vector<std::string>& arguments_;
  const config::Config& config_;
  Log& log_;
  std::vector<Worker> workers_;
  std::vector<uv::Fd> sockets_;
  std::vector<std::string> bound_;
  sigset_t signals_{};
  std::optional<WorkerReports> reports_;
  std::map<pid_t, Sign> signs_;  // of workers that have told something
  SteadyClock::time_point sign_due_{};
  std::optional<std::size_t> rolling_;  // the worker whose turn it is
  bool is_ready_told_ = false;
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

int supervise(const std::string& program, const std::vector<std::string>& arguments,
              const config::Config& config, Log& log) {
  return Supervisor(program, arguments, config, log).run();
}

}  // namespace tako::edge
