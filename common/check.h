// TAKO_CHECK: our own fault stops the process at its cause; the replay log makes that safe.
#pragma once

namespace tako {

[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace tako

// Never on anything that a peer can send: that is an Error (error.h). On in every build type.
#define TAKO_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::tako::check_failed(#condition, __FILE__, __LINE__))
