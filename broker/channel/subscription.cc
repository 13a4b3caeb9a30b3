// Judges where a reader goes on, and reads from there.
#include "broker/channel/subscription.h"

#include <algorithm>
#include <limits>

#include "common/check.h"

namespace tako::broker {

Subscription::Subscription(ChannelTable& table, const ChannelIdentity& identity, Sink& sink,
                           const std::optional<Cursor>& from, std::size_t subscribers)
    : table_(table), channel_(table.open(identity)), sink_(sink), subscribers_(subscribers) {
  const ReplayWindow at = window();
  start_ = from ? resume_at(*from, at) : Resume{.after = at.head};
  after_ = {start_.after, at.epoch};
  channel_.sinks_.push_back(&sink_);
  channel_.subscribers_ += subscribers_;
}

Subscription::~Subscription() {
  const auto found = std::ranges::find(channel_.sinks_, &sink_);
  TAKO_CHECK(found != channel_.sinks_.end());
  *found = channel_.sinks_.back();
  channel_.sinks_.pop_back();
  channel_.subscribers_ -= subscribers_;
  table_.forget_if_idle(channel_);
}

bool Subscription::is_at_head() const {
  const ReplayWindow at = window();
  return after_ == Position{at.head, at.epoch};
}

Pulled Subscription::pull(std::size_t bytes_max) {
  Pulled pulled;
  // Read first, judge then: time may take away messages, and what is judged must be what was read.
  pulled.messages =
      table_.log().read_after(channel_.stream(), after_.offset,
                              std::numeric_limits<std::uint64_t>::max(), {.bytes_max = bytes_max});
  const ReplayWindow at = window();
  const Resume resume = resume_at({.position = after_}, at);
  if (resume.gap) {
    pulled.messages.clear();
    pulled.gap = resume.reason;
  }
  if (resume.gap || after_.epoch != at.epoch) pulled.window = at;
  const std::uint64_t last =
      pulled.messages.empty() ? resume.after : pulled.messages.back()->offset();
  after_ = {last, at.epoch};
  pulled.more = last < at.head;
  return pulled;
}

void Subscription::set_subscribers(std::size_t count) {
  channel_.subscribers_ += count - subscribers_;
  subscribers_ = count;
}

}  // namespace tako::broker
