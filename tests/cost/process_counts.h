// What this process has asked of the allocator and of the kernel so far.
#pragma once

#include <cstdint>
#include <optional>

namespace tako::test {

struct ProcessCounts {
  std::uint64_t allocations =
      0;                    // malloc, calloc, realloc and aligned ones; operator new is malloc
  std::uint64_t sends = 0;  // sendmsg: what a stream writes with
};

// nullopt in a sanitizer's build, whose runtime owns these functions.
[[nodiscard]] std::optional<ProcessCounts> process_counts();

}  // namespace tako::test
