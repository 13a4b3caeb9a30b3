// Who is in a channel's feed, and where: live side by side for the hot loop, all others in a list.
#include "edge/fanout/feed.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace tako::edge {

Subscriber::~Subscriber() { leave(); }

void Subscriber::pump() {
  if (feed_ != nullptr) feed_->pump(*this);
}

FrameSink* Subscriber::pause() {
  if (feed_ != nullptr) feed_->pause(*this);
  return std::exchange(sink_, nullptr);
}

void Subscriber::resume(FrameSink& sink) {
  sink_ = &sink;
  if (feed_ == nullptr) return;
  replay_to_ = feed_->head().offset;
  feed_->pump(*this);
}

void Subscriber::leave() {
  if (feed_ != nullptr) feed_->leave(*this);
}

const ChannelIdentity& Subscriber::channel() const {
  TAKO_CHECK(feed_ != nullptr);
  return feed_->channel();
}

Position Subscriber::position() const {
  TAKO_CHECK(feed_ != nullptr);
  return feed_->position_of(*this);
}

Position Subscriber::feed_head() const {
  const Position at = position();
  const Position head = feed_->head();
  return {std::max(at.offset, head.offset), head.epoch};
}

Feed::Feed(FeedContext& context, ChannelNumber number, ChannelIdentity channel, FeedRules rules)
    : context_(context), number_(number), channel_(std::move(channel)), rules_(rules) {
  ++context_.counters.feeds;
}

Feed::~Feed() {
  // The end of the program: sessions that are still there must not find a feed that is gone.
  for_each_live([this](Subscriber& subscriber) { leave(subscriber); });
  for_each_waiting([this](Subscriber& subscriber) { leave(subscriber); });
  context_.counters.cached_bytes -= accounted_bytes_;
  --context_.counters.feeds;
}

bool Feed::join(Subscriber& subscriber, const Join& join) {
  TAKO_CHECK(subscriber.feed_ == nullptr);
  subscriber.feed_ = this;
  subscriber.asked_ = join.cursor;
  if (!join.cursor) set_rewind(subscriber, join.rewind);
  subscriber.form_ = join.form;
  subscriber.slow_ = join.slow;
  subscriber.is_public_ = join.is_public;
  subscriber.joined_ms_ = context_.clock.monotonic_ms();
  put(subscriber, Place::Joining);
  ++context_.counters.subscribers;
  context_.host.on_occupancy_changed(*this);
  const bool continued = join.handed_head && continue_at(subscriber, *join.handed_head);
  if (!continued && state_ == State::Live) return judge(subscriber);  // It may be gone now.
  if (state_ == State::Idle && context_.broker.is_linked()) subscribe();
  return !continued;
}

void Feed::leave(Subscriber& subscriber) {
  if (starting_ == &subscriber) starting_ = nullptr;
  take_out(subscriber);
  subscriber.feed_ = nullptr;
  subscriber.place_ = Place::None;
  --context_.counters.subscribers;
  context_.host.on_occupancy_changed(*this);
}

void Feed::end(Subscriber& subscriber, const Error& error) {
  leave(subscriber);
  subscriber.on_ended(error);
}

void Feed::put(Subscriber& subscriber, Place place) {
  subscriber.place_ = place;
  if (place == Place::Live) {
    std::vector<LiveEntry>& live = live_[static_cast<std::size_t>(subscriber.form_)];
    subscriber.index_ = static_cast<std::uint32_t>(live.size());
    live.push_back({subscriber.sink_, &subscriber});
  } else {
    subscriber.index_ = static_cast<std::uint32_t>(waiting_.size());
    waiting_.push_back(&subscriber);
  }
}

void Feed::take_out(Subscriber& subscriber) {
  const std::uint32_t index = subscriber.index_;
  if (subscriber.place_ == Place::Live) {
    std::vector<LiveEntry>& live = live_[static_cast<std::size_t>(subscriber.form_)];
    live[index] = live.back();
    live[index].subscriber->index_ = index;
    live.pop_back();
  } else {
    waiting_[index] = waiting_.back();
    waiting_[index]->index_ = index;
    waiting_.pop_back();
  }
}

std::size_t Feed::subscribers() const {
  std::size_t count = waiting_.size();
  for (const std::vector<LiveEntry>& live : live_) count += live.size();
  return count;
}

Position Feed::position_of(const Subscriber& subscriber) const {
  if (subscriber.place_ == Place::Live) return head();
  return {subscriber.cursor_, window_.epoch};
}

void Feed::retry() {
  if (state_ != State::Live) return;
  for_each_waiting([this](Subscriber& subscriber) {
    if (subscriber.place_ == Place::Behind) {
      pump(subscriber);
    } else {
      static_cast<void>(judge(subscriber));
    }
  });
}

void Feed::end_joining(std::int64_t joined_before_ms, const Error& error) {
  for_each_waiting([&](Subscriber& subscriber) {
    const bool has_started = subscriber.place_ == Place::Behind;
    if (!has_started && subscriber.joined_ms_ <= joined_before_ms) end(subscriber, error);
  });
}

void Feed::end_private(const Error& error) {
  const auto end_if_private = [&](Subscriber& subscriber) {
    if (!subscriber.is_public_) end(subscriber, error);
  };
  for_each_live(end_if_private);
  for_each_waiting(end_if_private);
}

void Feed::end_all(const Error& error) {
  for_each_live([&](Subscriber& subscriber) { end(subscriber, error); });
  for_each_waiting([&](Subscriber& subscriber) { end(subscriber, error); });
}

}  // namespace tako::edge
