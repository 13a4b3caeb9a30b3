// What the broker says of a channel's presence, and who is told of it when.
#include <utility>

#include "edge/fanout/presence_feed.h"

namespace tako::edge {

PresenceFeed::Entries& PresenceFeed::entries_of(const PresenceSubscriber& subscriber) {
  switch (subscriber.place_) {
    case Place::Silent:
      return silent_;
    case Place::Behind:
      return behind_;
    case Place::Current:
      break;
  }
  return current_[index_of(subscriber.wish_)][static_cast<std::size_t>(subscriber.form_)];
}

void PresenceFeed::put(PresenceSubscriber& subscriber, Place place) {
  subscriber.place_ = place;
  Entries& entries = entries_of(subscriber);
  subscriber.index_ = static_cast<std::uint32_t>(entries.size());
  entries.push_back({subscriber.sink_, &subscriber});
}

void PresenceFeed::take_out(PresenceSubscriber& subscriber) {
  Entries& entries = entries_of(subscriber);
  entries[subscriber.index_] = entries.back();
  entries[subscriber.index_].subscriber->index_ = subscriber.index_;
  entries.pop_back();
}

std::optional<PresenceVersion> PresenceFeed::told(const PresenceSubscriber& subscriber) const {
  if (subscriber.wish_ != PresenceWish::List) return std::nullopt;
  if (subscriber.place_ == Place::Current) return mirror_.version();
  return subscriber.told_;
}

void PresenceFeed::set_wish(PresenceSubscriber& subscriber, PresenceWish wish) {
  if (context_.encoders[static_cast<std::size_t>(subscriber.form_)] == nullptr) {
    wish = PresenceWish::Nothing;
  }
  if (wish == subscriber.wish_) return;
  take_out(subscriber);
  const PresenceWish was = std::exchange(subscriber.wish_, wish);
  subscriber.told_.reset();
  put(subscriber, wish == PresenceWish::Nothing ? Place::Silent : Place::Behind);
  add_watcher(wish);
  remove_watcher(was);
  pump(subscriber);
}

void PresenceFeed::set_sink(PresenceSubscriber& subscriber, FrameSink* sink) {
  if (subscriber.place_ == Place::Current) {
    subscriber.told_ = told(subscriber);
    take_out(subscriber);
    put(subscriber, Place::Behind);
  }
  subscriber.sink_ = sink;
  pump(subscriber);
}

void PresenceFeed::pump(PresenceSubscriber& subscriber) {
  if (subscriber.place_ != Place::Behind || !catch_up(subscriber, true)) return;
  take_out(subscriber);
  put(subscriber, Place::Current);
}

void PresenceFeed::on_news(PresenceNews news) {
  if (!is_open_) return;
  if (auto* list = std::get_if<MemberList>(&news)) {
    on_list(std::move(*list));
  } else if (auto* changes = std::get_if<PresenceChanges>(&news)) {
    on_changes(std::move(*changes));
  } else if (const auto* counts = std::get_if<PresenceCounts>(&news)) {
    on_counts(*counts);
  } else {
    on_refusal(std::get<PresenceRefusal>(news));
  }
}

void PresenceFeed::on_list(MemberList list) {
  ++context_.counters.lists_received;
  if (!wants_list_) return;  // Nobody watches any more.
  is_list_due_ = false;
  PresenceMirror::Step* step = mirror_.take(std::move(list));
  list_frames_ = {};
  if (step != nullptr) tell_step(*step);
  catch_up_all(PresenceWish::List);
}

void PresenceFeed::on_changes(PresenceChanges changes) {
  ++context_.counters.changes_received;
  if (!mirror_.is_known() || is_list_due_) return;
  PresenceMirror::Step* step = mirror_.apply(std::move(changes));
  if (step == nullptr) return ask_anew();
  list_frames_ = {};
  tell_step(*step);
  catch_up_all(PresenceWish::List);
}

void PresenceFeed::on_counts(const PresenceCounts& counts) {
  if (!wants_counts_ || (has_counts_ && counts == counts_)) return;
  has_counts_ = true;
  counts_ = counts;
  counts_frames_ = {};
  tell_current(PresenceWish::Counts,
               [this](WireForm form) -> const SharedBytes& { return counts_frame(form); });
  catch_up_all(PresenceWish::Counts);
}

void PresenceFeed::on_refusal(const PresenceRefusal& refusal) {
  const auto found = sessions_.find(refusal.session);
  if (found == sessions_.end()) return;  // It has gone meanwhile.
  ++context_.counters.refused;
  PresenceSubscriber& subscriber = *found->second;
  forget_session(subscriber);
  subscriber.on_presence_refused(refusal.error);
}

void PresenceFeed::tell_step(PresenceMirror::Step& step) {
  tell_current(PresenceWish::List, [this, &step](WireForm form) -> const SharedBytes& {
    return step_frame(step, form);
  });
}

// The hot path: each watcher costs the push of a pointer.
template <typename FrameOf>
void PresenceFeed::tell_current(PresenceWish wish, FrameOf frame_of) {
  for (std::size_t form = 0; form < kWireForms; ++form) {
    Entries& entries = current_[index_of(wish)][form];
    if (entries.empty()) continue;
    const SharedBytes& frame = frame_of(static_cast<WireForm>(form));
    for (std::size_t i = 0; i < entries.size();) {
      if (entries[i].sink->has_room()) {
        entries[i++].sink->send(frame);
        ++context_.counters.frames_told;
        continue;
      }
      PresenceSubscriber& slow = *entries[i].subscriber;  // Another one takes its place.
      take_out(slow);
      slow.told_.reset();
      put(slow, Place::Behind);
    }
  }
}

// Backwards: the last one takes the place of one that goes, and it has been visited.
void PresenceFeed::catch_up_all(PresenceWish wish) {
  for (std::size_t i = behind_.size(); i-- > 0;) {
    PresenceSubscriber& subscriber = *behind_[i].subscriber;
    if (subscriber.wish_ != wish || !catch_up(subscriber, false)) continue;
    take_out(subscriber);
    put(subscriber, Place::Current);
  }
}

bool PresenceFeed::catch_up(PresenceSubscriber& subscriber, bool may_wait) {
  if (subscriber.sink_ == nullptr || !subscriber.sink_->has_room()) return false;
  if (subscriber.wish_ == PresenceWish::List) return catch_up_list(subscriber, may_wait);
  if (!has_counts_) return false;
  send(subscriber, counts_frame(subscriber.form_));
  return true;
}

bool PresenceFeed::catch_up_list(PresenceSubscriber& subscriber, bool may_wait) {
  if (!mirror_.is_known()) return false;
  if (subscriber.told_) {
    const PresenceVersion& told = *subscriber.told_;
    const bool is_ahead =
        told.epoch == mirror_.version().epoch && told.number > mirror_.version().number;
    if (is_ahead && may_wait) return false;  // Told by another edge, which heard of it first.
    if (const auto first = mirror_.first_step_after(told)) {
      for (std::size_t i = *first; i < mirror_.steps().size(); ++i) {
        send(subscriber, step_frame(mirror_.steps()[i], subscriber.form_));
      }
      return true;
    }
  }
  ++context_.counters.lists_told;
  send(subscriber, list_frame(subscriber.form_));
  return true;
}

void PresenceFeed::send(PresenceSubscriber& subscriber, const SharedBytes& frame) {
  ++context_.counters.frames_told;
  subscriber.sink_->send(frame);
}

const SharedBytes& PresenceFeed::step_frame(PresenceMirror::Step& step, WireForm form) {
  const auto index = static_cast<std::size_t>(form);
  if (step.frames[index].empty()) {
    step.frames[index] = context_.encoders[index]->changes(step.what, channel_);
    ++context_.counters.frames_encoded;
  }
  return step.frames[index];
}

const SharedBytes& PresenceFeed::list_frame(WireForm form) {
  const auto index = static_cast<std::size_t>(form);
  if (list_frames_[index].empty()) {
    list_frames_[index] =
        context_.encoders[index]->list(mirror_.version(), mirror_.members(), channel_);
    ++context_.counters.frames_encoded;
  }
  return list_frames_[index];
}

const SharedBytes& PresenceFeed::counts_frame(WireForm form) {
  const auto index = static_cast<std::size_t>(form);
  if (counts_frames_[index].empty()) {
    counts_frames_[index] = context_.encoders[index]->counts(counts_, channel_);
    ++context_.counters.frames_encoded;
  }
  return counts_frames_[index];
}

}  // namespace tako::edge
