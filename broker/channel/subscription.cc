// Judges where a reader goes on, and reads from there.
#include "broker/channel/subscription.h"

#include <algorithm>
#include <limits>
#include <utility>

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
  if (is_alive_ != nullptr) *is_alive_ = false;
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

Pulled Subscription::pull(std::size_t bytes_max, bool may_load) {
  Pulled pulled;
  // Read first, judge then: time may take away messages, and what is judged must be what was read.
  auto messages = read(bytes_max, may_load);
  if (!messages) {
    pulled.state = is_loading_ ? Pulled::State::Loading : Pulled::State::NeedsLoad;
    return pulled;
  }
  pulled.messages = std::move(*messages);
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

std::optional<std::vector<MessagePtr>> Subscription::read(std::size_t bytes_max, bool may_load) {
  if (is_loading_) return std::nullopt;
  if (!loaded_) {
    auto hot = table_.log().read_after(channel_.stream(), after_.offset,
                                       std::numeric_limits<std::uint64_t>::max(),
                                       {.bytes_max = bytes_max});
    if (hot || !may_load) return hot;
    load(bytes_max);
  }
  return std::exchange(loaded_, std::nullopt);
}

void Subscription::load(std::size_t bytes_max) {
  if (is_alive_ == nullptr) is_alive_ = std::make_shared<bool>(true);
  is_loading_ = true;
  auto is_returned = std::make_shared<bool>(false);  // from here: then the sink has to be told
  table_.log().load_after(channel_.stream(), after_.offset,
                          std::numeric_limits<std::uint64_t>::max(), {.bytes_max = bytes_max},
                          [this, is_alive = is_alive_, is_returned](std::vector<MessagePtr> read) {
                            if (!*is_alive) return;
                            is_loading_ = false;
                            loaded_ = std::move(read);
                            if (*is_returned) sink_.on_appended();
                          });
  *is_returned = true;
}

void Subscription::set_subscribers(std::size_t count) {
  channel_.subscribers_ += count - subscribers_;
  subscribers_ = count;
}

}  // namespace tako::broker
