// Reads the kernel's clocks.
#include "common/clock.h"

#include <chrono>

namespace tako {
namespace {

template <typename SourceClock>
std::int64_t since_epoch_ms() {
  const auto since = SourceClock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace

std::int64_t SystemClock::wall_ms() const { return since_epoch_ms<std::chrono::system_clock>(); }
std::int64_t SystemClock::monotonic_ms() const {
  return since_epoch_ms<std::chrono::steady_clock>();
}

}  // namespace tako
