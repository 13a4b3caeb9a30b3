// Fills frames up to a goal and hands them to the link.
#include "broker/edge_outbox.h"

#include <utility>

#include "common/check.h"
#include "common/limits.h"

namespace tako::broker {

EdgeOutbox::EdgeOutbox(FrameSink& sink, const RuntimeLimits& limits, LimitCounters& limit_counters,
                       LinkCounters& counters)
    : sink_(sink), limits_(limits), limit_counters_(limit_counters), counters_(counters) {}

bool EdgeOutbox::has_room() const {
  return sink_.pending_bytes() + frame_.size() < limits_.link_outbox_bytes_max;
}

void EdgeOutbox::add(std::string_view item) {
  TAKO_CHECK(item.size() <= limits::kLinkFrameBytesMax);
  if (frame_.size() + item.size() > limits::kLinkFrameBytesGoal) send_frame();
  frame_ += item;
  sink_.schedule_flush();
}

bool EdgeOutbox::add_control(std::string_view item) {
  if (!has_waiting_control() && has_room()) {
    add(item);
    return true;
  }
  if (control_bytes_ >= limits_.link_control_bytes_max) {
    ++limit_counters_.link_control_bytes_max;
    return false;
  }
  TAKO_CHECK(item.size() <= limits::kLinkFrameBytesMax);
  const bool is_full = control_frames_.empty() ||
                       control_frames_.back().size() + item.size() > limits::kLinkFrameBytesGoal;
  if (is_full) control_frames_.emplace_back();
  control_frames_.back() += item;
  control_bytes_ += item.size();
  return true;
}

void EdgeOutbox::move_control() {
  while (has_waiting_control() && has_room()) {
    control_bytes_ -= control_frames_.front().size();
    add(control_frames_.front());
    control_frames_.pop_front();
  }
}

void EdgeOutbox::send_frame() {
  if (frame_.empty()) return;
  ++counters_.frames_out_total;
  counters_.bytes_out_total += frame_.size();
  sink_.send(std::exchange(frame_, {}));
}

}  // namespace tako::broker
