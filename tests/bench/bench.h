// measure(): what an operation costs in CPU time, which other work on the machine hardly moves.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace tako::bench {

inline constexpr std::size_t kRounds = 5;
inline constexpr double kRoundSeconds = 0.2;

inline double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// CPU seconds that `count` calls take. `work` returns a number that depends on what it did, so that
// the compiler can't leave it out.
template <typename Work>
double seconds_of(Work& work, std::size_t count) {
  std::size_t sum = 0;
  const double start = cpu_seconds();
  for (std::size_t i = 0; i < count; ++i) sum += work();
  const double seconds = cpu_seconds() - start;
  volatile std::size_t sink = sum;
  static_cast<void>(sink);
  return seconds;
}

// Prints one line. `operations`: how many each call of `work` does.
template <typename Work>
void measure(std::string_view name, std::size_t operations, Work work) {
  std::size_t count = 1;
  while (seconds_of(work, count) < kRoundSeconds) count *= 2;
  std::array<double, kRounds> nanoseconds{};
  for (double& round : nanoseconds) {
    round = seconds_of(work, count) * 1e9 / static_cast<double>(count * operations);
  }
  std::ranges::sort(nanoseconds);
  std::printf("%-56.*s %9.1f %9.1f\n", static_cast<int>(name.size()), name.data(),
              nanoseconds[kRounds / 2], nanoseconds.front());
}

}  // namespace tako::bench
