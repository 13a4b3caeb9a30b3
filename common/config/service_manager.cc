// Speaks sd_notify(3); reads what sd_watchdog_enabled(3) does, but for the pid after a handoff.
#include "common/config/service_manager.h"

#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace tako::service {
namespace {

// The variables stay set: a process that this one starts may take the service over.
void notify(const std::string& assignments) {
  static_cast<void>(sd_notify(0, assignments.c_str()));
}

// One line each: a line feed would begin another assignment.
std::string status_line(std::string_view status) {
  std::string line = "\nSTATUS=" + std::string(status);
  std::replace(line.begin() + 1, line.end(), '\n', ' ');
  return line;
}

std::optional<std::int64_t> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  return is_number ? number : -1;
}

}  // namespace

void tell_ready(std::string_view status) { notify("READY=1" + status_line(status)); }

void tell_status(std::string_view status) { notify(status_line(status).substr(1)); }

void tell_reloading(std::string_view status) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t micros = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  // Newer managers (253 and on, Type=notify-reload) want to know since when.
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros) + status_line(status));
}

void tell_stopping() { notify("STOPPING=1" + status_line("stopping")); }

void tell_main_process(pid_t pid) { notify("MAINPID=" + std::to_string(pid)); }

void tell_alive() { notify("WATCHDOG=1"); }

std::chrono::microseconds watchdog_limit(Succession succession) {
  const auto micros = number_in("WATCHDOG_USEC");
  if (!micros || *micros <= 0) return {};
  const auto pid = number_in("WATCHDOG_PID");
  if (succession == Succession::Started && pid && *pid != getpid()) return {};
  return std::chrono::microseconds(*micros);
}

void Watchdog::start(Succession succession) {
  const auto limit = watchdog_limit(succession);
  if (limit.count() == 0) return;
  const auto half = std::chrono::duration_cast<std::chrono::milliseconds>(limit / 2);
  tell_alive();
  timer_.start_repeating(std::max(half, std::chrono::milliseconds(1)));
}

}  // namespace tako::service
