// Runs one of the product's programs and watches what it says and how it ends.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/wait.h"

namespace tako::test {

// The path of tako-broker, tako-edge or takoctl in this build.
[[nodiscard]] std::string program(std::string_view name);

struct ProcessOptions {
  std::string program = {};
  std::vector<std::string> arguments = {};
  // Added to this process's environment, out of which every TAKO_* is taken first.
  std::map<std::string, std::string> environment = {};
  // Listening sockets for the child, as descriptors 3, 4, …: socket activation. They stay open
  // here.
  std::vector<int> inherited = {};
  // Where <name>.out and <name>.err go.
  std::filesystem::path output_folder = {};
  std::string name = {};
};

class Process {
 public:
  // Starts at once. The child dies with the test, however the test ends.
  explicit Process(ProcessOptions options);
  // Kills the child if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_running();

  // What it has written so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;
  // The index-th whole line on stdout; waits for it, and throws, with what it said instead, when it
  // does not come or the process ends before.
  [[nodiscard]] std::string output_line(std::size_t index, Duration bound = kPatience);
  // What follows `prefix` on the first line of stdout that begins with it; waits likewise.
  [[nodiscard]] std::string output_after(std::string_view prefix, Duration bound = kPatience);
  // Waits until stdout or stderr contains `text`.
  void wait_for_text(std::string_view text, Duration bound = kPatience);

  void signal(int number);
  // Waits for the end; the exit status, or 128 + the number of the signal that ended it.
  int wait_for_exit(Duration bound = kPatience);
  // SIGTERM, then wait_for_exit.
  int terminate(Duration bound = kPatience);
  // SIGKILL, then the end.
  void kill();

 private:
  using LinePicker = std::function<std::optional<std::string>(const std::vector<std::string>&)>;
  [[noreturn]] void fail(const std::string& what) const;
  [[nodiscard]] std::string pick_line(const LinePicker& pick, const std::string& what,
                                      Duration bound);

  ProcessOptions options_;
  pid_t pid_ = -1;
  std::optional<int> exit_status_;
};

// Runs `work` in a child that is the user nobody (for root only). 0: it returned true; 1: false;
// 2: it threw, or the user could not be changed.
[[nodiscard]] int as_nobody(const std::function<bool()>& work);

struct Finished {
  int status = 0;
  std::string output;
  std::string errors;
};
// Runs `name` of this build to its end.
[[nodiscard]] Finished run_program(std::string_view name, std::vector<std::string> arguments,
                                   std::map<std::string, std::string> environment = {});

}  // namespace tako::test
