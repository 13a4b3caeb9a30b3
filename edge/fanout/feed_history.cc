// What the broker says of a channel's history: where it stands, what is new, what is lost.
#include <algorithm>
#include <utility>

#include "edge/fanout/feed.h"

namespace tako::edge {

void Feed::subscribe() {
  state_ = State::Subscribing;
  std::optional<Cursor> from;
  if (has_history_) from = Cursor{.from_oldest = false, .position = head()};
  context_.broker.subscribe(number_, channel_, from);
}

void Feed::on_link_down() {
  state_ = State::Idle;
  fetches_
      .clear();  // What still comes of them is of no use: all are judged again on the next link.
}

void Feed::on_subscribed(const Subscribed& subscribed) {
  if (state_ != State::Subscribing) return;
  if (subscribed.error) {
    state_ = State::Idle;
    end_all(*subscribed.error);
    return;
  }
  state_ = State::Live;
  const std::uint64_t head = window_.head;
  if (!has_history_) {
    has_history_ = true;
    window_ = subscribed.window;
    window_.head = subscribed.starts_after;
  } else if (subscribed.gap || subscribed.starts_after != head) {
    lose_history(subscribed.window, subscribed.starts_after,
                 subscribed.gap.value_or(GapReason::HistoryLost));
  } else {
    window_ = subscribed.window;
    window_.head = head;
  }
  retry();
}

void Feed::on_delivery(Delivery delivery) {
  if (state_ != State::Live) return;
  context_.counters.messages_received += delivery.messages.size();
  take_window(delivery);
  std::span<const MessagePtr> rest = delivery.messages;
  while (!rest.empty()) {
    const std::size_t dense = dense_prefix(rest);
    if (dense > 0) {
      take_run(rest.first(dense));
      rest = rest.subspan(dense);
      continue;
    }
    // The broker promises neither repeats nor holes. Should it break that, the laws still hold
    // here.
    ++context_.counters.holes_from_broker;
    const std::uint64_t offset = rest.front()->position.offset;
    if (offset <= window_.head) {
      rest = rest.subspan(1);
    } else {
      lose_history(window_, offset - 1, GapReason::WindowPassed);
    }
  }
  account();
}

void Feed::take_window(Delivery& delivery) {
  if (!delivery.window && !delivery.gap) return;
  const std::uint64_t head = window_.head;
  ReplayWindow window = delivery.window ? std::move(*delivery.window) : window_;
  const bool goes_on =
      !delivery.gap && !resume_at({.from_oldest = false, .position = this->head()},
                                  {.epoch = window.epoch,
                                   .head = std::max(window.head, head),
                                   .oldest = 1,  // What we have, we have, whatever the log keeps.
                                   .older_epochs = window.older_epochs})
                            .gap;
  if (goes_on) {
    window_ = std::move(window);
    window_.head = head;
    return;
  }
  std::uint64_t base = window.head;
  for (const MessagePtr& message : delivery.messages) {
    if (message->position.offset == 0) continue;
    base = message->position.offset - 1;
    break;
  }
  lose_history(std::move(window), base, delivery.gap.value_or(GapReason::HistoryLost));
}

void Feed::lose_history(ReplayWindow window, std::uint64_t base, GapReason reason) {
  ++context_.counters.histories_lost;
  const Position old_head = head();
  cache_.clear();
  ahead_to_ = 0;
  window_ = std::move(window);
  window_.head = base;
  for_each_waiting([&](Subscriber& subscriber) {
    if (subscriber.place_ != Place::Behind) return;  // Judged afresh.
    const Position from{subscriber.cursor_, old_head.epoch};
    const Resume resume = resume_at({.from_oldest = false, .position = from}, window_);
    // The head itself is what the broker has just judged; a subscriber may be ahead of it.
    const bool goes_on = from.offset != old_head.offset && !resume.gap;
    subscriber.cursor_ = goes_on ? resume.after : base;
    subscriber.replay_to_ = 0;
    if (!goes_on) tell_gap(subscriber, {.from = from, .to = head(), .reason = reason});
  });
  for_each_live([&](Subscriber& subscriber) {
    tell_gap(subscriber, {.from = old_head, .to = head(), .reason = reason});
  });
  account();
  retry();
}

// How many of the messages follow the head one after the other; ephemeral ones ride between.
std::size_t Feed::dense_prefix(std::span<const MessagePtr> messages) const {
  std::uint64_t head = window_.head;
  std::size_t count = 0;
  for (const MessagePtr& message : messages) {
    const std::uint64_t offset = message->position.offset;
    if (offset != 0 && offset != head + 1) break;
    if (offset != 0) head = offset;
    ++count;
  }
  return count;
}

void Feed::take_run(std::span<const MessagePtr> run) {
  const std::uint64_t old_head = window_.head;
  for (const MessagePtr& message : run) {
    if (message->position.offset == 0) {
      context_.counters.ephemeral_dropped += waiting_.size();
      continue;
    }
    window_.head = message->position.offset;
    cache_.append(message);
  }
  deliver_live(run);
  if (old_head < ahead_to_) {
    for_each_waiting([this](Subscriber& subscriber) { pump(subscriber); });
  }
  trim_cache();
}

void Feed::trim_cache() {
  TailCache::Bounds bounds{.messages_max = context_.limits.tail_cache_messages_max,
                           .bytes_max = context_.limits.tail_cache_bytes_max,
                           .oldest_ms = INT64_MIN};
  if (rules_.messages_max != 0) {
    bounds.messages_max = std::min(bounds.messages_max, rules_.messages_max);
  }
  if (rules_.replay_window_ms != 0) {
    bounds.oldest_ms = context_.clock.wall_ms() - rules_.replay_window_ms;
  }
  const TailCache::Trimmed trimmed = cache_.trim(bounds);
  context_.limit_counters.tail_cache_messages_max += trimmed.by_count ? 1 : 0;
  context_.limit_counters.tail_cache_bytes_max += trimmed.by_bytes ? 1 : 0;
}

void Feed::drop_cache() {
  cache_.clear();
  context_.counters.cached_bytes -= accounted_bytes_;
  accounted_bytes_ = 0;
}

void Feed::account() {
  context_.counters.cached_bytes += cache_.bytes() - accounted_bytes_;  // wraps as it should
  accounted_bytes_ = cache_.bytes();
  context_.host.on_cache_changed(*this);
}

std::uint64_t Feed::first_cached() const {
  return cache_.empty() ? window_.head + 1 : cache_.first_offset();
}

}  // namespace tako::edge
