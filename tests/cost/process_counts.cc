// Stands in front of the C library's functions, for libuv and libstdc++ as well, and counts.
#include "tests/cost/process_counts.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TAKO_COUNTS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TAKO_COUNTS 0
#endif
#endif
#ifndef TAKO_COUNTS
#define TAKO_COUNTS 1
#endif

#if TAKO_COUNTS

namespace {

constinit tako::test::ProcessCounts counts;  // One thread: nothing here starts another.

}  // namespace

// glibc's own functions, by the names that it keeps for those who replace them.
extern "C" {
void* glibc_malloc(std::size_t size) __asm__("__libc_malloc");
void* glibc_calloc(std::size_t count, std::size_t size) __asm__("__libc_calloc");
void* glibc_realloc(void* old, std::size_t size) __asm__("__libc_realloc");
void* glibc_memalign(std::size_t alignment, std::size_t size) __asm__("__libc_memalign");

void* malloc(std::size_t size) {
  ++counts.allocations;
  return glibc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  ++counts.allocations;
  return glibc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) {
  ++counts.allocations;
  return glibc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++counts.allocations;
  return glibc_memalign(alignment, size);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  ++counts.allocations;
  *out = glibc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  ++counts.sends;
  return syscall(SYS_sendmsg, fd, message, flags);
}
}

#endif

namespace tako::test {

std::optional<ProcessCounts> process_counts() {
#if TAKO_COUNTS
  return counts;
#else
  return std::nullopt;
#endif
}

}  // namespace tako::test
