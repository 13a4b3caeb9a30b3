// What both programs ask of the kernel before they serve.
#pragma once

#include <cstdint>

namespace tako {

// Raises the soft limit of open files to the hard one; returns what holds now.
std::uint64_t raise_open_files_limit() noexcept;
// A peer that hung up, and a file that may not grow any more, are errors of the write, not signals.
void ignore_write_signals() noexcept;

}  // namespace tako
