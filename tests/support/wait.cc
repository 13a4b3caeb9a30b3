// Polls conditions in small steps, so that tests wait as long as needed and no longer.
#include "tests/support/wait.h"

#include <algorithm>
#include <thread>

namespace tako::test {

int poll_timeout(Deadline deadline) {
  const auto left = std::chrono::ceil<Duration>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<Duration::rep>(left.count(), 0));
}

bool eventually(const std::function<bool()>& condition, Duration bound) {
  const Deadline deadline = deadline_in(bound);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void wait_until(std::string_view what, const std::function<bool()>& condition, Duration bound) {
  if (eventually(condition, bound)) return;
  throw TestFailure("waited in vain for " + std::string(what));
}

}  // namespace tako::test
