// What a subscriber gets: at the head at once, behind it as its outbox takes it.
#include <algorithm>
#include <string_view>
#include <utility>

#include "edge/fanout/feed.h"

namespace tako::edge {

// The hot path. Frames are made once for each form in use; then each subscriber costs the push of a
// pointer per frame. Its cursor is the feed's head, so there is none to move.
void Feed::deliver_live(std::span<const MessagePtr> run) {
  for (std::size_t form = 0; form < kWireForms; ++form) {
    std::vector<LiveEntry>& live = live_[form];
    if (live.empty()) continue;
    std::vector<const SharedBytes*>& frames = context_.frames;
    frames.clear();
    for (const MessagePtr& message : run) {
      frames.push_back(&frame_of(*message, static_cast<WireForm>(form)));
    }
    context_.counters.frames_delivered += live.size() * run.size();
    for (std::size_t i = 0; i < live.size();) {
      if (deliver_run(live[i], run)) ++i;  // Otherwise another one has taken its place.
    }
  }
}

// False when the subscriber is not live any more. Room is asked for between batches only.
bool Feed::deliver_run(const LiveEntry& entry, std::span<const MessagePtr> run) {
  FrameSink& sink = *entry.sink;
  Subscriber& subscriber = *entry.subscriber;
  std::uint64_t cursor = 0;  // of the run; 0: still where it was before
  for (std::size_t i = 0; i < run.size(); ++i) {
    const Message& message = *run[i];
    const bool is_own = !message.connection.empty() && subscriber.is_connection(message.connection);
    if (message.position.offset != 0) cursor = message.position.offset;
    if (!is_own) {
      sink.send(*context_.frames[i]);
    } else if (message.position.offset != 0) {
      subscriber.on_own_passed(message.position.offset);
    }
    if (message.batch_rest > 0 || sink.has_room()) continue;
    const std::size_t rest = run.size() - i - 1;
    context_.counters.frames_delivered -= rest;
    context_.counters.ephemeral_dropped += static_cast<std::uint64_t>(std::ranges::count_if(
        run.last(rest), [](const MessagePtr& later) { return later->position.offset == 0; }));
    fall_behind(subscriber, cursor != 0 ? cursor : offset_before(run));
    return false;
  }
  return true;
}

// The head as it was before the run.
std::uint64_t Feed::offset_before(std::span<const MessagePtr> run) const {
  for (const MessagePtr& message : run) {
    if (message->position.offset != 0) return message->position.offset - 1;
  }
  return window_.head;
}

void Feed::fall_behind(Subscriber& subscriber, std::uint64_t cursor) {
  take_out(subscriber);
  put(subscriber, Place::Behind);
  subscriber.cursor_ = cursor;
  if (subscriber.slow_ == SlowPolicy::Disconnect) end_slow(subscriber);
}

void Feed::pause(Subscriber& subscriber) {
  if (subscriber.place_ != Place::Live) return;
  take_out(subscriber);
  put(subscriber, Place::Behind);
  subscriber.cursor_ = window_.head;
}

void Feed::end_slow(Subscriber& subscriber) {
  ++context_.counters.slow_disconnected;
  end(subscriber, Error{ErrorCode::TooSlow});
}

void Feed::pump(Subscriber& subscriber) {
  if (&subscriber == starting_ || subscriber.place_ != Place::Behind) return;
  if (subscriber.sink_ == nullptr) return;
  if (!page_.empty()) pump_range(subscriber, page_);
  while (subscriber.place_ == Place::Behind && subscriber.sink_->has_room()) {
    if (subscriber.cursor_ > window_.head) {  // This feed is not there yet: see take_run().
      ahead_to_ = std::max(ahead_to_, subscriber.cursor_);
      return;
    }
    if (subscriber.cursor_ == window_.head) {
      take_out(subscriber);
      put(subscriber, Place::Live);
      break;
    }
    const bool is_cached = subscriber.cursor_ + 1 >= first_cached();
    const bool is_slow = subscriber.cursor_ >= subscriber.replay_to_;
    if (is_slow && subscriber.slow_ == SlowPolicy::Latest && !cache_.empty()) {
      pump_newest(subscriber);
    } else if (is_cached) {
      pump_range(subscriber, cache_.after(subscriber.cursor_));
    } else {
      if (state_ == State::Live) {
        request_page({.from_oldest = false, .position = position_of(subscriber)});
      }
      return;
    }
  }
  account();
  if (subscriber.place_ == Place::Behind && subscriber.slow_ == SlowPolicy::Disconnect &&
      subscriber.cursor_ >= subscriber.replay_to_ && subscriber.cursor_ < window_.head) {
    end_slow(subscriber);
  }
}

void Feed::pump_range(Subscriber& subscriber, std::span<const MessagePtr> messages) {
  if (subscriber.sink_ == nullptr) return;
  bool inside_batch = false;
  for (const MessagePtr& message : messages) {
    if (message->position.offset <= subscriber.cursor_) continue;
    if (message->position.offset != subscriber.cursor_ + 1) return;
    if (!inside_batch && !subscriber.sink_->has_room()) return;
    inside_batch = message->batch_rest > 0;
    deliver(subscriber, *message);
  }
}

// The policy `latest`: of what it has not seen, the newest message of each type.
void Feed::pump_newest(Subscriber& subscriber) {
  const std::uint64_t from = std::max(subscriber.cursor_, first_cached() - 1);
  const std::span<const MessagePtr> unseen = cache_.after(from);
  std::vector<std::string_view> types;
  std::vector<MessagePtr> newest;
  for (std::size_t i = unseen.size(); i-- > 0;) {
    if (std::ranges::find(types, unseen[i]->type) != types.end()) continue;
    types.push_back(unseen[i]->type);
    newest.push_back(unseen[i]);
  }
  for (std::size_t i = newest.size(); i-- > 0;) {
    if (!subscriber.sink_->has_room()) return;
    const Message& message = *newest[i];
    const std::uint64_t before = message.position.offset - 1;
    if (before > subscriber.cursor_) {
      const Position at = position_of(subscriber);
      context_.counters.conflated += before - subscriber.cursor_;
      subscriber.cursor_ = before;
      tell_gap(subscriber,
               {.from = at, .to = {before, window_.epoch}, .reason = GapReason::Conflated});
      if (subscriber.place_ != Place::Behind) return;  // It left.
    }
    deliver(subscriber, message);
  }
}

void Feed::deliver(Subscriber& subscriber, const Message& message) {
  subscriber.cursor_ = message.position.offset;
  if (!message.connection.empty() && subscriber.is_connection(message.connection)) {
    subscriber.on_own_passed(message.position.offset);
    return;
  }
  ++context_.counters.frames_delivered;
  subscriber.sink_->send(frame_of(message, subscriber.form_));
}

const SharedBytes& Feed::frame_of(const Message& message, WireForm form) {
  const auto index = static_cast<std::size_t>(form);
  SharedBytes& frame = message.frames[index];
  if (frame.empty()) {
    frame = context_.encoders[index]->encode(message, channel_);
    ++context_.counters.frames_encoded;
    if (cache_.holds(message)) cache_.add_frame_bytes(frame.size());
  }
  return frame;
}

void Feed::tell_gap(Subscriber& subscriber, const Gap& gap) {
  ++context_.counters.gaps_told;
  subscriber.on_gap(gap);
}

}  // namespace tako::edge
