// fork, exec and wait with bounds; output goes to files, so that no pipe can fill up and block.
#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "tests/support/temp_dir.h"

namespace tako::test {
namespace {

std::vector<std::string> child_environment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    if (!name.starts_with("TAKO_") && !extra.contains(name)) result.emplace_back(text);
  }
  for (const auto& [name, value] : extra) result.emplace_back(name).append("=").append(value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> whole_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// LISTEN_PID is the child's own, which it only knows itself: room for its digits.
constexpr std::string_view kListenPid = "LISTEN_PID=0000000000";

std::vector<std::string> activation_environment(std::size_t sockets) {
  if (sockets == 0) return {};
  return {"LISTEN_FDS=" + std::to_string(sockets), std::string(kListenPid)};
}

// The sockets are moved out of the way first: one of them may be where another belongs.
void take_sockets(const std::vector<int>& sockets, std::vector<char*>& environment) {
  const int count = static_cast<int>(sockets.size());
  for (int i = 0; i < count; ++i) {
    if (dup2(sockets[static_cast<std::size_t>(i)], 500 + i) < 0) _exit(126);
  }
  for (int i = 0; i < count; ++i) {
    if (dup2(500 + i, 3 + i) < 0) _exit(126);
    close(500 + i);
  }
  for (char* entry : environment) {
    if (entry == nullptr || std::string_view(entry) != kListenPid) continue;
    char* const digits = entry + kListenPid.find('0');
    *std::to_chars(digits, entry + kListenPid.size(), getpid()).ptr = '\0';
  }
}

// Between fork and exec only async-signal-safe calls: the test has threads.
[[noreturn]] void exec_child(const std::vector<char*>& arguments, std::vector<char*>& environment,
                             const std::vector<int>& inherited, const char* out, const char* err) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int flags = O_WRONLY | O_CREAT | O_APPEND;
  const int out_fd = open(out, flags, 0600);
  const int err_fd = open(err, flags, 0600);
  if (out_fd < 0 || err_fd < 0) _exit(126);
  if (dup2(out_fd, STDOUT_FILENO) < 0 || dup2(err_fd, STDERR_FILENO) < 0) _exit(126);
  take_sockets(inherited, environment);
  execve(arguments.front(), arguments.data(), environment.data());
  _exit(127);
}

}  // namespace

std::string program(std::string_view name) {
  return (std::filesystem::path(TAKO_PROGRAM_DIR) / name).string();
}

Process::Process(ProcessOptions options) : options_(std::move(options)) {
  std::vector<std::string> argument_texts{options_.program};
  argument_texts.insert(argument_texts.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<std::string> environment_texts = child_environment(options_.environment);
  const std::vector<char*> arguments = pointers(argument_texts);
  for (std::string& entry : activation_environment(options_.inherited.size())) {
    environment_texts.push_back(std::move(entry));
  }
  std::vector<char*> environment = pointers(environment_texts);
  const std::string out = (options_.output_folder / (options_.name + ".out")).string();
  const std::string err = (options_.output_folder / (options_.name + ".err")).string();
  pid_ = fork();
  if (pid_ < 0) throw TestFailure(std::string("fork: ") + std::strerror(errno));
  if (pid_ == 0) exec_child(arguments, environment, options_.inherited, out.c_str(), err.c_str());
}

Process::~Process() {
  if (exit_status_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
}

bool Process::is_running() {
  if (exit_status_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

std::string Process::output() const {
  return read_file(options_.output_folder / (options_.name + ".out"));
}

std::string Process::errors() const {
  return read_file(options_.output_folder / (options_.name + ".err"));
}

void Process::fail(const std::string& what) const {
  throw TestFailure(options_.name + ": " + what + "\n--- stdout\n" + output() + "--- stderr\n" +
                    errors());
}

std::string Process::pick_line(const LinePicker& pick, const std::string& what, Duration bound) {
  const Deadline deadline = deadline_in(bound);
  for (;;) {
    const bool running = is_running();  // Asked before reading: its last words count.
    if (auto picked = pick(whole_lines(output()))) return *picked;
    if (!running) fail("ended before it printed " + what);
    if (poll_timeout(deadline) == 0) fail("never printed " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::string Process::output_line(std::size_t index, Duration bound) {
  return pick_line(
      [index](const std::vector<std::string>& lines) -> std::optional<std::string> {
        if (index >= lines.size()) return std::nullopt;
        return lines[index];
      },
      "line " + std::to_string(index), bound);
}

std::string Process::output_after(std::string_view prefix, Duration bound) {
  return pick_line(
      [prefix](const std::vector<std::string>& lines) -> std::optional<std::string> {
        for (const std::string& line : lines) {
          if (line.starts_with(prefix)) return line.substr(prefix.size());
        }
        return std::nullopt;
      },
      "a line with " + std::string(prefix), bound);
}

void Process::wait_for_text(std::string_view text, Duration bound) {
  const bool found = eventually(
      [&] {
        return output().find(text) != std::string::npos || errors().find(text) != std::string::npos;
      },
      bound);
  if (!found) fail("never said \"" + std::string(text) + "\"");
}

void Process::signal(int number) {
  if (is_running()) ::kill(pid_, number);
}

int Process::wait_for_exit(Duration bound) {
  if (!eventually([&] { return !is_running(); }, bound)) fail("does not end");
  return *exit_status_;
}

int Process::terminate(Duration bound) {
  signal(SIGTERM);
  return wait_for_exit(bound);
}

void Process::kill() {
  signal(SIGKILL);
  wait_for_exit();
}

int as_nobody(const std::function<bool()>& work) {
  constexpr uid_t kNobody = 65'534;
  const pid_t child = fork();
  if (child < 0) throw TestFailure(std::string("fork: ") + std::strerror(errno));
  if (child == 0) {
    if (setuid(kNobody) != 0) _exit(2);
    try {
      _exit(work() ? 0 : 1);
    } catch (const std::exception&) {
      _exit(2);
    }
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw TestFailure(std::string("waitpid: ") + std::strerror(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished run_program(std::string_view name, std::vector<std::string> arguments,
                     std::map<std::string, std::string> environment) {
  const TempDir folder;
  Process process({.program = program(name),
                   .arguments = std::move(arguments),
                   .environment = std::move(environment),
                   .output_folder = folder.path(),
                   .name = std::string(name)});
  const int status = process.wait_for_exit();
  return {.status = status, .output = process.output(), .errors = process.errors()};
}

}  // namespace tako::test
