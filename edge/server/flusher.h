// Flusher: calls the connections that became dirty in a loop turn, once each, at the turn's end.
#pragma once

#include "common/uv/loop.h"

namespace tako::edge {

class Flusher;

// One who can be dirty: a link of an intrusive list, so that marking never allocates.
class Flushable {
 public:
  Flushable(const Flushable&) = delete;
  Flushable& operator=(const Flushable&) = delete;

 protected:
  Flushable() noexcept = default;
  ~Flushable() { unlink(); }

 private:
  friend class Flusher;
  // May mark itself and others (they are called at the end of the next turn), and may destroy
  // itself and others.
  virtual void on_turn_end() = 0;
  void unlink() noexcept;

  Flushable* previous_ = this;
  Flushable* next_ = this;
};

// A fan-out to a thousand clients pushes to a thousand outboxes and marks each; all they got in the
// turn leaves in one gathered write per client.
class Flusher {
 public:
  explicit Flusher(uv::Loop& loop);
  ~Flusher() = default;
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;

  // No effect on one that is marked.
  void mark(Flushable& dirty) noexcept;

 private:
  class Anchor final : public Flushable {
    void on_turn_end() override {}
  };

  void run();
  // Neither marked, nor an anchor with links behind it.
  [[nodiscard]] static bool is_alone(const Flushable& link) noexcept { return link.next_ == &link; }
  static void insert_before(Flushable& place, Flushable& link) noexcept;

  Anchor dirty_;
  Anchor running_;  // Those of the turn that ends; who is marked meanwhile waits in dirty_.
  uv::TurnEndTask task_;
};

}  // namespace tako::edge
