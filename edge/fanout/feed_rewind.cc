// Where a subscriber starts that wants what came before it: by number, or by time.
#include <algorithm>

#include "edge/fanout/feed.h"

namespace tako::edge {

void Feed::set_rewind(Subscriber& subscriber, const Rewind& rewind) const {
  // Those who come together ask the broker together.
  constexpr std::int64_t kTogetherMs = 100;
  const std::int64_t since_ms = context_.clock.wall_ms() - rewind.ms;
  const bool is_by_time = rewind.ms > 0 && since_ms >= kTogetherMs;
  subscriber.is_rewinding_ = !rewind.is_now();
  subscriber.rewind_since_ms_ = is_by_time ? since_ms - since_ms % kTogetherMs : 0;
  subscriber.rewind_messages_ = rewind.ms > 0 ? INT64_MAX : rewind.messages;
}

Cursor Feed::behind(std::uint64_t offset) const {
  if (offset + 1 <= window_.oldest) return {.from_oldest = true, .position = {}};
  return {.from_oldest = false, .position = {offset, window_.epoch}};
}

// True: `asked_` says where. False: the broker is asked.
bool Feed::find_place(Subscriber& subscriber) {
  if (subscriber.rewind_since_ms_ == 0) {
    const auto wanted = static_cast<std::uint64_t>(subscriber.rewind_messages_);
    subscriber.asked_ = behind(window_.head - std::min(window_.head, wanted));
    return true;
  }
  trim_cache();
  const std::span<const MessagePtr> recent =
      cache_.empty() ? std::span<const MessagePtr>() : cache_.after(cache_.first_offset() - 1);
  const auto young = std::ranges::find_if(recent, [&](const MessagePtr& message) {
    return message->time_ms >= subscriber.rewind_since_ms_;
  });
  // If the oldest one here is young enough, there may be more of them at the broker.
  const bool is_certain = young != recent.begin() || first_cached() <= window_.oldest;
  if (is_certain) {
    subscriber.asked_ =
        behind(young == recent.end() ? window_.head : (*young)->position.offset - 1);
    return true;
  }
  subscriber.place_ = Place::Asking;
  begin_fetch({.id = 0, .after = kFromOldest, .since_ms = subscriber.rewind_since_ms_});
  return false;
}

// The first message that is young enough, or none.
void Feed::use_place(std::int64_t since_ms, const FetchPage& page) {
  const std::uint64_t offset =
      page.messages.empty() ? page.window.head : page.messages.front()->position.offset - 1;
  for_each_waiting([&](Subscriber& subscriber) {
    if (!waits_for(subscriber, {.id = 0, .after = kFromOldest, .since_ms = since_ms})) return;
    subscriber.asked_ = behind(std::min(offset, window_.head));
    static_cast<void>(judge(subscriber));
  });
}

}  // namespace tako::edge
