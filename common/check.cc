// Says which check failed, and ends the process.
#include "common/check.h"

#include <cstdio>
#include <cstdlib>

namespace tako {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "TAKO_CHECK failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace tako
