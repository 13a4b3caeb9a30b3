// Draws from the kernel's generator.
#include "common/random.h"

#include <sys/random.h>

#include "common/check.h"

namespace tako {

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  TAKO_CHECK(getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

}  // namespace tako
