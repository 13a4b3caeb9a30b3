// Queues frames inline first, then in chunks of the pool; accounts for bytes and control frames.
#include "edge/session/outbox.h"

#include <limits>
#include <utility>

#include "common/check.h"

namespace tako::edge {

Outbox::Outbox(OutboxPool& pool) noexcept : pool_(pool) { ++pool_.outboxes_; }

Outbox::~Outbox() {
  clear();
  --pool_.outboxes_;
  pool_.trim();
}

void Outbox::push(const SharedBytes& frame, FrameKind kind) {
  if (frame.empty()) return;
  account(frame, kind);
  if (first_ == nullptr && inline_begin_ == inline_end_) inline_begin_ = inline_end_ = 0;
  if (first_ == nullptr && inline_end_ < kInline) {
    inline_kinds_[inline_end_] = kind;
    inline_[inline_end_++] = frame;
    return;
  }
  if (first_ == nullptr) {
    first_ = pool_.take();
    last_ = first_.get();
  } else if (last_->end == kChunkFrames) {
    last_->next = pool_.take();
    last_ = last_->next.get();
  }
  last_->kinds[last_->end] = kind;
  last_->frames[last_->end++] = frame;
}

void Outbox::account(const SharedBytes& frame, FrameKind kind) {
  bytes_ += frame.size();
  if (kind == FrameKind::Message) return;
  control_bytes_ += frame.size();
  if (kind == FrameKind::Pong && pongs_ < std::numeric_limits<std::uint16_t>::max()) ++pongs_;
}

void Outbox::settle(const SharedBytes& frame, FrameKind kind) {
  if (kind == FrameKind::Message) return;
  control_bytes_ -= frame.size();
  if (kind == FrameKind::Pong && pongs_ > 0) --pongs_;
}

std::size_t Outbox::gather(std::span<std::string_view> out) const {
  std::size_t filled = 0;
  const auto add = [&](const SharedBytes& frame) {
    std::string_view bytes = frame.view();
    if (filled == 0) bytes.remove_prefix(sent_of_first_);
    out[filled++] = bytes;
  };
  for (std::size_t i = inline_begin_; i < inline_end_ && filled < out.size(); ++i) add(inline_[i]);
  for (const Chunk* chunk = first_.get(); chunk != nullptr; chunk = chunk->next.get()) {
    for (std::size_t i = chunk->begin; i < chunk->end; ++i) {
      if (filled == out.size()) return filled;
      add(chunk->frames[i]);
    }
  }
  return filled;
}

const SharedBytes& Outbox::first() const {
  return inline_begin_ < inline_end_ ? inline_[inline_begin_] : first_->frames[first_->begin];
}

FrameKind Outbox::first_kind() const {
  return inline_begin_ < inline_end_ ? inline_kinds_[inline_begin_] : first_->kinds[first_->begin];
}

void Outbox::push_rest(const SharedBytes& rest, FrameKind kind) {
  TAKO_CHECK(empty());
  push(rest, kind);
  is_rest_ = !rest.empty();
}

void Outbox::drop_unsent(bool keeps_first) {
  if (empty() || (!keeps_first && !is_begun())) return clear();
  const SharedBytes kept = first();
  const FrameKind kind = first_kind();
  const std::size_t sent = sent_of_first_;
  const bool is_rest = is_rest_;
  clear();
  push(kept, kind);
  bytes_ -= sent;
  sent_of_first_ = sent;
  is_rest_ = is_rest;
}

void Outbox::consume(std::size_t bytes) {
  TAKO_CHECK(bytes <= bytes_);
  bytes_ -= bytes;
  sent_of_first_ += bytes;
  while (sent_of_first_ > 0) {
    const std::size_t size = first().size();
    if (sent_of_first_ < size) return;
    sent_of_first_ -= size;
    drop_first();
  }
}

void Outbox::drop_first() {
  is_rest_ = false;
  if (inline_begin_ < inline_end_) {
    settle(inline_[inline_begin_], inline_kinds_[inline_begin_]);
    inline_[inline_begin_++] = SharedBytes();
    return;
  }
  settle(first_->frames[first_->begin], first_->kinds[first_->begin]);
  first_->frames[first_->begin++] = SharedBytes();
  if (first_->begin < first_->end) return;
  std::unique_ptr<Chunk> done = std::move(first_);
  first_ = std::move(done->next);
  if (first_ == nullptr) last_ = nullptr;
  pool_.give_back(std::move(done));
}

void Outbox::clear() {
  while (inline_begin_ < inline_end_ || first_ != nullptr) drop_first();
  bytes_ = 0;
  sent_of_first_ = 0;
}

OutboxPool::~OutboxPool() {
  TAKO_CHECK(lent_ == 0);
  while (free_ != nullptr) free_ = std::move(free_->next);  // Not recursively: the list is long.
}

std::unique_ptr<Outbox::Chunk> OutboxPool::take() {
  ++lent_;
  if (free_ == nullptr) return std::make_unique<Outbox::Chunk>();
  std::unique_ptr<Outbox::Chunk> chunk = std::move(free_);
  free_ = std::move(chunk->next);
  --kept_;
  return chunk;
}

void OutboxPool::give_back(std::unique_ptr<Outbox::Chunk> chunk) {
  --lent_;
  chunk->begin = chunk->end = 0;
  chunk->next = std::move(free_);
  free_ = std::move(chunk);
  ++kept_;
  trim();
}

void OutboxPool::trim() noexcept {
  if (kept_ <= outboxes_ + kSpareMax) return;
  free_ = std::move(free_->next);
  --kept_;
}

}  // namespace tako::edge
