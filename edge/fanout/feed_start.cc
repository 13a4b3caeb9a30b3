// Where a subscriber starts: judged from the tail cache where that is certain, else by the broker.
#include <algorithm>

#include "edge/fanout/feed.h"

namespace tako::edge {
namespace {

// As many messages as a page may have, and as many bytes as an outbox takes.
constexpr std::uint32_t kPageMessages = limits::kHistoryPageMax;

}  // namespace

// A feed that nothing is known of yet stands where the other edge's stood, as after a lost link: so
// nobody waits for the broker. In a feed that is not as far yet a subscriber waits: see take_run().
bool Feed::continue_at(Subscriber& subscriber, const Position& handed_head) {
  if (!has_history_ && state_ == State::Idle) {
    has_history_ = true;
    window_.epoch = handed_head.epoch;
    window_.head = handed_head.offset;
  }
  const Position at = subscriber.asked_->position;
  if (!has_history_ || at.epoch != window_.epoch) return false;
  subscriber.cursor_ = at.offset;
  start(subscriber, {.at = at, .resumed = true, .gap = {}});
  return true;
}

bool Feed::judge(Subscriber& subscriber) {
  if (subscriber.is_rewinding_ && !subscriber.asked_ && !find_place(subscriber)) return true;
  if (!subscriber.asked_) {
    subscriber.cursor_ = window_.head;
    start(subscriber, {.at = head(), .resumed = false, .gap = {}});
    return false;
  }
  trim_cache();
  const Cursor asked = *subscriber.asked_;
  ReplayWindow cached = window_;
  cached.oldest = first_cached();
  const Resume resume = resume_at(asked, cached);
  // Everything retained is here only if the cache reaches back to the log's oldest. A cursor that
  // is not in the cache may be older, or one that another edge gave out before the message got
  // here: in doubt the broker is asked.
  const bool is_certain = asked.from_oldest ? cached.oldest <= window_.oldest : !resume.gap;
  if (!is_certain) {
    subscriber.place_ = Place::Asking;
    request_page(asked);
    return true;
  }
  ++context_.counters.resumed_from_cache;
  const Position after{resume.after, window_.epoch};
  subscriber.cursor_ = resume.after;
  start(subscriber, {.at = asked.from_oldest ? after : asked.position,
                     .resumed = !subscriber.is_rewinding_,
                     .gap = {}});
  return false;
}

// The caller has set cursor_, unless the start is behind a gap.
void Feed::start(Subscriber& subscriber, const Start& start) {
  if (start.gap) {
    subscriber.cursor_ = start.gap->to.offset;
    ++context_.counters.gaps_told;
  }
  subscriber.asked_.reset();
  subscriber.is_rewinding_ = false;
  subscriber.replay_to_ = window_.head;
  subscriber.place_ = Place::Behind;
  starting_ = &subscriber;  // What follows is pumped behind what the callback sends.
  subscriber.on_started(start);
  if (starting_ != &subscriber) return;  // It left, or is gone altogether.
  starting_ = nullptr;
  pump(subscriber);
}

void Feed::begin_fetch(Fetch fetch) {
  const auto asks_alike = [&](const Fetch& other) { return other.asks_like(fetch); };
  if (std::ranges::any_of(fetches_, asks_alike)) {
    ++context_.counters.fetches_merged;
    return;
  }
  if (fetches_.size() >= context_.limits.fetches_per_feed_max) {
    ++context_.limit_counters.fetches_per_feed_max;  // Asked again when one of them returns.
    return;
  }
  ++context_.counters.fetches;
  fetch.id = ++last_fetch_;
  fetches_.push_back(fetch);
  FetchRequest request;
  request.channel = channel_;
  request.after = fetch.after;
  request.from_ms = fetch.since_ms;
  request.limit = fetch.since_ms != 0 ? 1 : kPageMessages;
  request.bytes_max = static_cast<std::uint32_t>(context_.limits.outbox_bytes_max);
  context_.host.fetch_for(*this, fetch.id, std::move(request));
}

void Feed::on_page(std::uint32_t id, Result<FetchPage> page) {
  const auto found = std::ranges::find(fetches_, id, &Fetch::id);
  if (found == fetches_.end()) return;  // The link was lost meanwhile.
  const Fetch fetch = *found;
  fetches_.erase(found);
  if (!page) {
    give_up(fetch, page.error());
    return;
  }
  if (page->window.epoch != window_.epoch) {
    context_.host.retry_later(*this);  // This feed is about to hear of the other history.
    return;
  }
  window_.oldest = std::max(window_.oldest, page->window.oldest);
  if (fetch.since_ms != 0) {
    use_place(fetch.since_ms, *page);
    return retry();
  }
  for_each_waiting([&](Subscriber& subscriber) { use_page(subscriber, fetch.after, *page); });
  if (page->messages.empty()) {
    context_.host.retry_later(*this);
  } else {
    retry();
  }
}

bool Feed::waits_for(const Subscriber& subscriber, const Fetch& fetch) {
  if (subscriber.place_ != Place::Asking) return false;
  if (fetch.since_ms == 0) return subscriber.asked_ == fetch.after;
  return subscriber.is_rewinding_ && !subscriber.asked_ &&
         subscriber.rewind_since_ms_ == fetch.since_ms;
}

// A page serves whoever stands inside of it, not only those who asked for it.
void Feed::use_page(Subscriber& subscriber, const Cursor& after, const FetchPage& page) {
  if (subscriber.place_ == Place::Asking) {
    if (waits_for(subscriber, {.id = 0, .after = after})) start_from_page(subscriber, page);
    return;
  }
  if (subscriber.place_ != Place::Behind) return;
  const Position at{subscriber.cursor_, window_.epoch};
  if (page.gap && after.position == at && at.offset < window_.head) {
    subscriber.cursor_ = window_.head;
    subscriber.replay_to_ = 0;
    tell_gap(subscriber, {.from = at, .to = head(), .reason = *page.gap});
    pump(subscriber);
    return;
  }
  pump_range(subscriber, page.messages);
}

void Feed::start_from_page(Subscriber& subscriber, const FetchPage& page) {
  const Cursor asked = *subscriber.asked_;
  if (page.gap && subscriber.is_rewinding_) {
    subscriber.asked_ = kFromOldest;  // What it would have had is gone: so it has less.
    return request_page(kFromOldest);
  }
  if (page.gap) {
    const Gap gap{.from = asked.position, .to = head(), .reason = *page.gap};
    start(subscriber, {.at = asked.position, .resumed = false, .gap = gap});
    return;
  }
  Position at = asked.position;
  if (asked.from_oldest) {
    const std::uint64_t oldest =
        page.messages.empty() ? page.window.oldest : page.messages.front()->position.offset;
    at = {oldest - 1, window_.epoch};
  }
  subscriber.cursor_ = at.offset;
  page_ = page.messages;
  start(subscriber, {.at = at, .resumed = !subscriber.is_rewinding_, .gap = {}});
  page_ = {};
}

void Feed::give_up(const Fetch& fetch, const Error& error) {
  for_each_waiting([&](Subscriber& subscriber) {
    if (waits_for(subscriber, fetch)) end(subscriber, error);
  });
  context_.host.retry_later(*this);  // For those who are behind: they stay.
}

}  // namespace tako::edge
