// Outbox: the bounded queue of frames to one client; holds pointers to shared bytes, not copies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "common/limits.h"
#include "common/shared_bytes.h"

namespace tako::edge {

class OutboxPool;

// What a frame counts as, while it waits.
enum class FrameKind : std::uint8_t { Message, Control, Pong };

//   inline_: the frames that one loop turn usually brings      chunks: what a slow client adds
//   [ a ][ b ][ c ][ d ] ────────────────────────────────────▶ [ e f g … ] ─▶ [ … ]
//
// The first frames are kept inside; more spill into chunks lent by the loop's pool, so that the
// fan-out path never allocates per subscriber once the pool is warm. The bound is the caller's:
// he asks bytes() before he pushes.
class Outbox {
 public:
  explicit Outbox(OutboxPool& pool) noexcept;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox();

  void push(const SharedBytes& frame, FrameKind kind = FrameKind::Message);
  // Points `out` at unsent bytes, oldest first; returns how many entries it filled.
  [[nodiscard]] std::size_t gather(std::span<std::string_view> out) const;
  // The kernel took this many bytes (at most bytes()). The rest of a cut frame stays first.
  void consume(std::size_t bytes);
  // As push(), for the rest of a frame whose beginning is sent already; into an empty outbox only.
  void push_rest(const SharedBytes& rest, FrameKind kind);
  // What is_begun() stays; `keeps_first`: the first one in any case.
  void drop_unsent(bool keeps_first);
  void clear();
  // The first frame is partly sent: its rest has to follow.
  [[nodiscard]] bool is_begun() const noexcept { return sent_of_first_ > 0 || is_rest_; }
  // Calls `visit(kind, bytes)` for what is unsent of each frame, oldest first.
  template <typename Visit>
  void for_each_unsent(Visit visit) const;

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
  // Bytes of Control and Pong frames that are not wholly sent.
  [[nodiscard]] std::size_t control_bytes() const noexcept { return control_bytes_; }
  // Pong frames that are not wholly sent.
  [[nodiscard]] std::size_t pongs() const noexcept { return pongs_; }

 private:
  friend class OutboxPool;
  static constexpr std::size_t kInline = 4;
  static constexpr std::size_t kChunkFrames = 26;  // A chunk is 256 bytes.

  struct Chunk {
    std::unique_ptr<Chunk> next;
    std::array<SharedBytes, kChunkFrames> frames;
    std::array<FrameKind, kChunkFrames> kinds{};
    std::uint8_t begin = 0;
    std::uint8_t end = 0;
  };

  void drop_first();
  [[nodiscard]] const SharedBytes& first() const;
  [[nodiscard]] FrameKind first_kind() const;
  void account(const SharedBytes& frame, FrameKind kind);
  void settle(const SharedBytes& frame, FrameKind kind);

  OutboxPool& pool_;
  std::array<SharedBytes, kInline> inline_;
  std::array<FrameKind, kInline> inline_kinds_{};
  std::uint8_t inline_begin_ = 0;
  std::uint8_t inline_end_ = 0;
  bool is_rest_ = false;  // the first frame came by push_rest()
  std::uint16_t pongs_ = 0;
  std::unique_ptr<Chunk> first_;  // Behind the inline ones.
  Chunk* last_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t control_bytes_ = 0;
  std::size_t sent_of_first_ = 0;
};

template <typename Visit>
void Outbox::for_each_unsent(Visit visit) const {
  std::size_t sent = sent_of_first_;
  const auto tell = [&](FrameKind kind, const SharedBytes& frame) {
    visit(kind, frame.view().substr(std::exchange(sent, 0)));
  };
  for (std::size_t i = inline_begin_; i < inline_end_; ++i) tell(inline_kinds_[i], inline_[i]);
  for (const Chunk* chunk = first_.get(); chunk != nullptr; chunk = chunk->next.get()) {
    for (std::size_t i = chunk->begin; i < chunk->end; ++i) tell(chunk->kinds[i], chunk->frames[i]);
  }
}

static_assert(sizeof(Outbox) <= 96, "part of what an idle connection costs");

// Lends chunks to the outboxes of one loop and keeps those that come back: one for each outbox, so
// that a burst to all of them allocates nothing, and a few thousand for those that are slow.
class OutboxPool {
 public:
  OutboxPool() = default;
  OutboxPool(const OutboxPool&) = delete;
  OutboxPool& operator=(const OutboxPool&) = delete;
  ~OutboxPool();

  [[nodiscard]] std::size_t lent() const noexcept { return lent_; }
  [[nodiscard]] std::size_t kept() const noexcept { return kept_; }
  // For Outbox::gather(): the one write that is under way on this loop. Too large for each frame of
  // the stack that would have to clear it.
  [[nodiscard]] std::span<std::string_view> pieces() noexcept { return pieces_; }

 private:
  friend class Outbox;
  static constexpr std::size_t kSpareMax = 4'096;  // 1 MiB of empty chunks.

  [[nodiscard]] std::unique_ptr<Outbox::Chunk> take();
  void give_back(std::unique_ptr<Outbox::Chunk> chunk);
  // One came, or one outbox went: so at most one is too many.
  void trim() noexcept;

  std::unique_ptr<Outbox::Chunk> free_;
  std::size_t outboxes_ = 0;
  std::size_t kept_ = 0;
  std::size_t lent_ = 0;
  std::array<std::string_view, limits::kWritePiecesMax> pieces_;
};

}  // namespace tako::edge
