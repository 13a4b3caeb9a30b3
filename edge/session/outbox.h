// Outbox: the bounded queue of frames to one client; holds pointers to shared bytes, not copies.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "common/shared_bytes.h"

namespace tako::edge {

class OutboxPool;

// The first frames are kept inside; more spill into chunks lent by the loop's pool, so that the
// fan-out path never allocates per subscriber once the pool is warm.
class Outbox {
 public:
  explicit Outbox(OutboxPool& pool) noexcept : pool_(pool) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox();

  void push(const SharedBytes& frame);
  // Points `out` at unsent bytes, oldest first; returns how many entries it filled.
  [[nodiscard]] std::size_t gather(std::span<iovec> out) const;
  // The kernel took this many bytes. The rest of a cut frame stays first.
  void consume(std::size_t bytes);
  void clear();

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }

 private:
  static constexpr std::size_t kInline = 4;  // what one loop turn usually brings
  struct Chunk;
  friend class OutboxPool;

  OutboxPool& pool_;
  SharedBytes inline_[kInline];
  Chunk* first_ = nullptr;  // behind the inline ones
  Chunk* last_ = nullptr;
  std::uint32_t inline_begin_ = 0;
  std::uint32_t inline_end_ = 0;
  std::size_t bytes_ = 0;
  std::size_t sent_of_first_ = 0;
};

}  // namespace tako::edge
