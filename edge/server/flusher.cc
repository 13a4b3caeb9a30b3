// A circular list with an anchor, moved aside while it is worked off.
#include "edge/server/flusher.h"

namespace tako::edge {

void Flushable::unlink() noexcept {
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = this;
}

Flusher::Flusher(uv::Loop& loop) : task_(loop, [this] { run(); }) {}

void Flusher::insert_before(Flushable& place, Flushable& link) noexcept {
  link.previous_ = place.previous_;
  link.next_ = &place;
  place.previous_->next_ = &link;
  place.previous_ = &link;
}

void Flusher::mark(Flushable& dirty) noexcept {
  if (!is_alone(dirty)) return;
  insert_before(dirty_, dirty);
  task_.schedule();
}

void Flusher::run() {
  while (!is_alone(dirty_)) {
    Flushable& link = *static_cast<Flushable&>(dirty_).next_;
    link.unlink();
    insert_before(running_, link);
  }
  while (!is_alone(running_)) {
    Flushable& link = *static_cast<Flushable&>(running_).next_;
    link.unlink();
    link.on_turn_end();  // May destroy the link.
  }
}

}  // namespace tako::edge
